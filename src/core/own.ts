// libzmq: own.{hpp,cpp} · runs on: the owner's thread · RFC: –

import {
  add,
  get,
  load,
  put,
  store,
  type Words,
} from "../memory/shared_access.ts";
import { H, OWN, Pool } from "../memory/layout.ts";
import { assert } from "../base/assert.ts";
import { NumberMap } from "../base/number_map.ts";
import { Command } from "./command.ts";
import type { CommandTarget } from "./command.ts";
import type { Thread } from "./thread.ts";

/** What an owner's node in the tree needs of the object it belongs to. */
export interface OwnHost {
  /** Milliseconds that children may still deliver; -1 = for ever. */
  readonly lingerMs: number;
  /** Everything below is gone and every command was processed. */
  processDestroy(): void;
  /** A child gave up its endpoint for good. */
  childGaveUp(child: number): void;
  /** A child is about to die; its record may soon be another child's. */
  childEnds?(child: number): void;
}

/**
 * An object's place in the tree of ownership: its children, and the orderly
 * end of both.
 *
 * A child that wants to die asks its owner (term_req); the owner tells it
 * (term); it tells its own children and acknowledges (term_ack) once all of
 * them have, and once every command sent to it has been processed. When owner
 * and child begin at once, the child's request is ignored.
 */
export class Own {
  readonly #thread: Thread;
  readonly #host: OwnHost;
  /** Word that counts commands sent to this object. */
  readonly #sentSeqnum: number;
  #processedSeqnum = 0;
  #termAcks = 0;
  #terminating = false;
  #destroyed = false;
  readonly #children: NumberMap<ChildLink> = new NumberMap();

  constructor(thread: Thread, sentSeqnum: number, host: OwnHost) {
    this.#thread = thread;
    this.#sentSeqnum = sentSeqnum;
    this.#host = host;
  }

  get terminating(): boolean {
    return this.#terminating;
  }

  get children(): Iterable<number> {
    return this.#children.values().map(({ child }) => child);
  }

  /** Takes a prepared record as a child and starts the object behind it. */
  launch(child: number): void {
    const { words } = this.#thread.control;
    this.#adopt(child);
    add(words, child + OWN.SENT_SEQNUM, 1);
    this.#thread.control.post(child + OWN.NODE, Command.PLUG);
    // A late child of a dying owner dies at once.
    if (this.#terminating) {
      this.#termAcks++;
      this.#sendTerm(child, 0);
    }
  }

  /** A command that was counted at its sender has been processed. */
  processSeqnum(): void {
    this.#processedSeqnum = (this.#processedSeqnum + 1) | 0;
    this.checkTermAcks();
  }

