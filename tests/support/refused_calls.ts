// Lets the system refuse calls of this thread.
import { errnoNumber } from "../../ffi/mod.ts";
import { openLibc } from "../../ffi/libc.ts";
import { openSharedMemoryCalls } from "../../ffi/shared_memory_calls.ts";

/** Lets the system refuse locks while `body` runs. */
export function withoutLocks(body: () => void): void {
  refusing("fcntl", "ENOLCK", body);
}

/** Lets it refuse to open the files of queues while `body` runs. */
export function withoutDescriptors(body: () => void): void {
  refusing("openat", "EMFILE", body);
}

function refusing(name: string, code: string, body: () => void): void {
  const { calls } = openSharedMemoryCalls();
  const known = Object.getOwnPropertyDescriptor(calls, name) as object;
  Object.defineProperty(calls, name, {
    ...known,
    value: () => {
      openLibc().errno[0] = errnoNumber(code);
      return -1;
    },
  });
  try {
    body();
  } finally {
    Object.defineProperty(calls, name, known);
  }
}
