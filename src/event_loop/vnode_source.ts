// libzmq: none · runs on: any · RFC: –

import {
  closeFd,
  EVFILT_VNODE,
  NOTE_ATTRIB,
  NOTE_DELETE,
  NOTE_EXTEND,
  NOTE_LINK,
  NOTE_RENAME,
  NOTE_REVOKE,
  NOTE_WRITE,
  openForEvents,
} from "../../ffi/mod.ts";
import { refused } from "./event_loop_error.ts";
import type { FilterEvent, FilterQueue } from "./kevent_filters.ts";
import { type LoopHost, OpenSource } from "./loop_host.ts";
import type { FileChange, FileChangeKind } from "./file_source.ts";

const EVERY_CHANGE = NOTE_DELETE | NOTE_WRITE | NOTE_EXTEND | NOTE_ATTRIB |
  NOTE_LINK | NOTE_RENAME | NOTE_REVOKE;

/** In the order in which they are told when one event has several. */
const KINDS: readonly (readonly [number, FileChangeKind])[] = [
  [NOTE_WRITE | NOTE_EXTEND, "modified"],
  [NOTE_ATTRIB | NOTE_LINK, "attributes"],
  [NOTE_RENAME, "renamed"],
];

/** A file or directory, by a kqueue's filter, which wants it open. */
export class VnodeSource extends OpenSource {
  readonly #loop: LoopHost;
  readonly #filters: FilterQueue;
  readonly #path: string;
  readonly #callback: (change: FileChange) => void;
  readonly #fd: number;
  readonly #told: FilterEvent = (notes) => this.#happened(notes);

  /** @throws {EventLoopError} ENOENT, EACCES or what else the system says. */
  constructor(
    loop: LoopHost,
    filters: FilterQueue,
    path: string,
    callback: (change: FileChange) => void,
    call: string,
  ) {
    const fd = openForEvents(path);
    if (fd < 0) throw refused(call, { path }, fd);
    super(loop);
    this.#loop = loop;
    this.#filters = filters;
    this.#path = path;
    this.#callback = callback;
    this.#fd = fd;
    try {
      filters.add(fd, EVFILT_VNODE, EVERY_CHANGE, this.#told, call, { path });
    } catch (error) {
      this.close();
      throw error;
    }
  }

  protected override release(): void {
    this.#filters.remove(this.#fd, EVFILT_VNODE, this.#told);
    closeFd(this.#fd);
  }

  #happened(notes: number): void {
    const path = this.#path;
    const tell = (kind: FileChangeKind): void =>
      this.#loop.tell(this.#callback, { path, kind, name: null });
    for (const [bits, kind] of KINDS) {
      if ((notes & bits) !== 0 && this.active) tell(kind);
    }
    if ((notes & (NOTE_DELETE | NOTE_REVOKE)) === 0 || !this.active) return;
    this.end();
    tell("removed");
  }
}
