// libzmq: zmq.h (ZMQ_PROTOCOL_ERROR_*) · runs on: any · RFC: 23, 37

/**
 * Why a connection was closed although the transport was fine. The first group
 * are libzmq's names, which monitors report; the second says more precisely
 * what libzmq reports as unspecified.
 */
export type ProtocolError =
  | "ERR_ZMTP_UNSPECIFIED"
  | "ERR_ZMTP_UNEXPECTED_COMMAND"
  | "ERR_ZMTP_INVALID_SEQUENCE"
  | "ERR_ZMTP_KEY_EXCHANGE"
  | "ERR_ZMTP_MALFORMED_COMMAND_UNSPECIFIED"
  | "ERR_ZMTP_MALFORMED_COMMAND_MESSAGE"
  | "ERR_ZMTP_MALFORMED_COMMAND_HELLO"
  | "ERR_ZMTP_MALFORMED_COMMAND_INITIATE"
  | "ERR_ZMTP_MALFORMED_COMMAND_ERROR"
  | "ERR_ZMTP_MALFORMED_COMMAND_READY"
  | "ERR_ZMTP_MALFORMED_COMMAND_WELCOME"
  | "ERR_ZMTP_INVALID_METADATA"
  | "ERR_ZMTP_CRYPTOGRAPHIC"
  | "ERR_ZMTP_MECHANISM_MISMATCH"
  | "ERR_ZMTP_INVALID_GREETING"
  | "ERR_ZMTP_UNSUPPORTED_VERSION"
  | "ERR_ZMTP_ROLE_MISMATCH"
  | "ERR_ZMTP_RESERVED_FLAGS"
  | "ERR_ZMTP_MORE_ON_COMMAND"
  | "ERR_ZMTP_FRAME_TOO_LARGE"
  | "ERR_ZMTP_COMMAND_TOO_LARGE"
  | "ERR_ZMTP_TOPIC_TOO_LONG"
  | "ERR_ZMTP_HANDSHAKE_TOO_LONG"
  | "ERR_ZMTP_REFUSED_BY_PEER";

/** What is known about a protocol error. */
export interface ProtocolErrorRow {
  /** libzmq's number for it, as monitor events carry it. */
  readonly number: number;
  /** The name among libzmq's own that monitors report. */
  readonly reportedAs: ProtocolError;
  /** What the peer did. */
  readonly meaning: string;
}

const NUMBERS = {
  ERR_ZMTP_UNSPECIFIED: 0x10000000,
  ERR_ZMTP_UNEXPECTED_COMMAND: 0x10000001,
  ERR_ZMTP_INVALID_SEQUENCE: 0x10000002,
  ERR_ZMTP_KEY_EXCHANGE: 0x10000003,
  ERR_ZMTP_MALFORMED_COMMAND_UNSPECIFIED: 0x10000011,
  ERR_ZMTP_MALFORMED_COMMAND_MESSAGE: 0x10000012,
  ERR_ZMTP_MALFORMED_COMMAND_HELLO: 0x10000013,
  ERR_ZMTP_MALFORMED_COMMAND_INITIATE: 0x10000014,
  ERR_ZMTP_MALFORMED_COMMAND_ERROR: 0x10000015,
  ERR_ZMTP_MALFORMED_COMMAND_READY: 0x10000016,
  ERR_ZMTP_MALFORMED_COMMAND_WELCOME: 0x10000017,
  ERR_ZMTP_INVALID_METADATA: 0x10000018,
  ERR_ZMTP_CRYPTOGRAPHIC: 0x11000001,
  ERR_ZMTP_MECHANISM_MISMATCH: 0x11000002,
} as const;

function own(
  name: keyof typeof NUMBERS,
  meaning: string,
): ProtocolErrorRow {
  return { number: NUMBERS[name], reportedAs: name, meaning };
}

const UNSPECIFIED = "ERR_ZMTP_UNSPECIFIED";
const MALFORMED = "ERR_ZMTP_MALFORMED_COMMAND_UNSPECIFIED";

