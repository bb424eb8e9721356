// What another user would be told by the file system.
import { host, openLibc } from "../../ffi/mod.ts";

const NOBODY = 65534;
const SETFSUID: number = host.arch === "aarch64" ? 151 : 122;

/**
 * Calls with the rights of a user who owns nothing, as far as files go. Needs
 * those of root, and is this thread's alone: `body` must not wait.
 */
export function asNobody<T>(body: () => T): T {
  const { call, library } = openLibc();
  const setUser = (user: number): number =>
    call.syscall(library.word(SETFSUID), user, 0, 0);
  const before = setUser(NOBODY);
  try {
    return body();
  } finally {
    setUser(before);
  }
}
