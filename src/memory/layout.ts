// libzmq: config.hpp, ctx.cpp (slots) · runs on: any · RFC: –

import { INPROC_NAME_BYTES_MAX } from "../base/limits.ts";

/**
 * Where things lie in a context's control segment, in 32-bit words. The
 * geometry follows from the context's options alone, so that every thread
 * computes the same one.
 */

/**
 * Context header. A cache line has 16 words: what every call reads lies apart
 * from what every message changes, and what is changed together lies together.
 */
export const H = {
  // Read at every call, hardly ever written.
  /** See {@link ContextState}. */
  STATE: 0,
  /** Slot of the thread that was found dead, plus one. */
  FAILED_THREAD: 1,
  /** Payload that may be in use, in granules of 256 bytes; 0 = any. */
  MEMORY_LIMIT: 2,
  SEGMENT_COUNT: 3,
  /** Kernel thread id of the context's creator. */
  CREATOR_TID: 4,
  /** Slot of the thread that trims free pages, plus one; 0 = none does. */
  TRIMMER: 5,
  /** Payload segments that the reaper holds: 128 bits. */
  SEGMENTS_KEPT: 6,
  /** Those that nobody could bring to it: 128 bits. */
  SEGMENTS_LOST: 10,

  // Written for every block.
  /** Payload in use, in granules. */
  MEMORY_USED: 16,
  /** How often payload was freed; wraps. */
  MEMORY_FREED: 17,
  /** Set by a thread that waits for memory, cleared by who frees some. */
  MEMORY_WAITERS: 18,
  /** Blocks alive, for leak checks. */
  BLOCK_COUNT: 19,
  /** The lock of all that follows in this line. */
  ALLOCATOR_LOCK: 20,
  /** Free pages not yet given back to the system. */
  DIRTY_PAGES: 21,
  /** The fewest that there were since they were last trimmed. */
  DIRTY_PAGES_LOW: 22,
  /** The freed run that was kept last, and how many are. */
  KEPT_RUN: 23,
  KEPT_RUNS: 24,
  /** How often a thread registered for memory; wraps. */
  MEMORY_WANTS: 25,

  /** Heads of the free stacks of cells, one per size class. */
  CELL_STACK: 32,
  /** About how many cells each of those stacks holds. */
  CELL_COUNT: 40,

  // Written as objects come and go.
  REGISTRY_LOCK: 48,
  /** Sockets that exist, closed but not yet reaped ones included. */
  SOCKET_COUNT: 49,
  /** Pipe pairs and own objects alive, for leak checks. */
  PIPE_COUNT: 50,
  OWN_COUNT: 51,
  NEXT_SOCKET_ID: 52,
  /** Counts inproc connects, for their order. */
  CONNECT_COUNT: 53,
  /** Free-list head and high-water index of each record pool. */
  POOL: 54,

  /** Why the first dead thread died: bytes of UTF-8, and their number. */
  FAILURE_BYTES: 63,
  FAILURE: 64,
  /** Kernel thread ids of the threads that made the payload segments. */
  SEGMENT_MAKERS: 192,
  SIZE: 320,
} as const;

/** Bytes of the text about a failure; a longer one is cut. */
export const FAILURE_BYTES_MAX: number = (H.SEGMENT_MAKERS - H.FAILURE) * 4;

/** Slot number for what happened to no slot: a holder of a lock died. */
export const NO_SLOT = 0x7ffffffe;

export const ContextState = {
  OPEN: 0,
  /** shutdown() was called: every call says ETERM. */
  SHUT_DOWN: 1,
  /** A thread died: every call says EOWNERDEAD. */
  FAILED: 2,
} as const;

/** A command target's intrusive node: three words. */
export const NODE = {
  /** Next node in the mailbox's stack. */
  NEXT: 0,
  /** Commands that wait, as bits. Non-zero means: is in a stack. */
  PENDING: 1,
  /** Word index of the mailbox that serves this node. */
  MAILBOX: 2,
} as const;

/** Mark beside pending commands: the node is in no stack, nobody serves it. */
export const NODE_PARKED: number = 1 << 30;

/** A mailbox: four words. */
export const MAILBOX = {
  /** Newest node, 0 when empty. */
  HEAD: 0,
  /** Slot of the thread that serves it. */
  OWNER: 1,
  /** Its bit among the owner's ready bits. */
  READY_INDEX: 2,
  SIZE: 4,
} as const;

