// libzmq: generic_mtrie.hpp · runs on: app thread · RFC: 29

import { ROOT_PLACE } from "./branch_table.ts";
import type { SavedCells } from "./cell_pool.ts";
import { CellTable, FIRST_FIELD, KEY_A, KEY_B } from "./cell_table.ts";
import { RadixTree } from "./radix_tree.ts";
import type { SavedTree } from "./radix_tree.ts";

// A record says "this subscriber has this prefix". It is in two lists: the
// subscribers of the prefix, and the prefixes of the subscriber. Keys in the
// cell table: tree node, subscriber.
const NODE = KEY_A;
const SUBSCRIBER = KEY_B;
const NEXT_IN_NODE = FIRST_FIELD;
const PREVIOUS_IN_NODE = FIRST_FIELD + 1;
const NEXT_OF_SUBSCRIBER = FIRST_FIELD + 2;
const PREVIOUS_OF_SUBSCRIBER = FIRST_FIELD + 3;
const STRIDE = FIRST_FIELD + 4;

const NONE = -1;

/** A {@link MultiTrie} on its way to another thread. */
export interface SavedMultiTrie {
  readonly tree: SavedTree;
  readonly records: SavedCells;
  /** Names of the subscribers by number, -1 where a number is free. */
  readonly subscribers: readonly number[];
  readonly firsts: readonly number[];
  readonly lasts: readonly number[];
  readonly freeNumbers: readonly number[];
  readonly count: number;
}

/** What `remove` found. */
export const RemoveResult = {
  /** The subscriber did not have the prefix. */
  NOT_FOUND: 0,
  /** Nobody has the prefix any more. */
  LAST_REMOVED: 1,
  /** Others have it still. */
  OTHERS_REMAIN: 2,
} as const;

/** One of the numbers in `RemoveResult`. */
export type RemoveResult = typeof RemoveResult[keyof typeof RemoveResult];

/** Takes the subscribers that `match` finds, some of them several times. */
export interface MatchSink<T> {
  match(subscriber: T): void;
}

/**
 * Which subscriber has which prefix. Adding and removing cost the length of
 * the prefix, matching the length of the topic and the number of matches, and
 * removing a subscriber the number of its own prefixes.
 */
export class MultiTrie<T> {
  readonly #tree: RadixTree;
  readonly #records: CellTable;
  readonly #numbers: Map<T, number>;
  /** Subscribers by number. */
  #subscribers: (T | undefined)[];
  /** First and last record of each subscriber, by number. */
  #firsts: number[];
  #lasts: number[];
  #freeNumbers: number[];
  #count: number;

  /** @param seed Random, so that nobody can prepare colliding topics. */
  constructor(seed: number = 0) {
    this.#tree = new RadixTree(seed);
    this.#records = new CellTable(STRIDE, seed);
    this.#numbers = new Map();
    this.#subscribers = [];
    this.#firsts = [];
    this.#lasts = [];
    this.#freeNumbers = [];
    this.#count = 0;
  }

  /** Distinct prefixes. */
  get count(): number {
    return this.#count;
  }

  /** Octets of memory held, apart from a little for each subscriber. */
  get bytes(): number {
    return this.#tree.bytes + this.#records.bytes;
  }

