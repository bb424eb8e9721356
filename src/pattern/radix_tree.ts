// libzmq: radix_tree.{hpp,cpp} · runs on: app thread · RFC: 29

import { CellTable, FIRST_FIELD, KEY_A, UNLINKED } from "./cell_table.ts";
import type { SavedCells } from "./cell_table.ts";

/** A {@link RadixTree} on its way to another thread. */
export interface SavedTree {
  readonly cells: SavedCells;
  readonly labels: Uint8Array;
  readonly labelsEnd: number;
  readonly labelsUnused: number;
}

// Fields of a node. Keys in the cell table: parent node, first label octet.
const PARENT = KEY_A;
const LABEL_START = FIRST_FIELD;
const LABEL_LENGTH = FIRST_FIELD + 1;
const FIRST_CHILD = FIRST_FIELD + 2;
const NEXT_SIBLING = FIRST_FIELD + 3;
const PREVIOUS_SIBLING = FIRST_FIELD + 4;
const VALUE = FIRST_FIELD + 5;
const STRIDE = FIRST_FIELD + 6;

const NONE = -1;
const LABELS_MIN = 64;

/** Nodes a tree may have: what a number of nodes in 32-bit arithmetic allows. */
const NODES_MAX = 1 << 25;
/** Octets of all labels of a tree: one typed array has to hold them. */
const LABEL_BYTES_MAX: number = 2 ** 30;

/** The node of the empty key; always there. */
export const ROOT = 0;

/**
 * A set of octet strings with a number (not 0) for each, as a tree of nodes
 * whose labels are runs of octets. All nodes live in one integer array and all
 * labels in one octet array, and every walk is a loop: a topic of a megabyte
 * is one node, and ten thousand nested prefixes need no stack.
 *
 * Nodes are numbers; `compact` is the only call that changes them.
 */
export class RadixTree {
  readonly #cells: CellTable;
  #labels: Uint8Array;
  #labelsEnd: number;
  /** Octets before `#labelsEnd` that belong to no node. */
  #labelsUnused: number;
  /** Room for a key that is put together from labels. */
  #key: Uint8Array;

  constructor(seed: number) {
    this.#cells = new CellTable(STRIDE, seed);
    this.#labels = new Uint8Array(LABELS_MIN);
    this.#labelsEnd = 0;
    this.#labelsUnused = 0;
    this.#key = new Uint8Array(0);
    this.#newNode();
  }

  /** Octets of memory held. */
  get bytes(): number {
    return this.#cells.bytes + this.#labels.byteLength + this.#key.byteLength;
  }

  /** How many nodes there are, the root included. */
  get nodeCount(): number {
    return this.#cells.live;
  }

  /** The number stored at a node; 0: its key is not in the set. */
  value(node: number): number {
    return this.#cells.data[node * STRIDE + VALUE] as number;
  }

  /** Stores a number. After storing 0 call `prune`. */
  setValue(node: number, value: number): void {
    this.#cells.data[node * STRIDE + VALUE] = value;
  }

  /** Octets between a node and its parent. */
  labelLength(node: number): number {
    return this.#cells.data[node * STRIDE + LABEL_LENGTH] as number;
  }

  /** The child whose whole label stands at `position`, or -1. */
  next(node: number, bytes: Uint8Array, position: number, end: number): number {
    if (position >= end) return NONE;
    const child = this.#cells.find(node, bytes[position] as number);
    if (child === NONE) return NONE;
    // Written out, not through the helpers: this is what each message costs.
    const data = this.#cells.data;
    const length = data[child * STRIDE + LABEL_LENGTH] as number;
    if (length > end - position) return NONE;
    const labels = this.#labels;
    const start = data[child * STRIDE + LABEL_START] as number;
    for (let i = 1; i < length; i++) {
      if (labels[start + i] !== bytes[position + i]) return NONE;
    }
    return child;
  }

  /** The node of a key, or -1. */
  find(bytes: Uint8Array, start: number, end: number): number {
    let node = ROOT;
    let position = start;
    while (position < end) {
      node = this.next(node, bytes, position, end);
      if (node === NONE) return NONE;
      position += this.labelLength(node);
    }
    return node;
  }

  /**
   * The node of a key, made when it is missing; -1 when the tree may not grow.
   * The caller stores a value in it at once.
   */
  insert(bytes: Uint8Array, start: number, end: number): number {
    const room = this.#cells.live + 2 <= NODES_MAX &&
      this.#labelsEnd - this.#labelsUnused + (end - start) <= LABEL_BYTES_MAX;
    if (!room) return NONE;
    let node = ROOT;
    let position = start;
    while (position < end) {
      const child = this.#cells.find(node, bytes[position] as number);
      if (child === NONE) return this.#addLeaf(node, bytes, position, end);
      const length = this.labelLength(child);
      const limit = Math.min(length, end - position);
      const common = this.#commonLength(child, bytes, position, limit);
      node = common === length ? child : this.#split(child, common);
      position += common;
    }
    return node;
  }

