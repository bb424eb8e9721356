// libzmq: none · runs on: any · RFC: –

import {
  addFileWatch,
  closeFd,
  errnoNumber,
  FileEvents,
  fileStatus,
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
  pathExists,
  removeFileWatch,
} from "../../ffi/mod.ts";
import {
  INOTIFY_REASONS,
  POLLER_REASONS,
  refused,
} from "./event_loop_error.ts";
import { type LoopHost, OpenSource } from "./loop_host.ts";
import { NO_MEMORY_PAUSE_MS } from "../poller/poller.ts";
import type { PollEvents, PollHandle } from "../poller/poller.ts";
import { isTransient, pause } from "../poller/poller_failure.ts";

/**
 * What happened to a file or directory.
 *
 * - `modified`: its content. For a directory on a kqueue system: its entries.
 * - `attributes`: permissions, times or the number of its links.
 * - `written`: a program that could write closed it (Linux).
 * - `created`, `deleted`: the entry `name` of a directory came or went, also
 *   by being moved (Linux).
 * - `renamed`: the watched file itself got another name. It stays watched.
 * - `removed`: the watched file itself is gone: the last event of this watch.
 * - `overflow`: more happened than the system could remember. Look again.
 */
export type FileChangeKind =
  | "modified"
  | "attributes"
  | "written"
  | "created"
  | "deleted"
  | "renamed"
  | "removed"
  | "overflow";

/** A change of a watched file or directory. */
export interface FileChange {
  /** The path as it was given to the loop. */
  readonly path: string;
  /** What happened. */
  readonly kind: FileChangeKind;
  /** The entry of the directory that it happened to; null = `path` itself. */
  readonly name: string | null;
}

const EVERY_CHANGE = IN_MODIFY | IN_ATTRIB | IN_CLOSE_WRITE | IN_CREATE |
  IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | IN_DELETE_SELF | IN_MOVE_SELF;

const EAGAIN = errnoNumber("EAGAIN");

/** How often a turn reads, 64 KiB each, before others get theirs. */
const READS_MAX = 16;

/** In the order in which they are told when one event has several. */
const KINDS: readonly (readonly [number, FileChangeKind])[] = [
  [IN_CREATE | IN_MOVED_TO, "created"],
  [IN_DELETE | IN_MOVED_FROM, "deleted"],
  [IN_MODIFY, "modified"],
  [IN_ATTRIB, "attributes"],
  [IN_CLOSE_WRITE, "written"],
  [IN_MOVE_SELF, "renamed"],
];

/** Files of one loop, by an inotify descriptor, of which users have few. */
export class InotifyWatcher implements PollEvents {
  readonly loop: LoopHost;
  readonly #fd: number;
  readonly #handle: PollHandle;
  readonly #events = new FileEvents();
  /** By the system's number: one for all paths of the same file. */
  readonly #sources: Map<number, Set<InotifySource>> = new Map();
  /** Those that may be gone, or renamed by what is still to be read. */
  readonly #suspects: Set<InotifySource> = new Set();

