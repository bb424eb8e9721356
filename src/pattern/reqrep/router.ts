// libzmq: router.{hpp,cpp} · runs on: app thread · RFC: 28

import { ZmqError } from "../../base/errors.ts";
import { writeUint32 } from "../../base/frame_header.ts";
import type {
  Pattern,
  PatternHost,
  PatternState,
  PipesByName,
  Received,
} from "../../core/pattern.ts";
import type { OutPart, Pipe } from "../../core/pipe_contract.ts";
import type { SavedTurns } from "../active_array.ts";
import { FairQueue } from "../fair_queue.ts";
import { bytesOf, writeProbe } from "../out_part.ts";
import {
  type RoutingPeer,
  RoutingTable,
  sameOctets,
} from "../routing_table.ts";
import { nameOf, namesOf, pipeNamed, pipesNamed } from "../saved_pipes.ts";

/** Octets of an id this socket makes up: a zero and a 32-bit counter. */
const GENERATED_ID_BYTES = 5;

interface RouterState {
  readonly fairQueue: SavedTurns;
  readonly peers: readonly { readonly pipe: number; readonly id: Uint8Array }[];
  readonly unknown: readonly number[];
  readonly duplicates: readonly number[];
  readonly nextId: number;
}

/** ROUTER: puts the sender's id in front of messages, and sends by it. */
export class Router implements Pattern {
  readonly #host: PatternHost;
  readonly #fairQueue: FairQueue;
  readonly #peers: RoutingTable;
  /** Pipes whose peer has not said yet who it is. */
  readonly #unknown: Set<Pipe>;
  /** Pipes whose peer has an id that another has, oldest first: never read. */
  readonly #duplicates: Set<Pipe>;
  #nextId: number;

  constructor(host: PatternHost) {
    this.#host = host;
    this.#fairQueue = new FairQueue();
    this.#peers = new RoutingTable(host.random32());
    this.#unknown = new Set();
    this.#duplicates = new Set();
    this.#nextId = host.random32();
  }

  attach(pipe: Pipe, locallyInitiated: boolean): void {
    if (this.#host.options.probeRouter) writeProbe(pipe);
    const assigned = pipe.assignedRoutingId;
    if (assigned !== null && assigned.length > 0) {
      this.#identify(pipe, assigned);
    } else if (locallyInitiated && pipe.routingId === null) {
      this.#unknown.add(pipe);
      // It may have become known meanwhile; if not, this lets it wake us.
      this.readActivated(pipe);
    } else {
      this.#identify(pipe, pipe.routingId);
    }
  }

  readActivated(pipe: Pipe): void {
    if (!this.#unknown.has(pipe)) {
      // Duplicates are in no queue, so nothing happens to them.
      this.#fairQueue.activated(pipe);
      return;
    }
    // The check takes in the "connection changed" entry that brings the id. A
    // message proves that the peer is there, whether it has an id or not.
    const hasMessage = pipe.checkRead();
    if (!hasMessage && pipe.routingId === null) return;
    this.#unknown.delete(pipe);
    this.#identify(pipe, pipe.routingId);
  }

  // Nobody waits for room in one pipe: the socket tries its send again.
  writeActivated(): void {}
  // The peer keeps the id it had first, whatever it calls itself now.
  hiccuped(): void {}

  pipeTerminated(pipe: Pipe): void {
    this.#unknown.delete(pipe);
    this.#duplicates.delete(pipe);
    this.#fairQueue.pipeTerminated(pipe);
    const peer = pipe.patternData as RoutingPeer | null;
    if (peer === null) return;
    pipe.patternData = null;
    this.#peers.remove(peer);
    this.#promoteDuplicate(peer.id);
  }

  trySend(parts: readonly OutPart[], count: number): boolean {
    // An id without a message behind it is not a message.
    if (count < 2) return true;
    const mandatory = this.#host.options.mandatory;
    const peer = this.#peers.find(bytesOf(parts[0] as OutPart));
    if (peer === null) {
      // RFC 28, "The ROUTER Socket Type": unroutable messages are discarded.
      if (mandatory) throw new ZmqError("EHOSTUNREACH");
      return true;
    }
    const pipe = peer.pipe;
    const sent = pipe.checkWrite() && pipe.write(parts, 1, count - 1);
    // A peer that is leaving will never have room again.
    if (!sent && mandatory && !pipe.open) throw new ZmqError("EHOSTUNREACH");
    return sent || !mandatory;
  }

  tryReceive(out: Received): boolean {
    const pipe = this.#fairQueue.front();
    if (pipe === null) return false;
    const id = (pipe.patternData as RoutingPeer).id;
    out.pushCopy(id, 0, id.length);
    out.takeRest(pipe);
    this.#fairQueue.advance();
    return true;
  }

  hasIn(): boolean {
    return this.#fairQueue.front() !== null;
  }

  hasOut(): boolean {
    return !this.#host.options.mandatory || this.#peers.anyWritable();
  }

  hasPeer(routingId: Uint8Array): boolean {
    return this.#peers.find(routingId) !== null;
  }

  save(): PatternState {
    const state: RouterState = {
      fairQueue: this.#fairQueue.save(),
      peers: this.#peers.list().map(({ pipe, id }) => ({
        pipe: nameOf(pipe),
        id,
      })),
      unknown: namesOf(this.#unknown),
      duplicates: namesOf(this.#duplicates),
      nextId: this.#nextId,
    };
    return state;
  }