  /** Gives a subscriber a prefix; `true` when nobody had that prefix. */
  add(
    subscriber: T,
    prefix: Uint8Array,
    start: number,
    end: number,
  ): boolean {
    const node = this.#tree.insert(prefix, start, end);
    if (node < 0) return false;
    const number = this.#numberOf(subscriber);
    if (this.#records.find(node, number) !== NONE) return false;
    const first = this.#tree.value(node) - 1;
    const record = this.#records.allocate();
    this.#records.link(record, node, number);
    this.#set(record, PREVIOUS_IN_NODE, NONE);
    this.#set(record, NEXT_IN_NODE, first);
    if (first !== NONE) this.#set(first, PREVIOUS_IN_NODE, record);
    this.#tree.setValue(node, record + 1);
    this.#appendToSubscriber(record, number);
    if (first !== NONE) return false;
    this.#count++;
    return true;
  }

  /** Takes a prefix from a subscriber. */
  remove(
    subscriber: T,
    prefix: Uint8Array,
    start: number,
    end: number,
  ): RemoveResult {
    const number = this.#numbers.get(subscriber);
    if (number === undefined) return RemoveResult.NOT_FOUND;
    const node = this.#tree.find(prefix, start, end);
    if (node < 0) return RemoveResult.NOT_FOUND;
    const record = this.#records.find(node, number);
    if (record === NONE) return RemoveResult.NOT_FOUND;
    this.#removeRecord(record);
    const gone = this.#tree.value(node) === 0;
    if (gone) this.#tree.prune(node);
    if (this.#firsts[number] === NONE) this.#forget(subscriber, number);
    this.#compact();
    return gone ? RemoveResult.LAST_REMOVED : RemoveResult.OTHERS_REMAIN;
  }

  /**
   * Takes all prefixes from a subscriber, oldest first. `visit` hears of each
   * one and whether nobody has it any more; the octets are valid during the
   * call, which must not change this object.
   */
  removeAll(
    subscriber: T,
    visit: ((prefix: Uint8Array, gone: boolean) => void) | null,
  ): void {
    const number = this.#numbers.get(subscriber);
    if (number === undefined) return;
    let record = this.#firsts[number] as number;
    while (record !== NONE) {
      const next = this.#get(record, NEXT_OF_SUBSCRIBER);
      const node = this.#get(record, NODE);
      this.#removeRecord(record);
      const gone = this.#tree.value(node) === 0;
      if (visit !== null) visit(this.#tree.keyOf(node), gone);
      if (gone) this.#tree.prune(node);
      record = next;
    }
    this.#forget(subscriber, number);
    this.#compact();
  }

  /** Hands over every subscriber that has a prefix of these octets. */
  match(
    bytes: Uint8Array,
    start: number,
    end: number,
    sink: MatchSink<T>,
  ): void {
    const tree = this.#tree;
    const data = this.#records.data;
    const subscribers = this.#subscribers;
    let place = ROOT_PLACE;
    let position = start;
    while (place !== NONE) {
      let record = tree.valueAt(place) - 1;
      while (record !== NONE) {
        const number = data[record * STRIDE + SUBSCRIBER] as number;
        sink.match(subscribers[number] as T);
        record = data[record * STRIDE + NEXT_IN_NODE] as number;
      }
      position += tree.lengthAt(place);
      place = tree.step(place, bytes, position, end);
    }
  }

  /** @param nameOf What a subscriber is called on the way; never -1. */
  save(nameOf: (subscriber: T) => number): SavedMultiTrie {
    return {
      tree: this.#tree.save(),
      records: this.#records.save(),
      subscribers: this.#subscribers.map((subscriber) =>
        subscriber === undefined ? NONE : nameOf(subscriber)
      ),
      firsts: this.#firsts,
      lasts: this.#lasts,
      freeNumbers: this.#freeNumbers,
      count: this.#count,
    };
  }

  /** Makes this trie, still empty, what another one was. */
  restore(saved: SavedMultiTrie, subscriberOf: (name: number) => T): void {
    this.#tree.restore(saved.tree);
    this.#records.restore(saved.records);
    this.#subscribers = saved.subscribers.map((name) =>
      name === NONE ? undefined : subscriberOf(name)
    );
    for (const [number, subscriber] of this.#subscribers.entries()) {
      if (subscriber !== undefined) this.#numbers.set(subscriber, number);
    }
    this.#firsts = [...saved.firsts];
    this.#lasts = [...saved.lasts];
    this.#freeNumbers = [...saved.freeNumbers];
    this.#count = saved.count;
  }

  #get(record: number, field: number): number {
    return this.#records.data[record * STRIDE + field] as number;
  }

