// libzmq: tcp_listener.cpp (set_local_address) · runs on: app thread · RFC: –

import {
  bindSocket,
  closeFd,
  constants,
  errnoName,
  listenSocket,
  openSocket,
  setSockOptInt,
} from "../../../ffi/mod.ts";
import type { Endpoint } from "../../base/endpoint.ts";
import { systemError } from "../../base/errors.ts";
import type { SocketOptions } from "../../base/options.ts";
import { assert } from "../../base/assert.ts";
import type { Binder, Listening } from "../../core/binder.ts";
import { bindAddress, localEndpoint } from "./tcp_address.ts";
import type { TcpAddress } from "./tcp_address.ts";
import { tuneTcpSocket } from "./tcp_options.ts";

/** Listens on `tcp://`. */
export class TcpBinder implements Binder {
  readonly protocols: readonly string[] = ["tcp"];

  listen(endpoint: Endpoint, options: SocketOptions): Listening {
    assert(endpoint.protocol === "tcp", "tcp listens on tcp endpoints");
    const fd = listenOn(bindAddress(endpoint, options.ipv6), options) ??
      // IPv6 wanted for `*`, but the system has none.
      listenOn(bindAddress(endpoint, false), options);
    assert(fd !== null, "an address of IPv4 always has a family");
    return {
      fd,
      endpoint: localEndpoint(fd),
      temporary: false,
      discard: () => void closeFd(fd),
    };
  }
}

/** A listening descriptor; null when the system lacks the family. */
function listenOn(address: TcpAddress, options: SocketOptions): number | null {
  const fd = openSocket(address.family);
  if (fd < 0) {
    if (
      errnoName(-fd) === "EAFNOSUPPORT" &&
      address.family === constants.AF_INET6
    ) return null;
    throw systemError(errnoName(-fd), fd);
  }
  setSockOptInt(fd, constants.SOL_SOCKET, constants.SO_REUSEADDR, 1);
  if (address.family === constants.AF_INET6) {
    setSockOptInt(fd, constants.IPPROTO_IPV6, constants.IPV6_V6ONLY, 0);
  }
  let result = tuneTcpSocket(fd, options);
  if (result >= 0) result = bindSocket(fd, address.sockaddr);
  if (result >= 0) result = listenSocket(fd, options.backlog);
  if (result >= 0) return fd;
  closeFd(fd);
  throw systemError(errnoName(-result), result);
}
