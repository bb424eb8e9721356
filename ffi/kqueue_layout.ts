import type { HostOs } from "./host.ts";

/** A kind of `struct kevent`, named after who has it. */
export type KqueueSystem =
  | "darwin"
  | "freebsd"
  | "netbsd9"
  | "netbsd10"
  | "openbsd"
  | "libkqueue";

/** `struct kevent` and what goes into it; offsets and sizes are bytes. */
export interface KqueueLayout {
  readonly size: number;
  /** `uintptr_t ident` stands first everywhere and is 8 bytes long. */
  readonly filter: number;
  readonly flags: number;
  /** Of `filter` and of `flags`: 2 or 4 bytes. */
  readonly filterSize: number;
  readonly fflags: number;
  readonly data: number;
  readonly udata: number;
  /**
   * The function's name: NetBSD renames it with each new structure. So far it
   * is "kevent" wherever it is called; see {@link KQUEUE_LAYOUTS}.
   */
  readonly symbol: string;
  readonly EVFILT_READ: number;
  readonly EVFILT_WRITE: number;
  /** null where there are no user events. */
  readonly EVFILT_USER: number | null;
  /** 0 where a change cannot ask for an answer. */
  readonly EV_RECEIPT: number;
}

export const EV_ADD = 0x1;
export const EV_DELETE = 0x2;
/** Edge-triggered: told once, until it happens again. */
export const EV_CLEAR = 0x20;
/** `data` is the errno of the change with the same ident and filter. */
export const EV_ERROR = 0x4000;
/** The peer's end is closed; `fflags` is the socket's error, if it has one. */
export const EV_EOF = 0x8000;
/** Makes a user event happen; the same number wherever there are any. */
export const NOTE_TRIGGER = 0x1000000;

const DARWIN: KqueueLayout = {
  size: 32,
  filter: 8,
  flags: 10,
  filterSize: 2,
  fflags: 12,
  data: 16,
  udata: 24,
  symbol: "kevent",
  EVFILT_READ: -1,
  EVFILT_WRITE: -2,
  EVFILT_USER: -10,
  EV_RECEIPT: 0x40,
};

// Since FreeBSD 12 with uint64_t ext[4] at its end.
const FREEBSD: KqueueLayout = { ...DARWIN, size: 64, EVFILT_USER: -11 };

// Its EVFILT_USER came with a release that no runtime here has seen.
const OPENBSD: KqueueLayout = { ...DARWIN, EVFILT_USER: null };

const LIBKQUEUE: KqueueLayout = { ...DARWIN, EVFILT_USER: -11 };

// Filters count upwards from 0, and with the flags they fill 32 bits each.
const NETBSD_9: KqueueLayout = {
  size: 40,
  filter: 8,
  flags: 12,
  filterSize: 4,
  fflags: 16,
  data: 24,
  udata: 32,
  symbol: "__kevent50",
  EVFILT_READ: 0,
  EVFILT_WRITE: 1,
  EVFILT_USER: null,
  EV_RECEIPT: 0,
};

// As in FreeBSD, uint64_t ext[4] was added at the end.
const NETBSD_10: KqueueLayout = {
  ...NETBSD_9,
  size: 72,
  symbol: "__kevent100",
  EVFILT_USER: 8,
  EV_RECEIPT: 0x40,
};

/**
 * Every known layout. Those of NetBSD and OpenBSD are tables and no more: they
 * are tested byte by byte, but no runtime that this package knows runs there,
 * so that no system is told to have them, and nothing looks their symbols up.
 */
export const KQUEUE_LAYOUTS: Readonly<Record<KqueueSystem, KqueueLayout>> = {
  darwin: DARWIN,
  freebsd: FREEBSD,
  netbsd9: NETBSD_9,
  netbsd10: NETBSD_10,
  openbsd: OPENBSD,
  libkqueue: LIBKQUEUE,
};

/** The layout of a system's own kqueue; null where it has none. */
export function nativeKqueueLayout(os: HostOs): KqueueLayout | null {
  if (os === "darwin") return DARWIN;
  return os === "freebsd" ? FREEBSD : null;
}
