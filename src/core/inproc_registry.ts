// libzmq: ctx.cpp (register_endpoint, find_endpoint, pend_connection) · runs on: app thread · RFC: –

import { add, get, put, store } from "../memory/shared_access.ts";
import { END, H, NAME, PIPE, Pool, QUEUE, SOCKET } from "../memory/layout.ts";
import type { ControlSegment } from "../memory/control_segment.ts";
import { assert } from "../base/assert.ts";
import { ZmqError } from "../base/errors.ts";
import { INPROC_NAME_BYTES_MAX } from "../base/limits.ts";
import { deadThreadError } from "./dead_thread_error.ts";

const encoder = new TextEncoder();

/**
 * The names of a context's inproc endpoints: bound sockets, and connections
 * that wait for a bind. All under the registry lock.
 */
export class InprocRegistry {
  readonly #control: ControlSegment;

  constructor(control: ControlSegment) {
    this.#control = control;
  }

  /**
   * Binds a name and claims the connections that wait for it.
   *
   * @returns Pipe pairs whose second end now belongs to the binder, in the
   * order of their connects.
   * @throws {ZmqError} EADDRINUSE, EMFILE.
   */
  bind(name: string, socket: number): number[] {
    const bytes = encodeName(name);
    const result = this.#locked(() => {
      if (this.#find(bytes, true) !== 0) return "EADDRINUSE" as const;
      const entry = this.#insert(bytes);
      if (entry === 0) return "EMFILE" as const;
      // Ordering: the registry lock orders all accesses to entries.
      put(this.#control.words, entry + NAME.SOCKET, socket);
      return this.#claimPending(bytes, socket);
    });
    if (typeof result === "string") throw new ZmqError(result);
    return result;
  }

