import { monotonicMs } from "./clock.ts";
import { INTERRUPTED, openLibc, outcome } from "./libc.ts";
import { repeatWait, toWaitTime } from "./wait_time.ts";

/**
 * The C headers' FD_SETSIZE: select knows descriptors below it only. 1024 on
 * Linux, macOS and FreeBSD (256 on NetBSD, which is no host here). A program
 * may be compiled with more on macOS and FreeBSD, but not on Linux.
 */
export const FD_SETSIZE = 1024;

const WORDS = FD_SETSIZE / 32;

/**
 * The two sets of descriptors for select(2), which every system has. What is
 * asked for is kept; what is ready stands beside it after each wait.
 *
 * An fd_set is an array of words of the system's own width. All hosts here are
 * little-endian, so that bit n is the same one in words of 32 bits.
 */
export class SelectSet {
  readonly #wanted: readonly [Uint32Array, Uint32Array];
  readonly #ready: readonly [Uint32Array, Uint32Array];
  // struct timeval: the seconds are element 0, the microseconds element 2.
  readonly #timeval = new Uint32Array(new ArrayBuffer(16));
  /** Words up to the highest descriptor that is asked for. */
  #words = 0;

  constructor() {
    const set = () => new Uint32Array(new ArrayBuffer(WORDS * 4));
    this.#wanted = [set(), set()];
    this.#ready = [set(), set()];
  }

  /**
   * Asks for a descriptor's readiness.
   *
   * @throws {RangeError} For one that has no bit: setting it would overwrite
   * other memory.
   */
  set(fd: number, input: boolean, output: boolean): void {
    if (!(fd >= 0 && fd < FD_SETSIZE)) {
      throw new RangeError(
        `Cannot select descriptor ${fd}: FD_SETSIZE is ${FD_SETSIZE}`,
      );
    }
    const [inputs, outputs] = this.#wanted;
    const word = fd >>> 5;
    const bit = 1 << (fd & 31);
    setBit(inputs, word, bit, input);
    setBit(outputs, word, bit, output);
    if (input || output) this.#words = Math.max(this.#words, word + 1);
    else {while (this.#words > 0 && this.#isEmpty(this.#words - 1)) {
        this.#words--;
      }}
  }

  /** How many words of 32 descriptors have been asked for, from the first. */
  get words(): number {
    return this.#words;
  }

  /**
   * Blocks this thread until a descriptor is ready or the timeout (negative or
   * Infinity: for ever) has passed; the number of bits, or negative errno.
   */
  wait(timeoutMs: number): number {
    const waitTime = toWaitTime(timeoutMs);
    const startMs = waitTime > 0 ? monotonicMs() : 0;
    const result = this.#select(waitTime);
    if (result !== INTERRUPTED) return result;
    return repeatWait(waitTime, startMs, (left) => this.#select(left));
  }

  /** The ready ones of descriptors 32 × `word` and on, as bits. */
  readyInput(word: number): number {
    return this.#ready[0][word] as number;
  }

  readyOutput(word: number): number {
    return this.#ready[1][word] as number;
  }

  #isEmpty(word: number): boolean {
    return ((this.#wanted[0][word] as number) |
      (this.#wanted[1][word] as number)) === 0;
  }

  #select(waitTime: number): number {
    const [inputs, outputs] = this.#ready;
    // The call overwrites all that it is given, the timeout too.
    inputs.set(this.#wanted[0]);
    outputs.set(this.#wanted[1]);
    const isForEver = waitTime < 0;
    if (!isForEver) {
      this.#timeval[0] = Math.floor(waitTime / 1000);
      this.#timeval[2] = (waitTime % 1000) * 1000;
    }
    const libc = openLibc();
    // Windows alone tells of a refused connection by the third set.
    const result = outcome(
      libc,
      libc.call.select(
        this.#words * 32,
        inputs,
        outputs,
        null,
        isForEver ? null : this.#timeval,
      ),
    );
    // After an error the sets are undefined.
    if (result <= 0) {
      inputs.fill(0);
      outputs.fill(0);
    }
    return result;
  }
}

function setBit(
  set: Uint32Array,
  word: number,
  bit: number,
  value: boolean,
): void {
  const before = set[word] as number;
  set[word] = value ? before | bit : before & ~bit;
}
