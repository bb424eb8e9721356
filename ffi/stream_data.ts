import { constants } from "./constants.ts";
import { INTERRUPTED, openLibc, outcome } from "./libc.ts";

function stretch(view: Uint8Array, offset: number, length: number): Uint8Array {
  if (!(offset >= 0 && length >= 1 && offset + length <= view.length)) {
    throw new RangeError(
      `Cannot pass bytes ${offset} to ${offset + length} to the kernel: ` +
        `the view has ${view.length}`,
    );
  }
  return offset === 0 ? view : view.subarray(offset);
}

/** send: bytes the kernel took, or negative errno; never raises SIGPIPE. */
export function send(
  fd: number,
  view: Uint8Array,
  offset: number,
  length: number,
): number {
  const bytes = stretch(view, offset, length);
  const libc = openLibc();
  const size = libc.library.word(length);
  let result: number;
  do {
    result = outcome(
      libc,
      libc.call.send(fd, bytes, size, constants.MSG_NOSIGNAL),
    );
  } while (result === INTERRUPTED);
  return result;
}

/** recv: bytes received, 0 at the end of the stream, or negative errno. */
export function receive(
  fd: number,
  view: Uint8Array,
  offset: number,
  length: number,
): number {
  const bytes = stretch(view, offset, length);
  const libc = openLibc();
  const size = libc.library.word(length);
  let result: number;
  do {
    result = outcome(libc, libc.call.recv(fd, bytes, size, 0));
  } while (result === INTERRUPTED);
  return result;
}
