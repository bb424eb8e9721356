// libzmq: zmtp_engine.cpp (handshake, greeting) · runs on: io thread · RFC: 23 (Formal Grammar, Version Negotiation)

import type { ProtocolError } from "../base/protocol_error.ts";

/** Octets of a greeting. */
export const GREETING_SIZE = 64;
/** Octets of the signature, the part that is sent first. */
export const SIGNATURE_SIZE = 10;

const MAJOR_AT = 10;
const MINOR_AT = 11;
const MECHANISM_AT = 12;
const MECHANISM_SIZE = 20;
const AS_SERVER_AT = 32;

/** The version of ZMTP that this library speaks. */
export const VERSION_MAJOR = 3;
/** The minor part of the version: SUBSCRIBE, CANCEL, PING and PONG exist. */
export const VERSION_MINOR = 1;

/** What a peer's greeting says. */
export interface Greeting {
  /** 3 or more. */
  readonly major: number;
  readonly minor: number;
  readonly mechanism: string;
  readonly asServer: boolean;
}

/**
 * Our greeting: the first `SIGNATURE_SIZE` octets can be sent at once, the rest
 * when the peer has shown its signature. The padding stays zero, as RFC 23 asks
 * of peers that do not downgrade.
 *
 * @param mechanism 1 to 20 characters of the mechanism alphabet.
 */
export function encodeGreeting(
  mechanism: string,
  asServer: boolean,
): Uint8Array {
  if (!/^[A-Z0-9_.+-]{1,20}$/.test(mechanism)) {
    throw new RangeError(`Cannot greet with mechanism "${mechanism}"`);
  }
  const bytes = new Uint8Array(GREETING_SIZE);
  bytes[0] = 0xff;
  bytes[9] = 0x7f;
  bytes[MAJOR_AT] = VERSION_MAJOR;
  bytes[MINOR_AT] = VERSION_MINOR;
  for (let i = 0; i < mechanism.length; i++) {
    bytes[MECHANISM_AT + i] = mechanism.charCodeAt(i);
  }
  bytes[AS_SERVER_AT] = asServer ? 1 : 0;
  return bytes;
}

/**
 * Whether commands of ZMTP 3.1 may be sent to the peer. A 3.0 peer takes
 * subscriptions as messages and knows no heartbeats.
 */
export function speaksZmtp31(greeting: Greeting): boolean {
  return greeting.major > 3 || greeting.minor >= 1;
}

/**
 * Takes a peer's greeting in pieces of any size and judges every octet as soon
 * as it arrives, so that a stranger is turned away at its first wrong one.
 */
export class GreetingParser {
  readonly #mechanism: string;
  readonly #bytes = new Uint8Array(GREETING_SIZE);
  #received = 0;
  #error: ProtocolError | null = null;

  /** @param mechanism Ours: RFC 23 wants the peer's to be exactly the same. */
  constructor(mechanism: string) {
    this.#mechanism = mechanism;
  }

  /** How many octets of the greeting have arrived. */
  get received(): number {
    return this.#received;
  }

  /** Why the peer is to be turned away, or null. */
  get error(): ProtocolError | null {
    return this.#error;
  }

  /** What the greeting says, once it is complete and without error. */
  get greeting(): Greeting | null {
    if (this.#error !== null || this.#received < GREETING_SIZE) return null;
    return {
      major: this.#bytes[MAJOR_AT] as number,
      minor: this.#bytes[MINOR_AT] as number,
      mechanism: this.#mechanism,
      asServer: this.#bytes[AS_SERVER_AT] === 1,
    };
  }

  /**
   * Takes octets from `start` on, at most up to `end`, and gives how many
   * belong to the greeting. What follows them is the first frame.
   */
  consume(bytes: Uint8Array, start: number, end: number): number {
    let position = start;
    while (
      position < end && this.#received < GREETING_SIZE && this.#error === null
    ) {
      const octet = bytes[position] as number;
      this.#error = this.#judge(this.#received, octet);
      this.#bytes[this.#received] = octet;
      this.#received++;
      position++;
    }
    return position - start;
  }

  #judge(index: number, octet: number): ProtocolError | null {
    if (index < MAJOR_AT) return judgeSignature(index, octet);
    if (index === MAJOR_AT) {
      // 0 is ZMTP 1.0 with a version, 1 and 2 are ZMTP 2.0. Higher versions
      // than ours MUST be accepted.
      return octet < VERSION_MAJOR ? "ERR_ZMTP_UNSUPPORTED_VERSION" : null;
    }
    if (index === MINOR_AT) return null;
    if (index < MECHANISM_AT + MECHANISM_SIZE) {
      // The name is padded with NULs; NaN, behind its end, becomes 0 as well.
      const expected = this.#mechanism.charCodeAt(index - MECHANISM_AT) | 0;
      return octet === expected ? null : "ERR_ZMTP_MECHANISM_MISMATCH";
    }
    if (index === AS_SERVER_AT) return this.#judgeRole(octet);
    return this.#judgeFiller(octet);
  }

  #judgeRole(octet: number): ProtocolError | null {
    if (octet > 1) return "ERR_ZMTP_INVALID_GREETING";
    // RFC 23, "The NULL Security Mechanism": as-server MUST be zero.
    return octet === 1 && this.#mechanism === "NULL"
      ? "ERR_ZMTP_ROLE_MISMATCH"
      : null;
  }

  #judgeFiller(octet: number): ProtocolError | null {
    if (octet === 0) return null;
    // Zero in the versions we know. Later ones may have put it to use, and
    // they have to be accepted.
    const major = this.#bytes[MAJOR_AT] as number;
    const minor = this.#bytes[MINOR_AT] as number;
    const known = major === VERSION_MAJOR && minor <= VERSION_MINOR;
    return known ? "ERR_ZMTP_INVALID_GREETING" : null;
  }
}

/** RFC 23: %xFF, eight octets that MUST NOT be interpreted, %x7F. */
function judgeSignature(index: number, octet: number): ProtocolError | null {
  if (index === 0) {
    // ZMTP 1.0 begins with the length of an identity; others with anything.
    return octet === 0xff ? null : "ERR_ZMTP_INVALID_GREETING";
  }
  if (index < SIGNATURE_SIZE - 1 || octet === 0x7f) return null;
  // An even octet is the flags of a ZMTP 1.0 frame with a long length.
  return (octet & 1) === 0
    ? "ERR_ZMTP_UNSUPPORTED_VERSION"
    : "ERR_ZMTP_INVALID_GREETING";
}
