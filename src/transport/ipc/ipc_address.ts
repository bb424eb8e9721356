// libzmq: ipc_address.cpp, ip.cpp (create_ipc_wildcard_address) · runs on: any · RFC: –

import {
  errnoName,
  makeTempDir,
  readEnvironment,
  removeDir,
  sockaddrUn,
  unlinkPath,
} from "../../../ffi/mod.ts";
import type { IpcEndpoint } from "../../base/endpoint.ts";
import { systemError, ZmqError } from "../../base/errors.ts";

/** File within the directory that `ipc://*` makes. */
const WILDCARD_FILE = "socket";

/** Names of such directories begin so. */
const WILDCARD_DIRECTORY_PREFIX = "purezmq-";

/** The path, or `@` and the abstract name. */
export function nameOf(endpoint: IpcEndpoint): string {
  return endpoint.abstract ? `@${endpoint.path}` : endpoint.path;
}

export function sockaddrOf(name: string): Uint8Array {
  const sockaddr = sockaddrUn(name);
  if (sockaddr === null) throw new ZmqError("ENAMETOOLONG");
  return sockaddr;
}

/** A path that nobody else has, in a folder of its own. */
export function wildcardPath(): string {
  const parent = readEnvironment("TMPDIR") ?? "/tmp";
  const directory = makeTempDir(`${parent}/${WILDCARD_DIRECTORY_PREFIX}`);
  if (typeof directory === "number") {
    throw systemError(errnoName(-directory), directory);
  }
  return `${directory}/${WILDCARD_FILE}`;
}

/** Removes what {@link wildcardPath} made, and the socket in it. */
export function removeWildcard(name: string): void {
  unlinkPath(name);
  removeDir(name.slice(0, -(WILDCARD_FILE.length + 1)));
}
