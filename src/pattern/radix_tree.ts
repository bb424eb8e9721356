// libzmq: radix_tree.{hpp,cpp} · runs on: app thread · RFC: 29

import {
  BranchTable,
  CHILD,
  HEAD,
  INLINE_OCTETS,
  LABEL_LENGTH,
  LABEL_START,
  ROOT_PLACE,
  TAIL,
  VALUE,
} from "./branch_table.ts";
import { CellPool, MARK, POOL_FIELDS, UNLINKED } from "./cell_pool.ts";
import type { SavedCells } from "./cell_pool.ts";

/** A {@link RadixTree} on its way to another thread. */
export interface SavedTree {
  readonly cells: SavedCells;
  readonly branches: Int32Array;
  readonly labels: Uint8Array;
  readonly labelsEnd: number;
  readonly labelsUnused: number;
}

// Fields of a node. What a walk needs of it is in the branch that leads to it.
const PARENT = MARK;
/** Place of that branch. */
const PLACE = POOL_FIELDS;
const FIRST_CHILD = POOL_FIELDS + 1;
const NEXT_SIBLING = POOL_FIELDS + 2;
const PREVIOUS_SIBLING = POOL_FIELDS + 3;
const STRIDE = POOL_FIELDS + 4;

const NONE = -1;
const LABELS_MIN = 64;

/** Nodes a tree may have: their branches take 1 GiB. */
const NODES_MAX = 1 << 24;
/** Octets of all labels of a tree: one typed array has to hold them. */
const LABEL_BYTES_MAX: number = 2 ** 30;

/** The node of the empty key; always there. */
export const ROOT = 0;

/**
 * A set of octet strings with a number (not 0) for each, as a tree of nodes
 * whose labels are runs of octets. All nodes, branches and labels live in one
 * typed array each, and every walk is a loop: a topic of a megabyte is one
 * node, and ten thousand nested prefixes need no stack.
 *
 * Nodes are numbers; `compact` is the only call that changes them. A walk goes
 * by places, which any change of the set may change.
 */
export class RadixTree {
  readonly #cells: CellPool;
  readonly #branches: BranchTable;
  #labels: Uint8Array;
  #labelsEnd: number;
  /** Octets before `#labelsEnd` that belong to no node. */
  #labelsUnused: number;
  /** Room for a key that is put together from labels. */
  #key: Uint8Array;

