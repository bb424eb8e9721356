// libzmq: v2_decoder.cpp · runs on: io thread · RFC: 23 (Framing)

import {
  BODY_TOO_LARGE,
  FRAME_COMMAND,
  FRAME_MORE,
  FRAME_RESERVED,
} from "../base/frame_header.ts";
import type { ProtocolError } from "../base/protocol_error.ts";

/**
 * Judges the header of a frame, before any memory is spent on its body: null,
 * or why the connection is to be closed.
 *
 * Commands between the frames of a message pass, although the RFC's grammar has
 * none there: libzmq sends heartbeats in such places.
 *
 * @param flags The flags octet as it came.
 * @param bodyLength What `readBodyLength` made of the size.
 * @param messageMax The largest body of a message frame; negative = any.
 * @param commandMax The largest body of a command.
 */
export function checkFrame(
  flags: number,
  bodyLength: number,
  messageMax: number,
  commandMax: number,
): ProtocolError | null {
  if ((flags & FRAME_RESERVED) !== 0) return "ERR_ZMTP_RESERVED_FLAGS";
  if (bodyLength === BODY_TOO_LARGE) return "ERR_ZMTP_FRAME_TOO_LARGE";
  if ((flags & FRAME_COMMAND) === 0) {
    return messageMax >= 0 && bodyLength > messageMax
      ? "ERR_ZMTP_FRAME_TOO_LARGE"
      : null;
  }
  if ((flags & FRAME_MORE) !== 0) return "ERR_ZMTP_MORE_ON_COMMAND";
  // A command needs at least the size of its name and one character.
  if (bodyLength < 2) return "ERR_ZMTP_MALFORMED_COMMAND_UNSPECIFIED";
  return bodyLength > commandMax ? "ERR_ZMTP_COMMAND_TOO_LARGE" : null;
}
