// libzmq: tcp.{hpp,cpp} · runs on: any · RFC: –

import { constants, setSockOptBytes, setSockOptInt } from "../../../ffi/mod.ts";
import type { SocketOptions } from "../../base/options.ts";

const encoder = new TextEncoder();

/**
 * Sets what concerns every TCP socket, before it binds or connects. A
 * connection without a buffer size is still a connection, one by another
 * device than `interface` says is not.
 *
 * @returns A negative errno when there is no such device, else 0.
 */
export function tuneTcpSocket(fd: number, options: SocketOptions): number {
  const { sendBufferSize, receiveBufferSize, typeOfService } = options;
  const { SOL_SOCKET } = constants;
  if (sendBufferSize >= 0) {
    setSockOptInt(fd, SOL_SOCKET, constants.SO_SNDBUF, sendBufferSize);
  }
  if (receiveBufferSize >= 0) {
    setSockOptInt(fd, SOL_SOCKET, constants.SO_RCVBUF, receiveBufferSize);
  }
  if (typeOfService > 0) {
    setSockOptInt(fd, constants.IPPROTO_IP, constants.IP_TOS, typeOfService);
    setSockOptInt(
      fd,
      constants.IPPROTO_IPV6,
      constants.IPV6_TCLASS,
      typeOfService,
    );
  }
  if (options.interface === null || constants.SO_BINDTODEVICE < 0) return 0;
  const name = encoder.encode(options.interface);
  return setSockOptBytes(fd, SOL_SOCKET, constants.SO_BINDTODEVICE, name);
}

/** Sets what concerns an established connection. */
export function tuneTcpConnection(fd: number, options: SocketOptions): void {
  const { IPPROTO_TCP, SOL_SOCKET } = constants;
  setSockOptInt(fd, IPPROTO_TCP, constants.TCP_NODELAY, 1);
  if (options.tcpKeepalive >= 0) {
    setSockOptInt(
      fd,
      SOL_SOCKET,
      constants.SO_KEEPALIVE,
      options.tcpKeepalive,
    );
    setPositive(fd, constants.TCP_KEEPCNT, options.tcpKeepaliveCount);
    setPositive(fd, constants.TCP_KEEPIDLE, options.tcpKeepaliveIdle);
    setPositive(fd, constants.TCP_KEEPINTVL, options.tcpKeepaliveInterval);
  }
  setPositive(
    fd,
    constants.TCP_USER_TIMEOUT,
    options.tcpMaxRetransmitTimeout,
  );
}

function setPositive(fd: number, name: number, value: number): void {
  // Names that a system does not have are negative.
  if (value > 0 && name >= 0) {
    setSockOptInt(fd, constants.IPPROTO_TCP, name, value);
  }
}
