// A pipe end without memory, threads or peer, for testing patterns. What the
// peer would do (send, read, go away) is done by calls, and each misuse of the
// contract in src/core/pipe_contract.ts fails an assertion.
import assert from "node:assert/strict";
import type { Pattern, PatternHost } from "../../src/core/pattern.ts";
import { Received } from "../../src/core/pattern.ts";
import type { OutPart, Pipe } from "../../src/core/pipe_contract.ts";
import { defaultOptions, type SocketOptions } from "../../src/base/options.ts";
import { SocketType } from "../../src/base/socket_type.ts";
import type { Message } from "../../src/memory/message.ts";

const MORE = 1;
const COMMAND = 4;

interface Frame {
  readonly flags: number;
  readonly bytes: Uint8Array;
}

/** Bytes of a text, one octet for each character. */
export function octets(text: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}

/** The reverse of `octets`. */
export function latin(bytes: Uint8Array): string {
  let text = "";
  for (const octet of bytes) text += String.fromCharCode(octet);
  return text;
}

/** A part that was released while its message waited. */
export const RELEASED: OutPart = {
  get bytes(): Uint8Array {
    throw new TypeError("Message is released");
  },
} as Message;

/** Names of pipes; any will do that are not 0. */
let nextNode = 1;

/** One end of a pipe, played by a test. */
export class FakePipe implements Pipe {
  readonly node: number = nextNode++;
  fqIndex = -1;
  lbIndex = -1;
  distIndex = -1;
  patternData: object | null = null;
  routingId: Uint8Array | null;
  assignedRoutingId: Uint8Array | null = null;

  frameFlags = 0;
  frameBytes: Uint8Array = new Uint8Array(0);
  frameStart = 0;
  frameLength = 0;

  /** Messages the outbound queue holds before it is full. */
  highWaterMark: number = Infinity;
  /** While true, writes fail as if memory had run out. */
  outOfMemory = false;
  /** The thread has slept since: only `write` takes the next message. */
  rested = false;
  /** Messages written and not yet read by the peer. */
  readonly outbound: string[][] = [];
  /** The parts arrays of all writes, as they were passed. */
  readonly written: (readonly OutPart[])[] = [];
  /** Bodies of the commands written. */
  readonly commands: string[] = [];
  /** How `terminate` was called; `null`: not at all. */
  terminated: { delay: boolean } | null = null;
  noDelay = false;
  /** `checkRead` said false, so that an arrival has to wake the reader. */
  asleep = false;
  /** `checkWrite` said false. */
  blocked = false;
  /** Whole messages the pattern has used up. */
  messagesRead = 0;

  readonly #inbound: Frame[][] = [];
  /** A message that was prepared and not yet committed. */
  #prepared: string[] | null = null;
  /** Frames of the current message that were passed already. */
  #passed = 0;
  /** The front frame is on show. */
  #shown = false;
  /** The routing id that the next `checkRead` finds. */
  #arrivingId: Uint8Array | null = null;

  constructor(routingId: string | null = "") {
    this.routingId = routingId === null ? null : octets(routingId);
  }

