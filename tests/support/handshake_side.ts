// Our side of a handshake, fed as an engine feeds it: what is left comes again
// with more.
import assert from "node:assert/strict";
import { defaultOptions } from "../../src/base/options.ts";
import { SocketType } from "../../src/base/socket_type.ts";
import type { SocketTypeName } from "../../src/base/socket_type.ts";
import { Handshake } from "../../src/engine/handshake.ts";
import { bytes } from "./raw_zmtp.ts";

/** Our side of a handshake. */
export class HandshakeSide {
  readonly handshake: Handshake;
  readonly replies: Uint8Array[] = [];
  /** Octets not dealt with. */
  left: Uint8Array = new Uint8Array(0);

  constructor(type: SocketTypeName, routingId = "") {
    this.handshake = new Handshake({
      ...defaultOptions(SocketType[type]),
      routingId: bytes(routingId),
    });
  }

  feed(...pieces: (string | number | Uint8Array)[]): this {
    const { handshake } = this;
    // Somewhere inside a larger buffer, as in the engine's.
    const data = bytes("ab", this.left, ...pieces, "z");
    const at = handshake.feed(data, 2, data.length - 1);
    assert.ok(at >= 2 && at < data.length, `it stopped at ${at}`);
    this.left = data.slice(at, data.length - 1);
    const reply = handshake.takeReply();
    if (reply !== null) this.replies.push(reply);
    assert.equal(handshake.takeReply(), null, "a reply is given once");
    return this;
  }

  /** Feeds the pieces between cuts until there is an error or all is done. */
  feedCut(wire: Uint8Array, cuts: readonly number[]): this {
    let from = 0;
    for (const to of [...cuts, wire.length]) {
      if (this.handshake.error === null) this.feed(wire.slice(from, to));
      from = to;
    }
    return this;
  }

  /** Everything that must not depend on how the stream was cut. */
  get outcome(): unknown {
    const { done, error, peerRoutingId, peerSpeaks31 } = this.handshake;
    return {
      done,
      error,
      peerRoutingId,
      peerSpeaks31,
      replies: bytes(...this.replies),
      left: error === null ? this.left : null,
    };
  }
}
