// libzmq: trie.{hpp,cpp} · runs on: app thread · RFC: 29

import { ROOT_PLACE } from "./branch_table.ts";
import { RadixTree } from "./radix_tree.ts";
import type { SavedTree } from "./radix_tree.ts";

const NONE = -1;

/** A {@link Trie} on its way to another thread. */
export interface SavedTrie {
  readonly tree: SavedTree;
  readonly count: number;
  readonly references: number;
}

/** What a socket has subscribed to: prefixes, each with a count. */
export class Trie {
  readonly #tree: RadixTree;
  #count: number;
  #references: number;

  /** @param seed Random, so that nobody can prepare colliding topics. */
  constructor(seed: number = 0) {
    this.#tree = new RadixTree(seed);
    this.#count = 0;
    this.#references = 0;
  }

  /** Distinct prefixes. */
  get count(): number {
    return this.#count;
  }

  /** Additions that were not reversed yet. */
  get references(): number {
    return this.#references;
  }

  /** Octets of memory held. */
  get bytes(): number {
    return this.#tree.bytes;
  }

  /** Adds a prefix once more; `true` when it was not there. */
  add(prefix: Uint8Array, start: number, end: number): boolean {
    const node = this.#tree.insert(prefix, start, end);
    if (node < 0) return false;
    const references = this.#tree.value(node);
    this.#tree.setValue(node, references + 1);
    this.#references++;
    if (references > 0) return false;
    this.#count++;
    return true;
  }

  /** Reverses one `add`; `true` when the prefix is gone with it. */
  remove(prefix: Uint8Array, start: number, end: number): boolean {
    const node = this.#tree.find(prefix, start, end);
    if (node < 0) return false;
    const references = this.#tree.value(node);
    if (references === 0) return false;
    this.#tree.setValue(node, references - 1);
    this.#references--;
    if (references > 1) return false;
    this.#count--;
    this.#tree.prune(node);
    this.#tree.compact();
    return true;
  }

  /** Does any of the prefixes stand at the beginning of these octets? */
  check(bytes: Uint8Array, start: number, end: number): boolean {
    const tree = this.#tree;
    let place = ROOT_PLACE;
    let position = start;
    while (place !== NONE) {
      if (tree.valueAt(place) !== 0) return true;
      position += tree.lengthAt(place);
      place = tree.step(place, bytes, position, end);
    }
    return false;
  }

  save(): SavedTrie {
    return {
      tree: this.#tree.save(),
      count: this.#count,
      references: this.#references,
    };
  }

  /** Makes this trie what another one was. */
  restore(saved: SavedTrie): void {
    this.#tree.restore(saved.tree);
    this.#count = saved.count;
    this.#references = saved.references;
  }

  /** Calls back with each prefix; its octets are valid during the call. */
  forEach(visit: (prefix: Uint8Array) => void): void {
    this.#tree.forEach(visit);
  }
}