  /** The peer sends a message. */
  push(...parts: string[]): void {
    const last = parts.length - 1;
    this.#inbound.push(parts.map((part, index) => ({
      flags: index < last ? MORE : 0,
      bytes: octets(part),
    })));
  }

  /** The peer sends a ZMTP command. */
  pushCommand(body: string): void {
    this.#inbound.push([{ flags: COMMAND, bytes: octets(body) }]);
  }

  /** The connection behind the pipe changes. */
  pushConnectionChanged(routingId: string): void {
    this.#arrivingId = octets(routingId);
  }

  /** Messages and commands that wait to be read. */
  get waiting(): number {
    return this.#inbound.length;
  }

  checkRead(): boolean {
    assert.equal(this.#passed, 0, "checkRead inside a message");
    if (this.#arrivingId !== null) {
      this.routingId = this.#arrivingId;
      this.#arrivingId = null;
    }
    if (this.#inbound.length === 0) {
      this.asleep = true;
      return false;
    }
    this.#show();
    return true;
  }

  takePart(): Uint8Array {
    this.#mustShow();
    const part = this.frameBytes.slice(
      this.frameStart,
      this.frameStart + this.frameLength,
    );
    this.#pass();
    return part;
  }

  takeBytes(): Uint8Array | null {
    const front = this.#inbound[0];
    if (this.asleep || front?.length !== 1) return null;
    const { flags, bytes } = front[0] as Frame;
    if (flags !== 0 || bytes.length === 0) return null;
    this.#show();
    return this.takePart();
  }

  takeMessage(): Message {
    const bytes = this.takePart();
    return { bytes, size: bytes.length } as unknown as Message;
  }

  skipFrame(): void {
    this.#mustShow();
    this.#pass();
  }

  nextFrame(): void {
    assert.ok(!this.#shown, "nextFrame before the front frame is passed");
    assert.ok(this.#passed > 0, "nextFrame outside a message");
    this.#show();
  }

  skipMessage(): void {
    this.#mustShow();
    this.#shown = false;
    this.#endMessage();
  }

  get open(): boolean {
    return true;
  }

  checkWrite(): boolean {
    this.blocked = this.outbound.length >= this.highWaterMark ||
      this.terminated !== null;
    return !this.blocked;
  }

  write(parts: readonly OutPart[], from: number, count: number): boolean {
    if (!this.prepare(parts, from, count)) return false;
    this.commit();
    return true;
  }

  hasRoomFor(_bytes: Uint8Array): boolean {
    return !this.rested && !this.outOfMemory && this.checkWrite();
  }

  writeBytes(bytes: Uint8Array): boolean {
    if (this.rested || !this.checkWrite()) return false;
    if (!this.prepare([bytes], 0, 1)) return false;
    this.commit();
    return true;
  }

  prepare(parts: readonly OutPart[], from: number, count: number): boolean {
    assert.equal(this.#prepared, null, "prepared twice");
    assert.ok(count > 0, "a message has parts");
    assert.ok(from + count <= parts.length, "parts are there");
    if (this.outOfMemory) {
      this.blocked = true;
      return false;
    }
    const message = parts.slice(from, from + count);
    this.#prepared = message.map((part) =>
      latin(part instanceof Uint8Array ? part : part.bytes)
    );
    this.written.push(parts);
    return true;
  }

  commit(): void {
    assert.ok(this.#prepared !== null, "nothing was prepared");
    this.outbound.push(this.#prepared);
    this.#prepared = null;
  }

  rollback(): void {
    this.#prepared = null;
  }

  writeCommand(body: Uint8Array): void {
    this.commands.push(latin(body));
  }

  setNoDelay(): void {
    this.noDelay = true;
  }

  terminate(delay: boolean): void {
    this.terminated = { delay };
  }

  #mustShow(): void {
    assert.ok(this.#shown, "no frame is on show");
  }

  #show(): void {
    const message = this.#inbound[0] as Frame[];
    const frame = message[this.#passed] as Frame;
    // Somewhere inside shared memory, as with the real pipe.
    const size = frame.bytes.length;
    const memory = new Uint8Array(new SharedArrayBuffer(size + 8)).fill(0x55);
    memory.set(frame.bytes, 3);
    this.frameBytes = memory;
    this.frameStart = 3;
    this.frameLength = size;
    this.frameFlags = frame.flags;
    this.#shown = true;
    this.asleep = false;
  }

  #pass(): void {
    this.#shown = false;
    this.frameBytes.fill(0xee);
    this.#passed++;
    const message = this.#inbound[0] as Frame[];
    if (this.#passed === message.length) this.#endMessage();
  }

  #endMessage(): void {
    const message = this.#inbound.shift() as Frame[];
    this.#passed = 0;
    if (((message[0] as Frame).flags & COMMAND) === 0) this.messagesRead++;
  }
}

/** The socket of a pattern under test. */
export class FakeHost implements PatternHost {
  readonly options: SocketOptions;
  /** What `random32` gives. */
  random = 0x01020304;

  constructor(type: SocketType, options: Partial<SocketOptions> = {}) {
    this.options = { ...defaultOptions(type), ...options };
  }

  random32(): number {
    return this.random;
  }
}

/** A host of the given type, mostly for its options. */
export function hostOf(
  name: keyof typeof SocketType,
  options: Partial<SocketOptions> = {},
): FakeHost {
  return new FakeHost(SocketType[name], options);
}

/** A new pipe, attached. */
export function attach(
  pattern: Pattern,
  routingId: string | null = "",
  locallyInitiated: boolean = false,
): FakePipe {
  const pipe = new FakePipe(routingId);
  pattern.attach(pipe, locallyInitiated);
  return pipe;
}

/** Lets a message arrive and wakes the pattern if it has to be. */
export function arrive(
  pattern: Pattern,
  pipe: FakePipe,
  ...parts: string[]
): void {
  pipe.push(...parts);
  if (pipe.asleep) pattern.readActivated(pipe);
}

/** Lets a SUBSCRIBE arrive. */
export function subscribeFrom(
  pattern: Pattern,
  pipe: FakePipe,
  topic: string,
): void {
  pipe.pushCommand("\x09SUBSCRIBE" + topic);
  if (pipe.asleep) pattern.readActivated(pipe);
}

/** Lets a CANCEL arrive. */
export function cancelFrom(
  pattern: Pattern,
  pipe: FakePipe,
  topic: string,
): void {
  pipe.pushCommand("\x06CANCEL" + topic);
  if (pipe.asleep) pattern.readActivated(pipe);
}

/** Lets the peer read all of the outbound queue. */
export function drain(pattern: Pattern, pipe: FakePipe): string[][] {
  const messages = pipe.outbound.splice(0);
  if (pipe.blocked && pipe.checkWrite()) pattern.writeActivated(pipe);
  return messages;
}

/** Sends a message; whether the pattern took it. */
export function send(pattern: Pattern, ...parts: string[]): boolean {
  return pattern.trySend(parts.map(octets), parts.length);
}

/** Receives a message as texts; `null` when there is none. */
export function receive(pattern: Pattern): string[] | null {
  const out = new Received();
  if (!pattern.tryReceive(out)) {
    assert.equal(out.parts.length, 0, "nothing received leaves no parts");
    return null;
  }
  return out.parts.map((part) =>
    latin(part instanceof Uint8Array ? part : part.bytes)
  );
}

/** Receives all there is. */
export function receiveAll(pattern: Pattern): string[][] {
  const messages: string[][] = [];
  for (;;) {
    const message = receive(pattern);
    if (message === null) return messages;
    messages.push(message);
  }
}
