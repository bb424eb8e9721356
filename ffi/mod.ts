/**
 * The operating system as the rest of this package sees it: C calls, threads
 * and the life of the process. Nothing else is imported from this folder.
 *
 * Importing it opens nothing; the first call opens libc, once per JS thread.
 * Calls that fail return a negative errno, and none fails with EINTR.
 * Descriptors are numbers, close-on-exec and non-blocking. Addresses are
 * numbers too, and keeping the memory behind them alive is the caller's task.
 *
 * @module
 */
export { monotonicMs } from "./clock.ts";
export { ABSENT, type Constants } from "./constant_names.ts";
export { constants } from "./constants.ts";
export { delay } from "./delay.ts";
export { closeFd } from "./descriptor.ts";
export {
  EPOLL_CTL_ADD,
  EPOLL_CTL_DEL,
  EPOLL_CTL_MOD,
  epollControl,
  epollCreate,
  EPOLLERR,
  EPOLLET,
  EpollEvents,
  EPOLLEXCLUSIVE,
  EPOLLHUP,
  EPOLLIN,
  EPOLLONESHOT,
  EPOLLOUT,
  EPOLLPRI,
  EPOLLRDHUP,
} from "./epoll.ts";
export { errnoName, errnoNumber } from "./errno.ts";
export {
  makeTempDir,
  maxFiles,
  pathExists,
  removeDir,
  unlinkPath,
} from "./files.ts";
export {
  type Host,
  host,
  type HostArch,
  type HostOs,
  type HostRuntime,
} from "./host.ts";
export {
  IO_VECTOR_CAPACITY_MAX,
  IoVector,
  receiveVector,
  sendVector,
} from "./io_vector.ts";
export { parseIp } from "./ip_text.ts";
export { KeepAlive } from "./keep_alive.ts";
export { openLibc } from "./libc.ts";
export {
  type CourierPorts,
  MessagePipe,
  openCourierPorts,
} from "./message_pipe.ts";
export { type HostLookup, lookupHost } from "./name_lookup.ts";
export {
  interfaceIndex,
  interfaces,
  type NetworkInterface,
} from "./network_interfaces.ts";
export {
  POLLERR,
  POLLHUP,
  POLLIN,
  POLLNVAL,
  POLLOUT,
  PollSet,
} from "./poll.ts";
export { allocateBytes } from "./private_bytes.ts";
export { onProcessExit } from "./process_exit.ts";
export {
  addressOf,
  madviseFree,
  memoryPageSize,
  viewAt,
} from "./raw_memory.ts";
export {
  type ParsedSockaddr,
  parseSockaddr,
  sockaddrIn,
  sockaddrIn6,
  sockaddrUn,
} from "./sockaddr.ts";
export {
  acceptSocket,
  bindSocket,
  connectSocket,
  listenSocket,
  localAddress,
  openSocket,
  openSocketPair,
  peerAddress,
  shutdownSocket,
} from "./socket.ts";
export {
  getSockOptInt,
  setSockOptBytes,
  setSockOptInt,
  socketError,
} from "./socket_option.ts";
export { receive, send } from "./stream_data.ts";
export { gettid, threadAlive, yieldThread } from "./thread_id.ts";
export { UnsupportedPlatformError } from "./unsupported_platform_error.ts";
export { signalFd, Wakeup, type WakeupKind } from "./wakeup.ts";
export {
  isMainThread,
  spawnWorker,
  workerData,
  type WorkerHandle,
} from "./worker.ts";