  #set(record: number, field: number, value: number): void {
    this.#records.data[record * STRIDE + field] = value;
  }

  #numberOf(subscriber: T): number {
    const known = this.#numbers.get(subscriber);
    if (known !== undefined) return known;
    const number = this.#freeNumbers.pop() ?? this.#subscribers.length;
    this.#numbers.set(subscriber, number);
    this.#subscribers[number] = subscriber;
    this.#firsts[number] = NONE;
    this.#lasts[number] = NONE;
    return number;
  }

  #forget(subscriber: T, number: number): void {
    this.#numbers.delete(subscriber);
    this.#subscribers[number] = undefined;
    this.#freeNumbers.push(number);
  }

  #appendToSubscriber(record: number, number: number): void {
    const last = this.#lasts[number] as number;
    this.#set(record, PREVIOUS_OF_SUBSCRIBER, last);
    this.#set(record, NEXT_OF_SUBSCRIBER, NONE);
    if (last === NONE) this.#firsts[number] = record;
    else this.#set(last, NEXT_OF_SUBSCRIBER, record);
    this.#lasts[number] = record;
  }

  /** Takes a record out of both lists; leaves an empty node in the tree. */
  #removeRecord(record: number): void {
    const node = this.#get(record, NODE);
    const nextInNode = this.#get(record, NEXT_IN_NODE);
    const previousInNode = this.#get(record, PREVIOUS_IN_NODE);
    if (nextInNode !== NONE) {
      this.#set(nextInNode, PREVIOUS_IN_NODE, previousInNode);
    }
    if (previousInNode !== NONE) {
      this.#set(previousInNode, NEXT_IN_NODE, nextInNode);
    } else {
      this.#tree.setValue(node, nextInNode + 1);
      if (nextInNode === NONE) this.#count--;
    }
    const number = this.#get(record, SUBSCRIBER);
    const next = this.#get(record, NEXT_OF_SUBSCRIBER);
    const previous = this.#get(record, PREVIOUS_OF_SUBSCRIBER);
    if (next !== NONE) this.#set(next, PREVIOUS_OF_SUBSCRIBER, previous);
    else this.#lasts[number] = previous;
    if (previous !== NONE) this.#set(previous, NEXT_OF_SUBSCRIBER, next);
    else this.#firsts[number] = next;
    this.#records.unlink(record);
    this.#records.free(record);
  }

  /** Gives memory back when most of it is unused. */
  #compact(): void {
    const nodes = this.#tree.compact();
    if (nodes !== null) {
      this.#records.forEach((record) => {
        const node = nodes[this.#get(record, NODE)] as number;
        this.#set(record, NODE, node);
      });
      this.#records.reindex();
    }
    if (this.#records.isSparse()) this.#compactRecords();
  }

  #compactRecords(): void {
    const renumbered = this.#records.compact();
    const links = [
      NEXT_IN_NODE,
      PREVIOUS_IN_NODE,
      NEXT_OF_SUBSCRIBER,
      PREVIOUS_OF_SUBSCRIBER,
    ];
    this.#records.forEach((record) => {
      for (const link of links) {
        const other = this.#get(record, link);
        if (other !== NONE) {
          this.#set(record, link, renumbered[other] as number);
        }
      }
      const number = this.#get(record, SUBSCRIBER);
      if (this.#get(record, PREVIOUS_IN_NODE) === NONE) {
        this.#tree.setValue(this.#get(record, NODE), record + 1);
      }
      if (this.#get(record, PREVIOUS_OF_SUBSCRIBER) === NONE) {
        this.#firsts[number] = record;
      }
      if (this.#get(record, NEXT_OF_SUBSCRIBER) === NONE) {
        this.#lasts[number] = record;
      }
    });
    this.#records.reindex();
  }
}