  /** Removes a node without value, and what only led to it. */
  prune(node: number): void {
    while (node !== ROOT && this.value(node) === 0) {
      const data = this.#cells.data;
      const child = data[node * STRIDE + FIRST_CHILD] as number;
      if (child === NONE) {
        const parent = data[node * STRIDE + PARENT] as number;
        this.#removeLeaf(node);
        node = parent;
        continue;
      }
      const siblings = data[child * STRIDE + NEXT_SIBLING] !== NONE;
      if (!siblings) this.#mergeWithChild(node, child);
      return;
    }
  }

  /**
   * Puts a node's key together. The octets are valid until the next call on
   * this tree.
   */
  keyOf(node: number): Uint8Array {
    let size = 0;
    for (let at = node; at !== ROOT; at = this.#parent(at)) {
      size += this.labelLength(at);
    }
    this.#reserveKey(size);
    let end = size;
    for (let at = node; at !== ROOT; at = this.#parent(at)) {
      end -= this.labelLength(at);
      this.#copyLabel(at, this.#key, end);
    }
    return this.#key.subarray(0, size);
  }

  /**
   * Calls back with every key that has a value, prefixes before what extends
   * them. The octets are valid during the call, which must not change the tree.
   */
  forEach(visit: (key: Uint8Array) => void): void {
    let node = ROOT;
    let size = 0;
    for (;;) {
      if (this.value(node) !== 0) visit(this.#key.subarray(0, size));
      let next = this.#field(node, FIRST_CHILD);
      while (next === NONE && node !== ROOT) {
        next = this.#field(node, NEXT_SIBLING);
        size -= this.labelLength(node);
        if (next === NONE) node = this.#parent(node);
      }
      if (next === NONE) return;
      node = next;
      this.#reserveKey(size + this.labelLength(node));
      this.#copyLabel(node, this.#key, size);
      size += this.labelLength(node);
    }
  }

  /**
   * Gives memory back when most of it is unused. Gives the new number of each
   * old node when nodes had to move, else `null`.
   */
  compact(): Int32Array | null {
    if (this.#key.length > LABELS_MIN) this.#key = new Uint8Array(0);
    const live = this.#labelsEnd - this.#labelsUnused;
    const labelsSparse = this.#labels.length > LABELS_MIN &&
      live * 4 < this.#labels.length;
    if (labelsSparse) this.#moveLabels(0);
    if (!this.#cells.isSparse()) return null;
    const renumbered = this.#cells.compact();
    const data = this.#cells.data;
    this.#cells.forEach((node) => {
      const start = node * STRIDE;
      for (const field of [FIRST_CHILD, NEXT_SIBLING, PREVIOUS_SIBLING]) {
        const other = data[start + field] as number;
        if (other !== NONE) {
          data[start + field] = renumbered[other] as number;
        }
      }
      const parent = data[start + PARENT] as number;
      if (parent !== UNLINKED) {
        data[start + PARENT] = renumbered[parent] as number;
      }
    });
    this.#cells.reindex();
    return renumbered;
  }

  save(): SavedTree {
    return {
      cells: this.#cells.save(),
      labels: this.#labels,
      labelsEnd: this.#labelsEnd,
      labelsUnused: this.#labelsUnused,
    };
  }

  /** Makes this tree what another one was; nodes keep their numbers. */
  restore(saved: SavedTree): void {
    this.#cells.restore(saved.cells);
    this.#labels = saved.labels;
    this.#labelsEnd = saved.labelsEnd;
    this.#labelsUnused = saved.labelsUnused;
  }

  #parent(node: number): number {
    return this.#field(node, PARENT);
  }

