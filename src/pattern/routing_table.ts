// libzmq: socket_base.hpp (routing_socket_base_t) · runs on: app thread · RFC: 28

import type { Pipe } from "../core/pipe_contract.ts";

/** A pipe that messages can be routed to. */
export class RoutingPeer {
  readonly pipe: Pipe;
  /** The table's own copy of the routing id. */
  readonly id: Uint8Array;
  readonly hash: number;
  /** The next peer in the same bucket. Owner: the table. */
  next: RoutingPeer | null;

  constructor(pipe: Pipe, id: Uint8Array, hash: number) {
    this.pipe = pipe;
    this.id = id;
    this.hash = hash;
    this.next = null;
  }
}

const BUCKETS_MIN = 8;

/**
 * Peers by routing id. A `Map` would need a string for every message sent;
 * this looks the octets up where they are.
 */
export class RoutingTable {
  #buckets: (RoutingPeer | null)[];
  #count: number;
  /** Random, so that peers cannot choose ids that collide. */
  readonly #seed: number;

  constructor(seed: number) {
    this.#buckets = new Array(BUCKETS_MIN).fill(null);
    this.#count = 0;
    this.#seed = seed | 0;
  }

  /** How many peers there are. */
  get count(): number {
    return this.#count;
  }

  /** The peer with this id, or `null`. */
  find(id: Uint8Array): RoutingPeer | null {
    const hash = this.#hash(id);
    const bucket = hash & (this.#buckets.length - 1);
    let peer = this.#buckets[bucket] as RoutingPeer | null;
    while (peer !== null) {
      if (peer.hash === hash && sameOctets(peer.id, id)) return peer;
      peer = peer.next;
    }
    return null;
  }

  /** Adds a peer under an id that is not in the table. The id is copied. */
  add(pipe: Pipe, id: Uint8Array): RoutingPeer {
    if (this.#count >= this.#buckets.length) this.#grow();
    const peer = new RoutingPeer(pipe, Uint8Array.from(id), this.#hash(id));
    this.#insert(peer);
    this.#count++;
    return peer;
  }

  /** Removes a peer; nothing happens when it is not in the table. */
  remove(peer: RoutingPeer): void {
    const bucket = peer.hash & (this.#buckets.length - 1);
    let at = this.#buckets[bucket] as RoutingPeer | null;
    let before: RoutingPeer | null = null;
    while (at !== null && at !== peer) {
      before = at;
      at = at.next;
    }
    if (at === null) return;
    if (before === null) this.#buckets[bucket] = peer.next;
    else before.next = peer.next;
    peer.next = null;
    this.#count--;
  }

  /** All peers, in no order. */
  list(): RoutingPeer[] {
    const peers: RoutingPeer[] = [];
    for (const first of this.#buckets) {
      for (let peer = first; peer !== null; peer = peer.next) peers.push(peer);
    }
    return peers;
  }

  /** Whether any peer has room for a message. */
  anyWritable(): boolean {
    for (let bucket = 0; bucket < this.#buckets.length; bucket++) {
      let peer = this.#buckets[bucket] as RoutingPeer | null;
      while (peer !== null) {
        if (peer.pipe.checkWrite()) return true;
        peer = peer.next;
      }
    }
    return false;
  }

  #hash(id: Uint8Array): number {
    let hash = this.#seed ^ id.length;
    for (let i = 0; i < id.length; i++) {
      hash = Math.imul(hash ^ (id[i] as number), 0x01000193);
    }
    hash = Math.imul(hash ^ (hash >>> 15), 0x85ebca6b);
    return hash ^ (hash >>> 13);
  }

  #insert(peer: RoutingPeer): void {
    const bucket = peer.hash & (this.#buckets.length - 1);
    peer.next = this.#buckets[bucket] as RoutingPeer | null;
    this.#buckets[bucket] = peer;
  }

  #grow(): void {
    const old = this.#buckets;
    this.#buckets = new Array(old.length * 2).fill(null);
    for (let bucket = 0; bucket < old.length; bucket++) {
      let peer = old[bucket] as RoutingPeer | null;
      while (peer !== null) {
        const next: RoutingPeer | null = peer.next;
        this.#insert(peer);
        peer = next;
      }
    }
  }
}

/** Whether two runs of octets are the same. */
export function sameOctets(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) {
    if (a[i] !== b[i]) return false;
  }
  return true;
}
