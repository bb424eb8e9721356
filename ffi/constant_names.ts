/** Marks a constant this operating system does not have; calls refuse it. */
export const ABSENT = -1;

/**
 * The C constants this package uses, under their C names. An absent one is
 * {@linkcode ABSENT}, which `setsockopt` answers with ENOPROTOOPT; an absent
 * flag is 0.
 */
export interface Constants {
  readonly AF_UNIX: number;
  readonly AF_INET: number;
  readonly AF_INET6: number;
  readonly SOCK_STREAM: number;
  readonly SOCK_DGRAM: number;
  readonly SOCK_CLOEXEC: number;
  readonly SOCK_NONBLOCK: number;
  readonly SOL_SOCKET: number;
  readonly SO_REUSEADDR: number;
  readonly SO_REUSEPORT: number;
  readonly SO_TYPE: number;
  readonly SO_ERROR: number;
  readonly SO_ACCEPTCONN: number;
  readonly SO_SNDBUF: number;
  readonly SO_RCVBUF: number;
  readonly SO_KEEPALIVE: number;
  readonly SO_LINGER: number;
  readonly SO_PRIORITY: number;
  readonly SO_BINDTODEVICE: number;
  readonly SO_BUSY_POLL: number;
  readonly SO_NOSIGPIPE: number;
  readonly IPPROTO_IP: number;
  readonly IPPROTO_TCP: number;
  readonly IPPROTO_UDP: number;
  readonly IPPROTO_IPV6: number;
  readonly IP_TOS: number;
  readonly IPV6_V6ONLY: number;
  readonly IPV6_TCLASS: number;
  readonly TCP_NODELAY: number;
  readonly TCP_KEEPIDLE: number;
  readonly TCP_KEEPINTVL: number;
  readonly TCP_KEEPCNT: number;
  readonly TCP_USER_TIMEOUT: number;
  readonly MSG_PEEK: number;
  readonly MSG_DONTWAIT: number;
  readonly MSG_NOSIGNAL: number;
  readonly SHUT_RD: number;
  readonly SHUT_WR: number;
  readonly SHUT_RDWR: number;
  readonly POLLIN: number;
  readonly POLLOUT: number;
  readonly POLLERR: number;
  readonly POLLHUP: number;
  readonly POLLNVAL: number;
  readonly POLLRDHUP: number;
  readonly O_NONBLOCK: number;
  readonly O_CLOEXEC: number;
  readonly F_SETFD: number;
  readonly F_SETFL: number;
  readonly FD_CLOEXEC: number;
  readonly CLOCK_MONOTONIC: number;
  /** The advice that gives pages back and lets their contents go. */
  readonly MADV_FREE: number;
  readonly RLIMIT_NOFILE: number;
  readonly AI_NUMERICHOST: number;
  readonly EAI_AGAIN: number;
  readonly EAI_MEMORY: number;
  readonly EAI_SYSTEM: number;
}
