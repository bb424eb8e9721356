// libzmq: ipc_listener.cpp, ipc_connecter.cpp (options) · runs on: any · RFC: –

import { constants, setSockOptInt } from "../../../ffi/mod.ts";
import type { SocketOptions } from "../../base/options.ts";

/** Sets the options of a Unix-domain socket. */
export function tuneIpcSocket(fd: number, options: SocketOptions): void {
  const { sendBufferSize, receiveBufferSize } = options;
  const { SOL_SOCKET } = constants;
  if (sendBufferSize >= 0) {
    setSockOptInt(fd, SOL_SOCKET, constants.SO_SNDBUF, sendBufferSize);
  }
  if (receiveBufferSize >= 0) {
    setSockOptInt(fd, SOL_SOCKET, constants.SO_RCVBUF, receiveBufferSize);
  }
}
