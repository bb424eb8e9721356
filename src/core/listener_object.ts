// libzmq: stream_listener_base.{hpp,cpp} (own_t part) · runs on: io thread · RFC: –

import { get, put, store } from "../memory/shared_access.ts";
import { OWN, OwnKind } from "../memory/layout.ts";
import type { SocketOptions } from "../base/options.ts";
import { closeFd } from "../../ffi/mod.ts";
import { Command } from "./command.ts";
import type { CommandTarget } from "./command.ts";
import { chooseIoThread } from "./choose_io_thread.ts";
import {
  createChildRecord,
  discardChildRecord,
  handOver,
  leaseOf,
  Own,
} from "./own.ts";
import type { OwnHost } from "./own.ts";
import { encodeArguments, storeEncoded } from "./launch_arguments.ts";
import type { LaunchArguments } from "./launch_arguments.ts";
import type { Thread } from "./thread.ts";
import type { IoContext, IoObject, Listener } from "./transport.ts";

/**
 * A listener's place in the object tree: it owns the sessions of the
 * connections it accepted, wherever they run.
 */
export class ListenerObject implements CommandTarget, OwnHost, IoObject {
  readonly record: number;
  readonly #io: IoContext;
  readonly #launch: LaunchArguments;
  /** What each session is told: the same as this listener. */
  readonly #launchText: Uint8Array;
  readonly #own: Own;
  #listener: Listener | null = null;

  constructor(io: IoContext, record: number) {
    const { words } = io.thread.control;
    this.record = record;
    this.#io = io;
    // Ordering: everything in the record was written before PLUG was posted.
    const reference = get(words, record + OWN.ARGUMENTS);
    this.#launch = io.argumentReader.load(reference);
    this.#launchText = encodeArguments(this.#launch);
    io.thread.memory.blocks.release(reference);
    this.#own = new Own(io.thread, record + OWN.SENT_SEQNUM, this);
    io.thread.register(record + OWN.NODE, this);
  }

  get options(): Readonly<SocketOptions> {
    return this.#launch.options;
  }

  get lingerMs(): number {
    return this.options.linger;
  }

  processCommands(bits: number): void {
    if ((bits & Command.PLUG) !== 0) this.#start();
    if ((bits & Command.TERM) !== 0) this.#processTerm();
  }

  childGaveUp(child: number): void {
    this.#own.terminateChild(child);
  }

  processDestroy(): void {
    const { thread } = this.#io;
    // Its sessions have ended whatever they had of it.
    store(thread.control.words, this.record + OWN.LEASED, 0);
    thread.unregister(this.record + OWN.NODE);
    thread.control.post(this.record + OWN.TO_OWNER, Command.TERM_ACK);
  }

  abandon(): void {
    this.#listener?.close();
  }

  #start(): void {
    this.#own.processSeqnum();
    const { words } = this.#io.thread.control;
    const { protocol, endpoint, options, temporary } = this.#launch;
    this.#listener = this.#io.transport(protocol).accept(
      this.#io,
      get(words, this.record + OWN.FD),
      endpoint,
      options,
      (fd) => this.#accepted(fd),
      temporary,
    );
  }

  /** A new connection: a session of its own, on the least busy thread. */
  #accepted(fd: number): void {
    const { thread } = this.#io;
    const { control } = thread;
    const { words } = control;
    const slot = chooseIoThread(control, this.options.affinity);
    const child = createChildRecord(thread, {
      kind: OwnKind.SESSION,
      mailbox: mailboxOf(thread, slot),
      ownerMailbox: thread.mailbox,
      socket: get(words, this.record + OWN.SOCKET),
    });
    const reference = child === 0
      ? 0
      : storeEncoded(thread.memory, this.#launchText);
    if (reference === 0) {
      if (child !== 0) discardChildRecord(thread, child);
      closeFd(fd);
      return;
    }
    // Ordering: published by the command that starts the child.
    put(words, child + OWN.ARGUMENTS, reference);
    handOver(words, child, fd, leaseOf(words, this.record));
    this.#own.launch(child);
  }

  #processTerm(): void {
    this.#listener?.close();
    this.#listener = null;
    const { words } = this.#io.thread.control;
    this.#own.processTerm(get(words, this.record + OWN.LINGER));
  }
}

function mailboxOf(
  thread: Thread,
  slot: number,
): number {
  return thread.control.layout.thread(slot) +
    (thread.mailbox - thread.record);
}
