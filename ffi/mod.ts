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
export { copyBytes } from "./copy_bytes.ts";
export { callLater, delay } from "./delay.ts";
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
  EPOLLOUT,
  EPOLLRDHUP,
} from "./epoll.ts";
export { readEnvironment } from "./environment.ts";
export { errnoName, errnoNumber } from "./errno.ts";
export { faultGuardRows, GUARD_ROWS, GuardRow } from "./fault_guard.ts";
export { mapFile, retireMapping, unmapMemory } from "./file_mapping.ts";
export {
  canBePolled,
  fileSize,
  type FileStatus,
  fileStatus,
  isRegularFile,
} from "./file_status.ts";
export {
  addFileWatch,
  FileEvents,
  IN_ATTRIB,
  IN_CLOSE_WRITE,
  IN_CREATE,
  IN_DELETE,
  IN_DELETE_SELF,
  IN_DONT_FOLLOW,
  IN_IGNORED,
  IN_MODIFY,
  IN_MOVE_SELF,
  IN_MOVED_FROM,
  IN_MOVED_TO,
  IN_Q_OVERFLOW,
  openFileWatcher,
  openForEvents,
  removeFileWatch,
} from "./file_watch.ts";
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
export {
  interruptThread,
  InterruptTimer,
  prepareInterrupts,
} from "./interrupt.ts";
export { KeepAlive } from "./keep_alive.ts";
export { Kevents } from "./kevents.ts";
export {
  Kqueue,
  type KqueueCalls,
  type KqueueSource,
  triggerKqueue,
} from "./kqueue.ts";
export {
  EV_ADD,
  EV_CLEAR,
  EV_DELETE,
  EV_EOF,
  EV_ERROR,
  KQUEUE_LAYOUTS,
  type KqueueLayout,
  type KqueueSystem,
  nativeKqueueLayout,
  NOTE_TRIGGER,
} from "./kqueue_layout.ts";
export { openLibc, word } from "./libc.ts";
export {
  type CourierPorts,
  MessagePipe,
  openCourierPorts,
} from "./message_pipe.ts";
export {
  EVFILT_PROC,
  EVFILT_SIGNAL,
  EVFILT_VNODE,
  NOTE_ATTRIB,
  NOTE_DELETE,
  NOTE_EXIT,
  NOTE_EXITSTATUS,
  NOTE_EXTEND,
  NOTE_LINK,
  NOTE_RENAME,
  NOTE_REVOKE,
  NOTE_WRITE,
} from "./kqueue_filters.ts";
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
  parseProcessStat,
  type ProcessIdentity,
  processIdentity,
} from "./process_identity.ts";
export {
  decodeWaitStatus,
  openProcess,
  type ProcessEnd,
  processEnd,
} from "./process_watch.ts";
export {
  addressOf,
  madviseFree,
  memoryPageSize,
  viewAt,
} from "./raw_memory.ts";
export {
  ignoreDefaultSignal,
  listenToSignal,
  restoreDefaultSignal,
  SIGNALS_REACH_WORKERS,
} from "./signal.ts";
export {
  findRecordLock,
  type LockRange,
  ownsRecordLock,
  type RecordLockKind,
  releaseRecordLock,
  tryRecordLock,
  waitForRecordLock,
} from "./record_lock.ts";
export {
  allocateFile,
  effectiveUser,
  type FileCreation,
  hasFileBytes,
  openSharedFile,
  pathOfDescriptor,
  readFileStart,
  renamePath,
} from "./shared_file.ts";
export { futexWait, futexWake } from "./shared_futex.ts";
export { sharedMemoryObstacle } from "./shared_memory_calls.ts";
export { signalName, signalNumber } from "./signal_number.ts";
export { FD_SETSIZE, SelectSet } from "./select.ts";
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
export {
  signalFd,
  userEventTarget,
  wake,
  Wakeup,
  type WakeupKind,
} from "./wakeup.ts";
export {
  isMainThread,
  spawnWorker,
  workerData,
  type WorkerHandle,
} from "./worker.ts";
