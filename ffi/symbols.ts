import type { HostArch, HostOs } from "./host.ts";
import type { SymbolRow, Word } from "./library.ts";

// Results of type ssize_t are read as i32. That is exact because no call here
// can move 2 GiB: Linux stops at 0x7ffff000 bytes and the BSDs at INT_MAX.

const COMMON = {
  socket: { parameters: ["i32", "i32", "i32"], result: "i32" },
  bind: { parameters: ["i32", "buffer", "u32"], result: "i32" },
  listen: { parameters: ["i32", "i32"], result: "i32" },
  connect: { parameters: ["i32", "buffer", "u32"], result: "i32" },
  shutdown: { parameters: ["i32", "i32"], result: "i32" },
  close: { parameters: ["i32"], result: "i32" },
  socketpair: { parameters: ["i32", "i32", "i32", "buffer"], result: "i32" },
  getsockopt: {
    parameters: ["i32", "i32", "i32", "buffer", "buffer"],
    result: "i32",
  },
  setsockopt: {
    parameters: ["i32", "i32", "i32", "buffer", "u32"],
    result: "i32",
  },
  getsockname: { parameters: ["i32", "buffer", "buffer"], result: "i32" },
  getpeername: { parameters: ["i32", "buffer", "buffer"], result: "i32" },
  sendmsg: { parameters: ["i32", "buffer", "i32"], result: "i32" },
  recvmsg: { parameters: ["i32", "buffer", "i32"], result: "i32" },
  send: { parameters: ["i32", "buffer", "word", "i32"], result: "i32" },
  recv: { parameters: ["i32", "buffer", "word", "i32"], result: "i32" },
  read: { parameters: ["i32", "buffer", "word"], result: "i32" },
  write: { parameters: ["i32", "buffer", "word"], result: "i32" },
  // nfds_t is 64 bits wide on Linux and 32 elsewhere; a word suits both,
  // since a callee that wants 32 bits looks at the lower half only.
  poll: { parameters: ["buffer", "word", "i32"], result: "i32" },
  select: {
    parameters: ["i32", "buffer", "buffer", "buffer", "buffer"],
    result: "i32",
  },
  clock_gettime: { parameters: ["i32", "buffer"], result: "i32" },
  // Moves nothing here: it returns the address of its first argument.
  memmove: { parameters: ["buffer", "buffer", "word"], result: "word" },
  // size_t as u32: what is copied at once is below 2^31 bytes, and a number
  // that small fills its register with zeros. A word would be made per call.
  memcpy: { parameters: ["buffer", "buffer", "u32"], result: "void" },
  madvise: { parameters: ["word", "word", "i32"], result: "i32" },
  sched_yield: { parameters: [], result: "i32" },
  getpagesize: { parameters: [], result: "i32" },
  getrlimit: { parameters: ["i32", "buffer"], result: "i32" },
  getaddrinfo: {
    parameters: ["buffer", "buffer", "buffer", "buffer"],
    result: "i32",
  },
  freeaddrinfo: { parameters: ["word"], result: "void" },
  getifaddrs: { parameters: ["buffer"], result: "i32" },
  freeifaddrs: { parameters: ["word"], result: "void" },
  if_nametoindex: { parameters: ["buffer"], result: "u32" },
  unlink: { parameters: ["buffer"], result: "i32" },
  rmdir: { parameters: ["buffer"], result: "i32" },
  mkdtemp: { parameters: ["buffer"], result: "word" },
  access: { parameters: ["buffer", "i32"], result: "i32" },
  // Variadic, but the mode that would be on the stack is only for new files.
  open: { parameters: ["buffer", "i32"], result: "i32" },
  sigaction: { parameters: ["i32", "buffer", "buffer"], result: "i32" },
  signal: { parameters: ["i32", "word"], result: "word" },
} as const;

/**
 * In the C library of the BSDs, elsewhere in a library that stands in for it.
 * The counts are int, and size_t on NetBSD: a word suits both.
 */
export const KQUEUE_SYMBOLS = {
  kqueue: { parameters: [], result: "i32" },
  kevent: {
    parameters: ["i32", "buffer", "word", "buffer", "word", "buffer"],
    result: "i32",
  },
} as const;

const LINUX = {
  __errno_location: { parameters: [], result: "word" },
  accept4: { parameters: ["i32", "buffer", "buffer", "i32"], result: "i32" },
  pipe2: { parameters: ["buffer", "i32"], result: "i32" },
  epoll_create1: { parameters: ["i32"], result: "i32" },
  epoll_ctl: { parameters: ["i32", "i32", "i32", "buffer"], result: "i32" },
  epoll_wait: { parameters: ["i32", "buffer", "i32", "i32"], result: "i32" },
  eventfd: { parameters: ["u32", "i32"], result: "i32" },
  inotify_init1: { parameters: ["i32"], result: "i32" },
  inotify_add_watch: { parameters: ["i32", "buffer", "u32"], result: "i32" },
  inotify_rm_watch: { parameters: ["i32", "i32"], result: "i32" },
  waitid: { parameters: ["i32", "i32", "buffer", "i32"], result: "i32" },
  ioctl: { parameters: ["i32", "word", "buffer"], result: "i32" },
  // For gettid and tgkill, which older C libraries do not export. Neither
  // CPU passes variadic integers differently from named ones.
  syscall: { parameters: ["word", "i32", "i32", "i32"], result: "i32" },
} as const;

