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

  listen(endpoint: Endpoint, options: SocketOptions): Listening {
    assert(endpoint.protocol === "ipc", "ipc listens on ipc endpoints");
    const name = endpoint.wildcard ? wildcardPath() : nameOf(endpoint);
    const fd = openSocket(constants.AF_UNIX);
    if (fd < 0) throw systemError(errnoName(-fd), fd);
    tuneIpcSocket(fd, options);
    // A file that a former process left behind would be in the way.
    if (!name.startsWith("@")) unlinkPath(name);
    let result = bindSocket(fd, sockaddrOf(name));
    if (result >= 0) result = listenSocket(fd, options.backlog);
    if (result < 0) {
      closeFd(fd);
      if (endpoint.wildcard) removeWildcard(name);
      throw systemError(errnoName(-result), result);
    }
    const discard = (): void => {
      closeFd(fd);
      if (endpoint.wildcard) removeWildcard(name);
      else if (!endpoint.abstract) unlinkPath(name);
    };
    const { wildcard: temporary } = endpoint;
    return { fd, endpoint: `ipc://${name}`, temporary, discard };
  }
}