/** A thread's record, before its ready bits. */
export const THREAD = {
  /** See {@link Sleep}. */
  SLEEP: 0,
  /** What wakes it when it sleeps in its poller; -1 = nothing. */
  WAKE_TARGET: 1,
  /** Kernel thread id; 0 = free slot. */
  TID: 2,
  /** Descriptors served, for the choice of I/O worker. */
  LOAD: 3,
  /** Mailbox of the thread itself. */
  MAILBOX: 4,
  /** One bit per group of ready words. */
  SUMMARY: 8,
  /** User-memory blocks whose last reference went; linked by header. */
  FREED_EXTERNALS: 9,
  /** Set when memory came free and this thread waits for it. */
  MEMORY_CAME: 10,
  /** Waits for memory. */
  MEMORY_WANTED: 11,
  /** Node for commands to the thread itself (stop). */
  NODE: 12,
  /** Set when a worker is started in this slot. */
  STARTED: 15,
  /** How often the thread began to wait for something to do; wraps. */
  WAITS: 16,
  /** How often it woke another one; wraps. */
  WAKE_UPS: 17,
  /** How often it found a queue full that it wanted to write; wraps. */
  STALLS: 18,
  READY: 19,
} as const;

/** How a thread sleeps. */
export const Sleep = { AWAKE: 0, FUTEX: 1, DESCRIPTOR: 2 } as const;

/** A socket's record. */
export const SOCKET = {
  /** Node for commands to the socket itself (stop, reap). */
  NODE: 0,
  MAILBOX: 4,
  /** Node by which the socket speaks to the reaper. */
  TO_REAPER: 8,
  /** 0 = free. */
  ID: 11,
  TYPE: 12,
  SENT_SEQNUM: 13,
  PROCESSED_SEQNUM: 14,
  /** Heads of the lists of pipe ends and children (word indexes). */
  PIPES: 15,
  CHILDREN: 16,
  /** Linger in milliseconds at close. */
  LINGER: 17,
  TERM_ACKS: 18,
  NEXT_FREE: 19,
  /** What a connecting inproc peer needs to know of a bound socket. */
  SEND_HWM: 20,
  RECEIVE_HWM: 21,
  /** On its way to another thread: what the one handle to adopt it says. */
  TICKET: 22,
  SIZE: 32,
} as const;

/** A session's or listener's record. */
export const OWN = {
  /** Commands to the object. */
  NODE: 0,
  /** Commands from the object to its owner. */
  TO_OWNER: 3,
  KIND: 6,
  /** Record of the owner: a socket's or a listener's word index. */
  OWNER: 7,
  SENT_SEQNUM: 8,
  LINGER: 9,
  /** Block with what the object needs to start. */
  ARGUMENTS: 10,
  /** Descriptor handed over, or -1. */
  FD: 11,
  /** Pipe pair made before the object started, or 0. */
  PIPE: 12,
  /** Links of the owner's list of children. */
  NEXT_SIBLING: 13,
  /** The socket at the root of the tree. */
  SOCKET: 14,
  NEXT_FREE: 15,
  /** Small integer that goes with a command to the owner. */
  RESULT: 16,
  /** What a binder's lease of FD is numbered, in two words; 0 without one. */
  LEASE_LOW: 17,
  LEASE_HIGH: 18,
  /** 1 in a listener's record whose lease may have to be ended by others. */
  LEASED: 19,
  SIZE: 20,
} as const;

export const OwnKind = { SESSION: 1, LISTENER: 2 } as const;

/** One direction of a pipe. */
export const QUEUE = {
  /** Flush point, doubled; bit 0: the reader sleeps. Both write it. */
  FLUSHED: 0,
  /** Whole messages read; written by the reader. */
  READ: 1,
  /** Set by a writer that found no credit, cleared by who wakes it. */
  BLOCKED: 2,
  /** Count of messages read at which the writer wants to be woken. */
  WAKE_AT: 3,
  /** The first chunk; set by the writer before its first flush. */
  FIRST_CHUNK: 4,
  /** Position from which the reader holds chunks; bounds the queue. */
  RELEASED: 5,
  /** Set by the writer after its last message. */
  DELIMITED: 6,
  /** High-water marks of the writing and reading side; -1 = no say. */
  HWM_WRITER: 7,
  HWM_READER: 8,
  /** Newest value of a conflating pipe. */
  SLOT: 9,
  /** Where the content after a hiccup begins, doubled. */
  HICCUP_AT: 10,
  /** Private state of the writer and the reader while a pipe moves. */
  WRITER_STATE: 12,
  READER_STATE: 20,
  SIZE: 28,
} as const;

/** One end of a pipe. */
export const END = {
  NODE: 0,
  STATE: 3,
  /** Next end in the owning socket's list. */
  NEXT_PIPE: 4,
  /** Whether what is queued is still delivered after a pipe_term. */
  DELAY: 5,
  /** Record of the socket or session that owns this end. */
  OWNER: 6,
  SIZE: 8,
} as const;

