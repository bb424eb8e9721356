// Two connected descriptors, for tests of waiting.
import assert from "node:assert/strict";
import {
  closeFd,
  openSocketPair,
  receive,
  send,
  shutdownSocket,
} from "../../ffi/mod.ts";
import { constants } from "../../ffi/mod.ts";
import type { Scenario } from "./scenario.ts";

/** One of them to be waited for, and what the test does to the other. */
export class DescriptorPair {
  /** To be waited for. */
  readonly fd: number;
  readonly #far: number;
  #open = true;

  constructor() {
    const fds = new Int32Array(2);
    assert.equal(openSocketPair(fds), 0);
    this.fd = fds[0] as number;
    this.#far = fds[1] as number;
  }

  /** A pair that is closed with the test. */
  static in(s: Scenario): DescriptorPair {
    const pair = new DescriptorPair();
    s.defer(() => pair.close());
    return pair;
  }

  /** Makes `fd` readable. */
  write(count: number = 1): void {
    assert.equal(send(this.#far, new Uint8Array(count), 0, count), count);
  }

  /** Takes out what is readable at `fd`; how many bytes. */
  read(): number {
    const bytes = new Uint8Array(1000);
    return Math.max(0, receive(this.fd, bytes, 0, bytes.length));
  }

  /** Makes `fd` unwritable. */
  fill(): void {
    const bytes = new Uint8Array(100_000);
    while (send(this.fd, bytes, 0, bytes.length) > 0);
  }

  /** Hangs up at the other end. */
  hangUp(): void {
    shutdownSocket(this.#far, constants.SHUT_RDWR);
  }

  close(): void {
    if (!this.#open) return;
    this.#open = false;
    closeFd(this.fd);
    closeFd(this.#far);
  }
}