  /** Ends a child, because it or its owner wants that. */
  terminateChild(child: number): void {
    // Asked already, or the whole tree is going.
    const link = this.#children.get(child);
    if (this.#terminating || link === undefined || link.terminating) return;
    this.#termAcks++;
    link.markTerminating();
    this.#sendTerm(child, this.#host.lingerMs);
  }

  /** Ends this object: children first. */
  processTerm(lingerMs: number): void {
    assert(!this.#terminating, "an object is terminated once");
    this.#terminating = true;
    for (const link of this.#children.values()) {
      if (link.terminating) continue;
      this.#termAcks++;
      link.markTerminating();
      this.#sendTerm(link.child, lingerMs);
    }
    this.checkTermAcks();
  }

  /** Waits for more acknowledgements before this object may go. */
  registerTermAcks(count: number): void {
    this.#termAcks += count;
  }

  unregisterTermAck(): void {
    assert(this.#termAcks > 0, "an acknowledgement was expected");
    this.#termAcks--;
    this.checkTermAcks();
  }

  /** Goes when nothing is left to wait for. */
  checkTermAcks(): void {
    if (!this.#terminating || this.#destroyed || this.#termAcks !== 0) return;
    const sent = load(this.#thread.control.words, this.#sentSeqnum);
    if (sent !== this.#processedSeqnum) return;
    this.#destroyed = true;
    this.#host.processDestroy();
  }

  childAcknowledged(child: number): void {
    this.#children.delete(child);
    this.#thread.unregister(child + OWN.TO_OWNER);
    const { control } = this.#thread;
    control.count(H.OWN_COUNT, -1);
    control.giveRecord(Pool.OWN, child);
    this.unregisterTermAck();
  }

  childGaveUp(child: number): void {
    this.#host.childGaveUp(child);
  }

  /** A child asks to die. */
  childEnds(child: number): void {
    this.#host.childEnds?.(child);
    this.terminateChild(child);
  }

  /** Leaves children and counts in shared words, for the next owner. */
  save(childrenHead: number, termAcks: number, processed: number): void {
    const { words } = this.#thread.control;
    let head = 0;
    for (const link of this.#children.values()) {
      const { child } = link;
      // Ordering: the command that hands the owner over publishes these.
      put(words, child + OWN.NEXT_SIBLING, head);
      put(words, child + OWN.RESULT, link.terminating ? 1 : 0);
      head = child;
      this.#thread.unregister(child + OWN.TO_OWNER);
    }
    this.#children.clear();
    put(words, childrenHead, head);
    put(words, termAcks, this.#termAcks);
    put(words, processed, this.#processedSeqnum);
  }

  /** Takes over what {@link save} left on another thread. */
  restore(childrenHead: number, termAcks: number, processed: number): void {
    const { words } = this.#thread.control;
    this.#termAcks = get(words, termAcks);
    this.#processedSeqnum = get(words, processed);
    for (
      let child = get(words, childrenHead);
      child !== 0;
      child = get(words, child + OWN.NEXT_SIBLING)
    ) {
      this.#adopt(child);
      if (get(words, child + OWN.RESULT) !== 0) {
        this.#children.get(child)?.markTerminating();
      }
    }
  }

  #adopt(child: number): void {
    const link = new ChildLink(this, child);
    this.#children.set(child, link);
    this.#thread.register(child + OWN.TO_OWNER, link);
  }

  #sendTerm(child: number, lingerMs: number): void {
    const { control } = this.#thread;
    store(control.words, child + OWN.LINGER, lingerMs);
    control.post(child + OWN.NODE, Command.TERM);
  }
}

/** Receives what a child sends to its owner. */
class ChildLink implements CommandTarget {
  readonly #owner: Own;
  readonly child: number;
  terminating = false;

  constructor(owner: Own, child: number) {
    this.#owner = owner;
    this.child = child;
  }

  markTerminating(): void {
    this.terminating = true;
  }

  processCommands(bits: number): void {
    if ((bits & Command.TERM_ENDPOINT) !== 0) {
      this.#owner.childGaveUp(this.child);
    }
    if ((bits & Command.TERM_REQ) !== 0) {
      if (!this.terminating) this.#owner.childEnds(this.child);
    }
    if ((bits & Command.TERM_ACK) !== 0) {
      this.#owner.childAcknowledged(this.child);
    }
  }
}

/** Hands a descriptor to a child, with the number of its lease, or 0. */
export function handOver(
  words: Words,
  child: number,
  fd: number,
  lease: number,
): void {
  // Ordering: published by the command that starts the child.
  put(words, child + OWN.FD, fd);
  put(words, child + OWN.LEASE_LOW, lease % 2 ** 32 | 0);
  put(words, child + OWN.LEASE_HIGH, Math.floor(lease / 2 ** 32));
}

/** The number of the lease that a child was handed with its descriptor. */
export function leaseOf(words: Words, child: number): number {
  // Ordering: as in handOver.
  return (get(words, child + OWN.LEASE_LOW) >>> 0) +
    get(words, child + OWN.LEASE_HIGH) * 2 ** 32;
}

/** Gives back the record of a child that was not launched. */
export function discardChildRecord(thread: Thread, child: number): void {
  const { control, memory } = thread;
  const reference = get(control.words, child + OWN.ARGUMENTS);
  if (reference !== 0) memory.blocks.release(reference);
  control.count(H.OWN_COUNT, -1);
  control.giveRecord(Pool.OWN, child);
}

/** What a new child needs to know of its surroundings. */
export interface ChildPlace {
  kind: number;
  /** Mailbox of the thread that the child will live on. */
  mailbox: number;
  /** Mailbox of its owner. */
  ownerMailbox: number;
  /** Record of the socket at the root. */
  socket: number;
}

/** Reserves and fills a child's record; 0 when there are no more. */
export function createChildRecord(thread: Thread, place: ChildPlace): number {
  const { control } = thread;
  const child = control.takeRecord(Pool.OWN);
  if (child === 0) return 0;
  control.count(H.OWN_COUNT, 1);
  const { words } = control;
  control.initNode(child + OWN.NODE, place.mailbox);
  control.initNode(child + OWN.TO_OWNER, place.ownerMailbox);
  // Ordering: published by the command that starts the child.
  put(words, child + OWN.KIND, place.kind);
  put(words, child + OWN.SOCKET, place.socket);
  put(words, child + OWN.FD, -1);
  return child;
}