  /** @throws {EventLoopError} EMFILE: no descriptor or no instance left. */
  constructor(loop: LoopHost, call: string) {
    this.loop = loop;
    this.#fd = openFileWatcher();
    if (this.#fd < 0) throw refused(call, {}, this.#fd, INOTIFY_REASONS);
    const handle = loop.poller.add(this.#fd, this);
    if (typeof handle === "number") {
      closeFd(this.#fd);
      throw refused(call, { fd: this.#fd }, handle, POLLER_REASONS);
    }
    this.#handle = handle;
    loop.poller.setInterest(handle, true, false);
  }

  /** @throws {EventLoopError} ENOENT, EACCES or what else the system says. */
  watch(
    path: string,
    callback: (change: FileChange) => void,
    call: string,
  ): InotifySource {
    const watch = addFileWatch(this.#fd, path, EVERY_CHANGE);
    if (watch < 0) throw refused(call, { path }, watch);
    const folder = this.#isLink(path, watch) ? null : folderOf(path);
    const source = new InotifySource(this, watch, path, folder, callback);
    const known = this.#sources.get(watch);
    if (known === undefined) this.#sources.set(watch, new Set([source]));
    else known.add(source);
    return source;
  }

  /** Forgets a source, and the file with its last one. */
  forget(watch: number, source: InotifySource): void {
    const sources = this.#sources.get(watch);
    if (sources === undefined) return;
    sources.delete(source);
    if (sources.size > 0) return;
    this.#sources.delete(watch);
    // EINVAL when the file is gone, and its watch with it.
    removeFileWatch(this.#fd, watch);
  }

  /** Has a source look for its end when all that happened so far is known. */
  suspect(source: InotifySource): void {
    this.#suspects.add(source);
  }

  inEvent(): void {
    for (let reads = 0; reads < READS_MAX; reads++) {
      const length = this.#events.read(this.#fd);
      if (length < 0 && length !== -EAGAIN && isTransient(length)) {
        // What happened is still to be read, in the next turn.
        pause(NO_MEMORY_PAUSE_MS);
        return;
      }
      if (length <= 0) {
        this.loop.poller.inputExhausted(this.#handle);
        const suspects = [...this.#suspects];
        this.#suspects.clear();
        for (const source of suspects) source.endIfUnlinked();
        return;
      }
      this.#happened(length);
    }
  }

  outEvent(): void {}

  close(): void {
    this.loop.poller.remove(this.#handle);
    closeFd(this.#fd);
  }

  #happened(length: number): void {
    this.#events.forEach(length, (watch, mask, name) => {
      if ((mask & IN_Q_OVERFLOW) !== 0) this.#overflowed();
      // A copy: callbacks close sources, and numbers are not used again.
      else {for (const source of [...this.#sources.get(watch) ?? []]) {
          source.happened(mask, name);
        }}
    });
  }

  /** Whether a path is a link to what is watched: it has another number. */
  #isLink(path: string, watch: number): boolean {
    const own = addFileWatch(this.#fd, path, EVERY_CHANGE | IN_DONT_FOLLOW);
    if (own < 0 || own === watch) return own < 0;
    // Unless somebody has come between, and watches what is there now.
    if (!this.#sources.has(own)) removeFileWatch(this.#fd, own);
    return true;
  }

  #overflowed(): void {
    for (const sources of [...this.#sources.values()]) {
      for (const source of [...sources]) source.tell("overflow", "");
    }
  }
}

/** The directory of a file, and which one it was. */
interface Folder {
  readonly path: string;
  readonly identity: string;
}

/** Null when that is not to be known. */
function folderOf(file: string): Folder | null {
  const path = /^(.*\/)?[^/]*\/*$/.exec(file)?.[1] ?? "./";
  const identity = identityOf(path);
  return identity === null ? null : { path, identity };
}

function identityOf(path: string): string | null {
  const fd = openForEvents(path);
  if (fd < 0) return null;
  const status = fileStatus(fd);
  closeFd(fd);
  return typeof status === "number" ? null : status.identity;
}

/** One path that somebody watches. */
export class InotifySource extends OpenSource {
  readonly #watcher: InotifyWatcher;
  readonly #watch: number;
  readonly #path: string;
  readonly #folder: Folder | null;
  readonly #callback: (change: FileChange) => void;
  #renamed = false;

  /** @param folder Of the file itself; null for a link to it. */
  constructor(
    watcher: InotifyWatcher,
    watch: number,
    path: string,
    folder: Folder | null,
    callback: (change: FileChange) => void,
  ) {
    super(watcher.loop);
    this.#watcher = watcher;
    this.#watch = watch;
    this.#path = path;
    this.#folder = folder;
    this.#callback = callback;
  }

  /** IN_* bits came. */
  happened(mask: number, name: string): void {
    for (const [bits, kind] of KINDS) {
      if ((mask & bits) !== 0) this.tell(kind, name);
    }
    if ((mask & IN_MOVE_SELF) !== 0) this.#renamed = true;
    if ((mask & (IN_DELETE_SELF | IN_IGNORED)) !== 0) this.#removed();
    // A deleted file that somebody has open only loses a link: the system
    // tells of its end when the last one closes it.
    else if ((mask & IN_ATTRIB) !== 0 && name === "" && this.#isMissing) {
      this.#watcher.suspect(this);
    }
  }

  /** It was missing, and what came up to then says nothing of a new name. */
  endIfUnlinked(): void {
    const folder = this.#folder;
    if (folder === null || !this.#isMissing) return;
    // A directory above that got another name took the file along.
    if (identityOf(folder.path) === folder.identity) this.#removed();
  }

  get #isMissing(): boolean {
    return this.active && !this.#renamed && !pathExists(this.#path);
  }

  tell(kind: FileChangeKind, name: string): void {
    if (!this.active) return;
    const path = this.#path;
    this.#watcher.loop.tell(this.#callback, {
      path,
      kind,
      name: name === "" ? null : name,
    });
  }

  protected override release(): void {
    this.#watcher.forget(this.#watch, this);
  }

  #removed(): void {
    if (!this.active) return;
    this.end();
    const { loop } = this.#watcher;
    loop.tell(this.#callback, {
      path: this.#path,
      kind: "removed",
      name: null,
    });
  }
}
