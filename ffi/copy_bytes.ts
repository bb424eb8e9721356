import { library } from "./choose_library.ts";
import { openLibc } from "./libc.ts";

/** From so many bytes on a call of C is faster than a copy by single bytes. */
const CALL_BYTES_MIN = 384;

/** What a call copies at most: its length crosses in 32 bits. */
const CALL_BYTES_MAX = 2 ** 31 - 1;

const byteLengthOf = Object.getOwnPropertyDescriptor(
  Object.getPrototypeOf(Uint8Array.prototype),
  "byteLength",
)?.get as (this: Uint8Array) => number;

const byBytes = library?.copiesSharedByBytes ?? false;

/**
 * Copies `source[from]` to `source[to - 1]` to `target[at]` and what follows.
 * Either may be shared, and they do not overlap.
 *
 * V8 copies from and to shared memory in single bytes unless both places are
 * aligned alike, which takes ten times as long for what is a kilobyte or more.
 */
export function copyBytes(
  target: Uint8Array,
  at: number,
  source: Uint8Array,
  from: number,
  to: number,
): void {
  const length = to - from;
  const whole = from === 0 && length === source.length;
  const part = whole ? source : source.subarray(from, to);
  if (part.length !== length) {
    throw new RangeError(`Cannot copy ${length} bytes: not that many there`);
  }
  if (length < CALL_BYTES_MIN || !byBytes) {
    target.set(part, at);
    return;
  }
  const room = target.subarray(at, at + length);
  if (
    room.length !== length || byteLengthOf.call(part) !== length ||
    length > CALL_BYTES_MAX
  ) {
    throw new RangeError(`Cannot copy ${length} bytes: no room for them`);
  }
  // Safety: both views live until the call returns, and have that length,
  // whatever a user's own class says of itself. Who else may see the target is told of the bytes later, by an atomic access.
  openLibc().call.memcpy(room, part, length);
}