/** All protocol errors. */
export const PROTOCOL_ERRORS: {
  readonly [name in ProtocolError]: ProtocolErrorRow;
} = {
  ERR_ZMTP_UNSPECIFIED: own(UNSPECIFIED, "broke the protocol"),
  ERR_ZMTP_UNEXPECTED_COMMAND: own(
    "ERR_ZMTP_UNEXPECTED_COMMAND",
    "sent a command that the handshake does not expect now",
  ),
  ERR_ZMTP_INVALID_SEQUENCE: own(
    "ERR_ZMTP_INVALID_SEQUENCE",
    "repeated or reordered an encrypted message",
  ),
  ERR_ZMTP_KEY_EXCHANGE: own(
    "ERR_ZMTP_KEY_EXCHANGE",
    "failed the exchange of keys",
  ),
  ERR_ZMTP_MALFORMED_COMMAND_UNSPECIFIED: own(
    MALFORMED,
    "sent a malformed command",
  ),
  ERR_ZMTP_MALFORMED_COMMAND_MESSAGE: own(
    "ERR_ZMTP_MALFORMED_COMMAND_MESSAGE",
    "sent a malformed MESSAGE",
  ),
  ERR_ZMTP_MALFORMED_COMMAND_HELLO: own(
    "ERR_ZMTP_MALFORMED_COMMAND_HELLO",
    "sent a malformed HELLO",
  ),
  ERR_ZMTP_MALFORMED_COMMAND_INITIATE: own(
    "ERR_ZMTP_MALFORMED_COMMAND_INITIATE",
    "sent a malformed INITIATE",
  ),
  ERR_ZMTP_MALFORMED_COMMAND_ERROR: own(
    "ERR_ZMTP_MALFORMED_COMMAND_ERROR",
    "sent a malformed ERROR",
  ),
  ERR_ZMTP_MALFORMED_COMMAND_READY: own(
    "ERR_ZMTP_MALFORMED_COMMAND_READY",
    "sent a malformed READY",
  ),
  ERR_ZMTP_MALFORMED_COMMAND_WELCOME: own(
    "ERR_ZMTP_MALFORMED_COMMAND_WELCOME",
    "sent a malformed WELCOME",
  ),
  ERR_ZMTP_INVALID_METADATA: own(
    "ERR_ZMTP_INVALID_METADATA",
    "sent metadata that is malformed, incomplete or of an unsuitable socket",
  ),
  ERR_ZMTP_CRYPTOGRAPHIC: own(
    "ERR_ZMTP_CRYPTOGRAPHIC",
    "sent a box that does not open",
  ),
  ERR_ZMTP_MECHANISM_MISMATCH: own(
    "ERR_ZMTP_MECHANISM_MISMATCH",
    "uses another security mechanism",
  ),

  ERR_ZMTP_INVALID_GREETING: own(UNSPECIFIED, "does not greet as ZMTP does"),
  ERR_ZMTP_UNSUPPORTED_VERSION: own(
    UNSPECIFIED,
    "speaks a version of ZMTP before 3.0",
  ),
  ERR_ZMTP_ROLE_MISMATCH: own(
    UNSPECIFIED,
    "claims a server's role that its mechanism does not have",
  ),
  ERR_ZMTP_RESERVED_FLAGS: own(UNSPECIFIED, "set a reserved bit of a frame"),
  ERR_ZMTP_MORE_ON_COMMAND: own(MALFORMED, "set MORE on a command"),
  ERR_ZMTP_FRAME_TOO_LARGE: own(
    UNSPECIFIED,
    "announced a frame larger than allowed",
  ),
  ERR_ZMTP_COMMAND_TOO_LARGE: own(
    MALFORMED,
    "announced a command larger than allowed",
  ),
  ERR_ZMTP_TOPIC_TOO_LONG: own(
    MALFORMED,
    "subscribed to a topic longer than allowed",
  ),
  ERR_ZMTP_HANDSHAKE_TOO_LONG: own(
    UNSPECIFIED,
    "sent too much before its handshake was complete",
  ),
  ERR_ZMTP_REFUSED_BY_PEER: own(
    UNSPECIFIED,
    "answered the handshake with ERROR",
  ),
};

/** Whether a parser's answer is a protocol error instead of a result. */
export function isProtocolError(value: unknown): value is ProtocolError {
  return typeof value === "string" && Object.hasOwn(PROTOCOL_ERRORS, value);
}