const FREEBSD = {
  __error: { parameters: [], result: "word" },
  accept4: { parameters: ["i32", "buffer", "buffer", "i32"], result: "i32" },
  pipe2: { parameters: ["buffer", "i32"], result: "i32" },
  thr_self: { parameters: ["buffer"], result: "i32" },
  thr_kill: { parameters: ["word", "i32"], result: "i32" },
} as const;

const DARWIN = {
  __error: { parameters: [], result: "word" },
  accept: { parameters: ["i32", "buffer", "buffer"], result: "i32" },
  pipe: { parameters: ["buffer"], result: "i32" },
  // The three words in the middle of proc_pidinfo: uint64_t, void *, int.
  proc_pidinfo: {
    parameters: ["i32", "i32", "word", "buffer", "i32"],
    result: "i32",
  },
  pthread_threadid_np: { parameters: ["word", "buffer"], result: "i32" },
} as const;

// fcntl(int, int, ...). On Apple's arm64 variadic arguments always go to the
// stack, so six words of padding use up the other registers first.
const FCNTL_IN_REGISTERS = {
  fcntl: { parameters: ["i32", "i32", "word"], result: "i32" },
} as const;
const FCNTL_ON_STACK = {
  fcntl: {
    parameters: [
      "i32",
      "i32",
      "word",
      "word",
      "word",
      "word",
      "word",
      "word",
      "word",
    ],
    result: "i32",
  },
} as const;

/** One form of fstat. */
export interface FstatRow {
  readonly symbol: string;
  readonly row: SymbolRow;
  /** Its first argument, where it has one that says which structure. */
  readonly version: number | null;
}

/** The forms of fstat with today's structure, in the order to try them. */
export function fstatRows(os: HostOs, arch: HostArch): readonly FstatRow[] {
  const row: SymbolRow = { parameters: ["i32", "buffer"], result: "i32" };
  if (os === "darwin" && arch === "x86_64") {
    // The plain name has the structure of before 2007 here.
    return [{ symbol: "fstat$INODE64", row, version: null }];
  }
  const plain: FstatRow = { symbol: "fstat", row, version: null };
  if (os !== "linux") return [plain];
  // glibc exports fstat itself since 2.33 only.
  const versioned: FstatRow = {
    symbol: "__fxstat",
    row: { parameters: ["i32", "i32", "buffer"], result: "i32" },
    version: arch === "aarch64" ? 0 : 1,
  };
  return [plain, versioned];
}

/** The rows to look up in the C library of this kind of host. */
export function symbolTable(
  os: HostOs,
  arch: HostArch,
): Readonly<Record<string, SymbolRow>> {
  switch (os) {
    case "darwin":
      return {
        ...COMMON,
        ...KQUEUE_SYMBOLS,
        ...DARWIN,
        ...(arch === "aarch64" ? FCNTL_ON_STACK : FCNTL_IN_REGISTERS),
      };
    case "freebsd":
      return { ...COMMON, ...KQUEUE_SYMBOLS, ...FREEBSD };
    default:
      return { ...COMMON, ...LINUX };
  }
}

/** File names of the C library, in the order to try them. */
export function libraryNames(os: HostOs, arch: HostArch): readonly string[] {
  switch (os) {
    case "darwin":
      return ["libSystem.B.dylib", "/usr/lib/libSystem.B.dylib"];
    case "freebsd":
      return ["libc.so.7"];
    default:
      // The second one is musl, as on Alpine.
      return ["libc.so.6", `libc.musl-${arch}.so.1`];
  }
}

type Argument<T> = T extends "buffer" ? ArrayBufferView | null
  : T extends "word" ? Word
  : number;
type Arguments<P extends readonly string[]> = {
  -readonly [I in keyof P]: Argument<P[I]>;
};
type Calls<T extends Record<string, SymbolRow>> = {
  readonly [K in keyof T]: (
    ...args: Arguments<T[K]["parameters"]>
  ) => T[K]["result"] extends "word" ? Word : number;
};

/**
 * Every C function this package calls. Those of another operating system are
 * undefined at run time; only code behind a test of `host.os` may call them.
 */
export type CFunctions =
  & Calls<typeof COMMON>
  & Calls<typeof LINUX>
  & Omit<Calls<typeof FREEBSD>, "accept4" | "pipe2">
  & Omit<Calls<typeof DARWIN>, "__error">
  & { readonly fcntl: (...args: Word[]) => number };