  #field(node: number, field: number): number {
    return this.#cells.data[node * STRIDE + field] as number;
  }

  #setField(node: number, field: number, value: number): void {
    this.#cells.data[node * STRIDE + field] = value;
  }

  #newNode(): number {
    const node = this.#cells.allocate();
    this.#setField(node, FIRST_CHILD, NONE);
    this.#setField(node, NEXT_SIBLING, NONE);
    this.#setField(node, PREVIOUS_SIBLING, NONE);
    return node;
  }

  /** How many of the first `limit` label octets stand at `position`. */
  #commonLength(
    node: number,
    bytes: Uint8Array,
    position: number,
    limit: number,
  ): number {
    const labels = this.#labels;
    const start = this.#field(node, LABEL_START);
    let common = 0;
    while (
      common < limit && labels[start + common] === bytes[position + common]
    ) common++;
    return common;
  }

  #addLeaf(
    parent: number,
    bytes: Uint8Array,
    start: number,
    end: number,
  ): number {
    const node = this.#newNode();
    const length = end - start;
    this.#reserveLabels(length);
    const labels = this.#labels;
    const from = this.#labelsEnd;
    for (let i = 0; i < length; i++) {
      labels[from + i] = bytes[start + i] as number;
    }
    this.#labelsEnd = from + length;
    this.#setField(node, LABEL_START, from);
    this.#setField(node, LABEL_LENGTH, length);
    this.#adopt(parent, node);
    return node;
  }

  /** Makes `node` the first child of `parent`. */
  #adopt(parent: number, node: number): void {
    const first = this.#field(parent, FIRST_CHILD);
    this.#setField(node, NEXT_SIBLING, first);
    this.#setField(node, PREVIOUS_SIBLING, NONE);
    if (first !== NONE) this.#setField(first, PREVIOUS_SIBLING, node);
    this.#setField(parent, FIRST_CHILD, node);
    const firstOctet = this.#labels[this.#field(node, LABEL_START)] as number;
    this.#cells.link(node, parent, firstOctet);
  }

  /** Reverses `#adopt`. */
  #disown(node: number): void {
    const parent = this.#parent(node);
    const next = this.#field(node, NEXT_SIBLING);
    const previous = this.#field(node, PREVIOUS_SIBLING);
    if (next !== NONE) this.#setField(next, PREVIOUS_SIBLING, previous);
    if (previous !== NONE) this.#setField(previous, NEXT_SIBLING, next);
    else this.#setField(parent, FIRST_CHILD, next);
    this.#cells.unlink(node);
  }

  /** Puts a new node between `node` and its parent, `length` octets down. */
  #split(node: number, length: number): number {
    const upper = this.#newNode();
    const parent = this.#parent(node);
    const start = this.#field(node, LABEL_START);
    const rest = this.labelLength(node) - length;
    this.#disown(node);
    // The label's octets are divided between the two, not copied.
    this.#setField(upper, LABEL_START, start);
    this.#setField(upper, LABEL_LENGTH, length);
    this.#setField(node, LABEL_START, start + length);
    this.#setField(node, LABEL_LENGTH, rest);
    this.#adopt(parent, upper);
    this.#adopt(upper, node);
    return upper;
  }

  #removeLeaf(node: number): void {
    this.#disown(node);
    this.#labelsUnused += this.labelLength(node);
    this.#cells.free(node);
  }

  /** Lets the only child of a node without value take its place. */
  #mergeWithChild(node: number, child: number): void {
    const parent = this.#parent(node);
    const length = this.labelLength(node);
    const childLength = this.labelLength(child);
    this.#disown(child);
    this.#disown(node);
    const start = this.#field(node, LABEL_START);
    if (start + length === this.#field(child, LABEL_START)) {
      this.#setField(child, LABEL_START, start);
    } else {
      this.#reserveLabels(length + childLength);
      const from = this.#labelsEnd;
      this.#copyLabel(node, this.#labels, from);
      this.#copyLabel(child, this.#labels, from + length);
      this.#labelsEnd = from + length + childLength;
      this.#labelsUnused += length + childLength;
      this.#setField(child, LABEL_START, from);
    }
    this.#setField(child, LABEL_LENGTH, length + childLength);
    this.#cells.free(node);
    this.#adopt(parent, child);
  }

  #copyLabel(node: number, to: Uint8Array, at: number): void {
    const start = this.#field(node, LABEL_START);
    const labels = this.#labels;
    const length = this.labelLength(node);
    for (let i = 0; i < length; i++) {
      to[at + i] = labels[start + i] as number;
    }
  }

  #reserveKey(size: number): void {
    if (size <= this.#key.length) return;
    const key = new Uint8Array(Math.max(LABELS_MIN, size * 2));
    key.set(this.#key);
    this.#key = key;
  }

  #reserveLabels(size: number): void {
    if (this.#labelsEnd + size > this.#labels.length) this.#moveLabels(size);
  }

  /** Copies all labels to new memory with room for `size` more octets. */
  #moveLabels(size: number): void {
    const need = this.#labelsEnd - this.#labelsUnused + size;
    const labels = new Uint8Array(Math.max(LABELS_MIN, need + (need >> 1)));
    let end = 0;
    this.#cells.forEach((node) => {
      this.#copyLabel(node, labels, end);
      this.#setField(node, LABEL_START, end);
      end += this.labelLength(node);
    });
    this.#labels = labels;
    this.#labelsEnd = end;
    this.#labelsUnused = 0;
  }
}
