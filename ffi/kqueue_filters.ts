// The filters beyond descriptors, with the same numbers in macOS, FreeBSD and
// libkqueue; NetBSD numbers its filters differently, and nothing asks it.

/** Changes of an open file or directory. */
export const EVFILT_VNODE = -4;
/** The life of a process. */
export const EVFILT_PROC = -5;
/** Signals sent to this process, also ignored ones; `data` counts them. */
export const EVFILT_SIGNAL = -6;

export const NOTE_DELETE = 0x1;
export const NOTE_WRITE = 0x2;
export const NOTE_EXTEND = 0x4;
export const NOTE_ATTRIB = 0x8;
export const NOTE_LINK = 0x10;
export const NOTE_RENAME = 0x20;
export const NOTE_REVOKE = 0x40;

export const NOTE_EXIT = 0x80000000;
/** macOS only, where the status is not given without it. */
export const NOTE_EXITSTATUS = 0x4000000;