/**
 * A pipe pair: two ends of 8 words, two queues of 28 words, and the rest.
 * Queue n is read by end n.
 */
export const PIPE = {
  END: 0,
  QUEUE: 16,
  FLAGS: 72,
  /** Ends that are gone; the second one frees the record. */
  GONE: 73,
  NEXT_FREE: 74,
  /** When an inproc connect was made, against others of its context. */
  ORDER: 75,
  /** Who may write to the connection; see `write_side.ts`. */
  WRITE_SIDE: 76,
  /** The descriptor that is lent, and the kernel thread id of who has it. */
  WRITE_FD: 77,
  BORROWER: 78,
  /** Octets of the front message that a borrower has written. */
  BORROWER_SENT: 79,
  SIZE: 80,
} as const;

/** Queue n of the pipe keeps only its newest message: bit n. */
export const PipeFlag = { CONFLATE_FIRST: 1, CONFLATE_SECOND: 2 } as const;

/** A name of the inproc registry. */
export const NAME = {
  /** 0 free, else length of the name plus one. */
  LENGTH: 0,
  /** Bound: record of the socket. Pending: 0. */
  SOCKET: 1,
  /** Pending: pipe pair whose second end waits for a bind. */
  PIPE: 2,
  /** Pending: record of the connecting socket. */
  CONNECTER: 3,
  BYTES: 4,
  SIZE: (4 + INPROC_NAME_BYTES_MAX / 4) as number,
} as const;

/** Pools of fixed-size records, in the order of their headers. */
export const Pool = { SOCKET: 0, OWN: 1, PIPE: 2, NAME: 3 } as const;
export type Pool = typeof Pool[keyof typeof Pool];

/** What the geometry depends on. */
export interface Geometry {
  ioThreads: number;
  maxSockets: number;
  maxConnections: number;
}

/** Threads of the application that may hold one context at a time. */
export const APPLICATION_THREADS_MAX = 64;

/** Word offsets of the regions of a control segment. */
export class Layout {
  readonly threadSize: number;
  readonly readyWords: number;
  readonly threadCount: number;
  readonly threads: number;
  readonly poolBase: readonly number[];
  readonly poolRecordSize: readonly number[];
  readonly poolLimit: readonly number[];
  readonly poolNextFree: readonly number[];
  readonly sizeBytes: number;

  constructor(geometry: Geometry) {
    // Ready bit 0 is the thread's own mailbox, n + 1 that of socket n.
    this.readyWords = (geometry.maxSockets + 1 + 31) >>> 5;
    this.threadSize = (THREAD.READY + this.readyWords + 15) & ~15;
    this.threadCount = 1 + geometry.ioThreads + APPLICATION_THREADS_MAX;
    this.threads = H.SIZE;
    const limits = [
      geometry.maxSockets,
      geometry.maxConnections + geometry.maxSockets,
      geometry.maxConnections,
      geometry.maxSockets * 2,
    ];
    const sizes = [SOCKET.SIZE, OWN.SIZE, PIPE.SIZE, NAME.SIZE];
    const bases: number[] = [];
    let next = this.threads + this.threadCount * this.threadSize;
    for (let i = 0; i < sizes.length; i++) {
      bases.push(next);
      next += (limits[i] as number) * (sizes[i] as number);
    }
    this.poolBase = bases;
    this.poolRecordSize = sizes;
    this.poolLimit = limits;
    this.poolNextFree = [
      SOCKET.NEXT_FREE,
      OWN.NEXT_FREE,
      PIPE.NEXT_FREE,
      NAME.PIPE,
    ];
    this.sizeBytes = next * 4;
  }

  /** Word index of a thread's record. */
  thread(slot: number): number {
    return this.threads + slot * this.threadSize;
  }

  /** Which pool the record or node at a word index belongs to. */
  poolOf(index: number): Pool | -1 {
    for (let pool = Pool.NAME; pool >= 0; pool--) {
      if (index >= (this.poolBase[pool] as number)) return pool as Pool;
    }
    return -1;
  }

  /** The record that a word index lies in. */
  recordOf(pool: Pool, index: number): number {
    const base = this.poolBase[pool] as number;
    const size = this.poolRecordSize[pool] as number;
    return base + Math.floor((index - base) / size) * size;
  }

  /** Number of a record within its pool. */
  recordNumber(pool: Pool, record: number): number {
    return (record - (this.poolBase[pool] as number)) /
      (this.poolRecordSize[pool] as number);
  }
}
