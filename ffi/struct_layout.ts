import { host, type HostArch, type HostOs } from "./host.ts";

/** Byte offsets and sizes of the C structures this package reads or writes. */
export interface StructLayout {
  /** True where a sockaddr begins with its length in one byte. */
  readonly sockaddrHasLength: boolean;
  readonly sockaddrInSize: number;
  readonly sockaddrIn6Size: number;
  readonly sockaddrUnSize: number;
  readonly sockaddrUnPathSize: number;
  readonly msghdrSize: number;
  readonly msghdrIov: number;
  readonly msghdrIovLength: number;
  readonly iovecSize: number;
  readonly pollfdSize: number;
  readonly timespecSize: number;
  readonly rlimitSize: number;
  /** 0 where there is no epoll. */
  readonly epollEventSize: number;
  readonly epollEventData: number;
  readonly addrinfoSize: number;
  readonly addrinfoAddressLength: number;
  readonly addrinfoAddress: number;
  readonly addrinfoNext: number;
  readonly ifaddrsName: number;
  readonly ifaddrsFlags: number;
  readonly ifaddrsAddress: number;
  readonly ifaddrsSize: number;
  readonly statSize: number;
  readonly statMode: number;
  readonly statOwner: number;
  readonly statBytes: number;
}

const LINUX_ARM64: StructLayout = {
  sockaddrHasLength: false,
  sockaddrInSize: 16,
  sockaddrIn6Size: 28,
  sockaddrUnSize: 110,
  sockaddrUnPathSize: 108,
  msghdrSize: 56,
  msghdrIov: 16,
  msghdrIovLength: 24,
  iovecSize: 16,
  pollfdSize: 8,
  timespecSize: 16,
  rlimitSize: 16,
  epollEventSize: 16,
  epollEventData: 8,
  addrinfoSize: 48,
  addrinfoAddressLength: 16,
  addrinfoAddress: 24,
  addrinfoNext: 40,
  ifaddrsName: 8,
  ifaddrsFlags: 16,
  ifaddrsAddress: 24,
  ifaddrsSize: 56,
  statSize: 128,
  statMode: 16,
  statOwner: 24,
  statBytes: 48,
};

const LINUX_X86_64: StructLayout = {
  ...LINUX_ARM64,
  // Only this CPU packs epoll_event, to share it with 32-bit programs.
  epollEventSize: 12,
  epollEventData: 4,
  statSize: 144,
  statMode: 24,
  statOwner: 28,
};

// macOS and FreeBSD have the same layouts on both CPUs.
const FREEBSD: StructLayout = {
  sockaddrHasLength: true,
  sockaddrInSize: 16,
  sockaddrIn6Size: 28,
  sockaddrUnSize: 106,
  sockaddrUnPathSize: 104,
  msghdrSize: 48,
  msghdrIov: 16,
  msghdrIovLength: 24,
  iovecSize: 16,
  pollfdSize: 8,
  timespecSize: 16,
  rlimitSize: 16,
  epollEventSize: 0,
  epollEventData: 0,
  addrinfoSize: 48,
  addrinfoAddressLength: 16,
  // The canonical name stands before the address here.
  addrinfoAddress: 32,
  addrinfoNext: 40,
  ifaddrsName: 8,
  ifaddrsFlags: 16,
  ifaddrsAddress: 24,
  ifaddrsSize: 56,
  statSize: 224,
  statMode: 24,
  statOwner: 28,
  statBytes: 112,
};

const DARWIN: StructLayout = {
  ...FREEBSD,
  statSize: 144,
  statMode: 4,
  statOwner: 16,
  statBytes: 96,
};

/** The layouts of one kind of host. */
export function structLayoutOf(os: HostOs, arch: HostArch): StructLayout {
  if (os === "darwin") return DARWIN;
  if (os === "freebsd") return FREEBSD;
  return arch === "aarch64" ? LINUX_ARM64 : LINUX_X86_64;
}

/** The layouts of this host. */
export const structLayout: StructLayout = structLayoutOf(host.os, host.arch);