  restore(state: PatternState, pipes: PipesByName): void {
    const saved = state as RouterState;
    this.#fairQueue.restore(saved.fairQueue, pipes);
    for (const peer of saved.peers) {
      const pipe = pipeNamed(pipes, peer.pipe) as Pipe;
      pipe.patternData = this.#peers.add(pipe, peer.id);
    }
    for (const pipe of pipesNamed(pipes, saved.unknown)) {
      this.#unknown.add(pipe);
    }
    for (const pipe of pipesNamed(pipes, saved.duplicates)) {
      this.#duplicates.add(pipe);
    }
    this.#nextId = saved.nextId;
  }

  /** Gives a pipe its place under the peer's id, or one made up here. */
  #identify(pipe: Pipe, id: Uint8Array | null): void {
    if (id === null || id.length === 0) {
      this.#enter(pipe, this.#generateId());
      return;
    }
    const holder = this.#peers.find(id);
    if (holder === null) {
      this.#enter(pipe, id);
    } else if (this.#host.options.handover) {
      this.#displace(holder);
      this.#enter(pipe, id);
    } else {
      this.#duplicates.add(pipe);
    }
  }

  #enter(pipe: Pipe, id: Uint8Array): void {
    pipe.patternData = this.#peers.add(pipe, id);
    this.#fairQueue.attach(pipe);
  }

  /** Ends a peer's pipe; what it still has to say comes under another id. */
  #displace(holder: RoutingPeer): void {
    const pipe = holder.pipe;
    this.#peers.remove(holder);
    pipe.patternData = this.#peers.add(pipe, this.#generateId());
    pipe.terminate(true);
  }

  /**
   * When an id becomes free, the next peer that has it takes it: a peer that
   * crashed and came back before its old connection was seen to be dead.
   */
  #promoteDuplicate(id: Uint8Array): void {
    for (const pipe of this.#duplicates) {
      const theirs = pipe.assignedRoutingId ?? pipe.routingId;
      if (theirs === null || !sameOctets(theirs, id)) continue;
      this.#duplicates.delete(pipe);
      this.#enter(pipe, id);
      return;
    }
  }

  #generateId(): Uint8Array {
    const id = new Uint8Array(GENERATED_ID_BYTES);
    do {
      writeUint32(id, 1, this.#nextId);
      this.#nextId = (this.#nextId + 1) >>> 0;
    } while (this.#peers.find(id) !== null);
    return id;
  }
}