  constructor(seed: number) {
    this.#cells = new CellPool(STRIDE);
    this.#branches = new BranchTable(seed, (child, place) => {
      this.#setField(child, PLACE, place);
    });
    this.#labels = new Uint8Array(LABELS_MIN);
    this.#labelsEnd = 0;
    this.#labelsUnused = 0;
    this.#key = new Uint8Array(0);
    this.#newNode();
  }

  /** Octets of memory held. */
  get bytes(): number {
    return this.#cells.bytes + this.#branches.bytes +
      this.#labels.byteLength + this.#key.byteLength;
  }

  /** How many nodes there are, the root included. */
  get nodeCount(): number {
    return this.#cells.live;
  }

  /** The number stored at a node; 0: its key is not in the set. */
  value(node: number): number {
    return this.valueAt(this.#field(node, PLACE));
  }

  /** Stores a number. After storing 0 call `prune`. */
  setValue(node: number, value: number): void {
    this.#branches.data[this.#field(node, PLACE) + VALUE] = value;
  }

  /** As {@link value}, by place. */
  valueAt(place: number): number {
    return this.#branches.data[place + VALUE] as number;
  }

  /** Octets between the node at a place and its parent. */
  lengthAt(place: number): number {
    return this.#branches.data[place + LABEL_LENGTH] as number;
  }

  /**
   * One step of a walk, which begins at ROOT_PLACE: the place of the child
   * whose whole label stands at `position`, or -1.
   */
  step(
    place: number,
    bytes: Uint8Array,
    position: number,
    end: number,
  ): number {
    if (position >= end) return NONE;
    const branches = this.#branches;
    const data = branches.data;
    const node = data[place + CHILD] as number;
    const next = branches.find(node, bytes[position] as number);
    if (next === NONE) return NONE;
    // Written out, not through helpers: this is what each message costs.
    const length = data[next + LABEL_LENGTH] as number;
    if (length > end - position) return NONE;
    let octets = (data[next + HEAD] as number) >>> 8;
    const near = length < INLINE_OCTETS ? length : INLINE_OCTETS;
    for (let i = 1; i < near; i++) {
      if (i === 4) octets = data[next + TAIL] as number;
      if ((octets & 0xff) !== bytes[position + i]) return NONE;
      octets >>>= 8;
    }
    if (length <= INLINE_OCTETS) return next;
    const labels = this.#labels;
    const from = data[next + LABEL_START] as number;
    for (let i = INLINE_OCTETS; i < length; i++) {
      if (labels[from + i] !== bytes[position + i]) return NONE;
    }
    return next;
  }

  /** The node of a key, or -1. */
  find(bytes: Uint8Array, start: number, end: number): number {
    let place = ROOT_PLACE;
    let position = start;
    while (position < end) {
      place = this.step(place, bytes, position, end);
      if (place === NONE) return NONE;
      position += this.lengthAt(place);
    }
    return this.#branches.data[place + CHILD] as number;
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
      const place = this.#branches.find(node, bytes[position] as number);
      if (place === NONE) return this.#addLeaf(node, bytes, position, end);
      const child = this.#branches.data[place + CHILD] as number;
      const length = this.lengthAt(place);
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
      size += this.#labelLength(at);
    }
    this.#reserveKey(size);
    let end = size;
    for (let at = node; at !== ROOT; at = this.#parent(at)) {
      end -= this.#labelLength(at);
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
        size -= this.#labelLength(node);
        if (next === NONE) node = this.#parent(node);
      }
      if (next === NONE) return;
      node = next;
      this.#reserveKey(size + this.#labelLength(node));
      this.#copyLabel(node, this.#key, size);
      size += this.#labelLength(node);
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
    if (!this.#cells.isSparse()) {
      if (this.#branches.isSparse()) this.#branches.rebuild(null);
      return null;
    }
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
    this.#branches.rebuild(renumbered);
    return renumbered;
  }

  save(): SavedTree {
    return {
      cells: this.#cells.save(),
      branches: this.#branches.data,
      labels: this.#labels,
      labelsEnd: this.#labelsEnd,
      labelsUnused: this.#labelsUnused,
    };
  }

  /** Makes this tree what another one was; nodes keep their numbers. */
  restore(saved: SavedTree): void {
    this.#cells.restore(saved.cells);
    // A branch leads to each node but the root.
    this.#branches.restore(saved.branches, saved.cells.live - 1);
    this.#labels = saved.labels;
    this.#labelsEnd = saved.labelsEnd;
    this.#labelsUnused = saved.labelsUnused;
  }

  #labelLength(node: number): number {
    return this.lengthAt(this.#field(node, PLACE));
  }

  #labelStart(node: number): number {
    const place = this.#field(node, PLACE);
    return this.#branches.data[place + LABEL_START] as number;
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
    const start = this.#labelStart(node);
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
    const length = end - start;
    this.#reserveLabels(length);
    const node = this.#newNode();
    const labels = this.#labels;
    const from = this.#labelsEnd;
    for (let i = 0; i < length; i++) {
      labels[from + i] = bytes[start + i] as number;
    }
    this.#labelsEnd = from + length;
    this.#adopt(parent, node, from, length, 0);
    return node;
  }

  /** Makes `node` the first child of `parent`, with that label and number. */
  #adopt(
    parent: number,
    node: number,
    start: number,
    length: number,
    value: number,
  ): void {
    const first = this.#field(parent, FIRST_CHILD);
    this.#setField(node, NEXT_SIBLING, first);
    this.#setField(node, PREVIOUS_SIBLING, NONE);
    if (first !== NONE) this.#setField(first, PREVIOUS_SIBLING, node);
    this.#setField(parent, FIRST_CHILD, node);
    this.#setField(node, PARENT, parent);
    const octet = this.#labels[start] as number;
    const place = this.#branches.insert(parent, octet, node);
    const data = this.#branches.data;
    data[place + HEAD] = this.#fourOctets(start, length);
    data[place + TAIL] = this.#fourOctets(start + 4, length - 4);
    data[place + LABEL_LENGTH] = length;
    data[place + LABEL_START] = start;
    data[place + VALUE] = value;
  }

  /** At most four octets of the labels as a number, the first one lowest. */
  #fourOctets(start: number, length: number): number {
    let octets = 0;
    for (let i = Math.min(4, length) - 1; i >= 0; i--) {
      octets = octets << 8 | (this.#labels[start + i] as number);
    }
    return octets;
  }

  /** Reverses `#adopt`. */
  #disown(node: number): void {
    const parent = this.#parent(node);
    const next = this.#field(node, NEXT_SIBLING);
    const previous = this.#field(node, PREVIOUS_SIBLING);
    if (next !== NONE) this.#setField(next, PREVIOUS_SIBLING, previous);
    if (previous !== NONE) this.#setField(previous, NEXT_SIBLING, next);
    else this.#setField(parent, FIRST_CHILD, next);
    this.#branches.remove(this.#field(node, PLACE));
  }

  /** Puts a new node between `node` and its parent, `length` octets down. */
  #split(node: number, length: number): number {
    const upper = this.#newNode();
    const parent = this.#parent(node);
    const start = this.#labelStart(node);
    const rest = this.#labelLength(node) - length;
    const value = this.value(node);
    this.#disown(node);
    // The label's octets are divided between the two, not copied.
    this.#adopt(parent, upper, start, length, 0);
    this.#adopt(upper, node, start + length, rest, value);
    return upper;
  }

  #removeLeaf(node: number): void {
    this.#labelsUnused += this.#labelLength(node);
    this.#disown(node);
    this.#cells.free(node);
  }

  /** Lets the only child of a node without value take its place. */
  #mergeWithChild(node: number, child: number): void {
    const parent = this.#parent(node);
    const length = this.#labelLength(node);
    const whole = length + this.#labelLength(child);
    const value = this.value(child);
    let start = this.#labelStart(node);
    if (start + length !== this.#labelStart(child)) {
      this.#reserveLabels(whole);
      start = this.#labelsEnd;
      this.#copyLabel(node, this.#labels, start);
      this.#copyLabel(child, this.#labels, start + length);
      this.#labelsEnd = start + whole;
      this.#labelsUnused += whole;
    }
    this.#disown(child);
    this.#disown(node);
    this.#cells.free(node);
    this.#adopt(parent, child, start, whole, value);
  }

  #copyLabel(node: number, to: Uint8Array, at: number): void {
    const start = this.#labelStart(node);
    const labels = this.#labels;
    const length = this.#labelLength(node);
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
      const place = this.#field(node, PLACE);
      this.#branches.data[place + LABEL_START] = end;
      end += this.#labelLength(node);
    });
    this.#labels = labels;
    this.#labelsEnd = end;
    this.#labelsUnused = 0;
  }
}