  /** Forgets a bound name. */
  unbind(name: string, socket: number): void {
    const bytes = encodeName(name);
    this.#locked(() => {
      const entry = this.#find(bytes, true);
      if (entry === 0) return;
      if (get(this.#control.words, entry + NAME.SOCKET) === socket) {
        this.#remove(entry);
      }
    });
  }

  /** Forgets every name of a socket. */
  unbindAll(socket: number): void {
    this.#locked(() => {
      this.#search((entry) => {
        if (get(this.#control.words, entry + NAME.SOCKET) === socket) {
          this.#remove(entry);
        }
        return false;
      });
    });
  }

  /**
   * Finds the socket bound to a name, or leaves the pipe for who binds it.
   *
   * @param pipe Pair whose second end is for the binder.
   * @returns The binder's record, to which a bind command must follow; 0 when
   * the pipe waits.
   */
  connect(name: string, pipe: number, connecter: number): number {
    const bytes = encodeName(name);
    const { words } = this.#control;
    const result = this.#locked(() => {
      const entry = this.#find(bytes, true);
      if (entry !== 0) {
        const socket = get(words, entry + NAME.SOCKET);
        // Counted under the lock: the binder cannot go before it has seen
        // the command that follows.
        add(words, socket + SOCKET.SENT_SEQNUM, 1);
        this.#handOver(pipe, socket);
        return socket;
      }
      const pending = this.#insert(bytes);
      if (pending === 0) return -1;
      put(words, pending + NAME.PIPE, pipe);
      put(words, pipe + PIPE.ORDER, add(words, H.CONNECT_COUNT, 1));
      put(words, pending + NAME.CONNECTER, connecter);
      return 0;
    });
    if (result < 0) throw new ZmqError("EMFILE");
    return result;
  }

  /** Connections of a socket that still wait for a bind. */
  waitingOf(socket: number): number[] {
    const { words } = this.#control;
    return this.#locked(() => {
      const waiting: number[] = [];
      this.#search((entry) => {
        if (
          get(words, entry + NAME.SOCKET) === 0 &&
          get(words, entry + NAME.CONNECTER) === socket
        ) waiting.push(get(words, entry + NAME.PIPE));
        return false;
      });
      return waiting;
    });
  }

  /** Takes a waiting connection back; false when a binder has claimed it. */
  withdraw(pipe: number): boolean {
    return this.#locked(() => {
      const entry = this.#search((entry) =>
        get(this.#control.words, entry + NAME.SOCKET) === 0 &&
        get(this.#control.words, entry + NAME.PIPE) === pipe
      );
      if (entry === 0) return false;
      this.#remove(entry);
      return true;
    });
  }

  #locked<T>(body: () => T): T {
    let result: { value: T } | undefined;
    this.#control.locked(H.REGISTRY_LOCK, () => {
      result = { value: body() };
    });
    if (result === undefined) throw deadThreadError(this.#control);
    return result.value;
  }

  /** Gives a pipe's second end to a bound socket. */
  #handOver(pipe: number, socket: number): void {
    const { words } = this.#control;
    const end = pipe + PIPE.END + END.SIZE;
    this.#control.serveNode(end, socket + SOCKET.MAILBOX);
    const toFirst = pipe + PIPE.QUEUE;
    const toSecond = toFirst + QUEUE.SIZE;
    store(
      words,
      toSecond + QUEUE.HWM_READER,
      get(words, socket + SOCKET.RECEIVE_HWM),
    );
    store(
      words,
      toFirst + QUEUE.HWM_WRITER,
      get(words, socket + SOCKET.SEND_HWM),
    );
  }

  #claimPending(bytes: Uint8Array, socket: number): number[] {
    const claimed: number[] = [];
    for (;;) {
      const entry = this.#find(bytes, false);
      if (entry === 0) break;
      const pipe = get(this.#control.words, entry + NAME.PIPE);
      this.#remove(entry);
      this.#handOver(pipe, socket);
      claimed.push(pipe);
    }
    // Pools hand out records in any order; the pipes know when they came.
    const { words } = this.#control;
    return claimed.sort((a, b) =>
      (get(words, a + PIPE.ORDER) - get(words, b + PIPE.ORDER)) | 0
    );
  }

  #find(name: Uint8Array, bound: boolean): number {
    const { words } = this.#control;
    return this.#search((entry) =>
      (get(words, entry + NAME.SOCKET) !== 0) === bound &&
      get(words, entry + NAME.LENGTH) === name.length + 1 &&
      sameBytes(this.#nameBytes(entry, name.length), name)
    );
  }

  #search(matches: (entry: number) => boolean): number {
    const { words, layout } = this.#control;
    const base = layout.poolBase[Pool.NAME] as number;
    const used = get(words, H.POOL + 2 * Pool.NAME + 1);
    for (let i = 0; i < used; i++) {
      const entry = base + i * NAME.SIZE;
      if (get(words, entry + NAME.LENGTH) !== 0 && matches(entry)) return entry;
    }
    return 0;
  }

  #insert(name: Uint8Array): number {
    const entry = this.#control.takeRecordLocked(Pool.NAME);
    if (entry === 0) return 0;
    put(this.#control.words, entry + NAME.LENGTH, name.length + 1);
    this.#nameBytes(entry, name.length).set(name);
    return entry;
  }

  #remove(entry: number): void {
    put(this.#control.words, entry + NAME.LENGTH, 0);
    this.#control.giveRecordLocked(Pool.NAME, entry);
  }

  #nameBytes(entry: number, length: number): Uint8Array {
    return new Uint8Array(
      this.#control.words.buffer,
      (entry + NAME.BYTES) * 4,
      length,
    );
  }
}

/** The endpoint's parser has checked the length. */
function encodeName(name: string): Uint8Array {
  const bytes = encoder.encode(name);
  assert(bytes.length <= INPROC_NAME_BYTES_MAX, "a name fits its record");
  return bytes;
}

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  for (let i = 0; i < b.length; i++) {
    if (a[i] !== b[i]) return false;
  }
  return true;
}
