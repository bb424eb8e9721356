import { constants } from "./constants.ts";
import { INTERRUPTED, openLibc, outcome } from "./libc.ts";
import { addressOf } from "./raw_memory.ts";
import { structLayout } from "./struct_layout.ts";

/** Most stretches one call takes: IOV_MAX, the same on all systems here. */
export const IO_VECTOR_CAPACITY_MAX = 1024;

/**
 * A reusable list of stretches of memory for one gathering or scattering call:
 * an array of struct iovec and the struct msghdr that names it.
 *
 * Safety: the msghdr holds the array's raw address, so both buffers are fields
 * of one object. The stretches themselves are the caller's to keep alive.
 */
export class IoVector {
  readonly capacity: number;
  /** Stretches pushed since the last `clear`. */
  count: number;
  readonly #entries: Uint32Array;
  readonly #headerWords: Uint32Array;
  readonly #header: Uint8Array;

  constructor(capacity: number) {
    if (!(capacity >= 1 && capacity <= IO_VECTOR_CAPACITY_MAX)) {
      throw new RangeError(`Cannot make an IoVector: capacity is ${capacity}`);
    }
    this.capacity = capacity;
    this.count = 0;
    this.#entries = new Uint32Array(
      new ArrayBuffer(capacity * structLayout.iovecSize),
    );
    const header = new ArrayBuffer(structLayout.msghdrSize);
    this.#header = new Uint8Array(header);
    this.#headerWords = new Uint32Array(header);
    const address = addressOf(this.#entries);
    const at = structLayout.msghdrIov / 4;
    this.#headerWords[at] = address; // modulo 2^32
    this.#headerWords[at + 1] = Math.floor(address / 2 ** 32);
  }

  /** Forgets all stretches. */
  clear(): void {
    this.count = 0;
  }

  /** Adds `length` bytes from `address` on. */
  push(address: number, length: number): void {
    const count = this.count;
    if (count === this.capacity) {
      throw new RangeError(`Cannot push: all ${count} entries are taken`);
    }
    const entries = this.#entries;
    const at = count * 4;
    entries[at] = address; // modulo 2^32
    entries[at + 1] = Math.floor(address / 2 ** 32);
    entries[at + 2] = length; // below 2^32, and the upper half stays 0
    this.count = count + 1;
  }

  /** The struct msghdr for a call that follows at once. */
  get header(): Uint8Array {
    // On the BSDs msg_iovlen is an int, elsewhere a size_t whose upper half
    // stays 0.
    this.#headerWords[structLayout.msghdrIovLength / 4] = this.count;
    return this.#header;
  }
}

/** recvmsg: bytes received, 0 at the end of the stream, or negative errno. */
export function receiveVector(fd: number, vector: IoVector): number {
  // It would look like the end of the stream.
  if (vector.count === 0) throw new RangeError("Cannot receive into nothing");
  const libc = openLibc();
  const header = vector.header;
  let result: number;
  do {
    result = outcome(libc, libc.call.recvmsg(fd, header, 0));
  } while (result === INTERRUPTED);
  return result;
}

/** sendmsg: bytes the kernel took, or negative errno; never raises SIGPIPE. */
export function sendVector(fd: number, vector: IoVector): number {
  const libc = openLibc();
  const header = vector.header;
  let result: number;
  do {
    result = outcome(
      libc,
      libc.call.sendmsg(fd, header, constants.MSG_NOSIGNAL),
    );
  } while (result === INTERRUPTED);
  return result;
}
