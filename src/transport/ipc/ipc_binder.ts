// libzmq: ipc_listener.cpp (set_local_address) · runs on: app thread · RFC: –

import {
  bindSocket,
  closeFd,
  constants,
  errnoName,
  listenSocket,
  openSocket,
  unlinkPath,
} from "../../../ffi/mod.ts";
import { assert } from "../../base/assert.ts";
import type { Endpoint } from "../../base/endpoint.ts";
import { systemError } from "../../base/errors.ts";
import type { SocketOptions } from "../../base/options.ts";
import type { Binder, Listening } from "../../core/binder.ts";
import {
  nameOf,
  removeWildcard,
  sockaddrOf,
  wildcardPath,
} from "./ipc_address.ts";
import { tuneIpcSocket } from "./ipc_options.ts";

/** Listens on `ipc://`. */
export class IpcBinder implements Binder {
  readonly protocols: readonly string[] = ["ipc"];

  check(endpoint: Endpoint): void {
    assert(endpoint.protocol === "ipc", "ipc checks ipc endpoints");
    sockaddrOf(nameOf(endpoint));
  }

  listen(endpoint: Endpoint, options: SocketOptions): Listening {
    assert(endpoint.protocol === "ipc", "ipc listens on ipc endpoints");
    const { wildcard: temporary, abstract } = endpoint;
    const name = temporary ? wildcardPath() : nameOf(endpoint);
    const removePath = (): void => {
      if (temporary) removeWildcard(name);
      else if (!abstract) unlinkPath(name);
    };
    try {
      const fd = listenAt(name, abstract, options, removePath);
      const discard = (): void => {
        closeFd(fd);
        removePath();
      };
      return { fd, endpoint: `ipc://${name}`, temporary, discard };
    } catch (error) {
      if (temporary) removeWildcard(name);
      throw error;
    }
  }
}

/** @param removePath Takes back what the bind made. */
function listenAt(
  name: string,
  abstract: boolean,
  options: SocketOptions,
  removePath: () => void,
): number {
  const sockaddr = sockaddrOf(name);
  const fd = openSocket(constants.AF_UNIX);
  if (fd < 0) throw systemError(errnoName(-fd), fd);
  tuneIpcSocket(fd, options);
  // A file that a former process left behind would be in the way.
  if (!abstract) unlinkPath(name);
  const bound = bindSocket(fd, sockaddr);
  const result = bound < 0 ? bound : listenSocket(fd, options.backlog);
  if (result >= 0) return fd;
  closeFd(fd);
  if (bound >= 0) removePath();
  throw systemError(errnoName(-result), result);
}
