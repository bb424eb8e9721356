// libzmq: xsub.{hpp,cpp} · runs on: app thread · RFC: 29

import { checkTopicSize } from "../../base/option_values.ts";
import type {
  Pattern,
  PatternHost,
  PatternState,
  PipesByName,
  Received,
} from "../../core/pattern.ts";
import type { OutPart, Pipe } from "../../core/pipe_contract.ts";
import type { SavedArray, SavedTurns } from "../active_array.ts";
import { Distributor } from "../distributor.ts";
import { FairQueue } from "../fair_queue.ts";
import { bytesOf } from "../out_part.ts";
import { Trie } from "../trie.ts";
import type { SavedTrie } from "../trie.ts";
import { subscriptionBody } from "./subscription_command.ts";

/** First octet of a message that subscribes. */
const SUBSCRIBE_MARK = 1;
/** First octet of a message that unsubscribes. */
const UNSUBSCRIBE_MARK = 0;

interface XSubState {
  readonly fairQueue: SavedTurns;
  readonly distributor: SavedArray;
  readonly subscriptions: SavedTrie;
}

/** XSUB: tells all peers what it wants, receives what they send. */
export class XSub implements Pattern {
  readonly #host: PatternHost;
  /** SUB: messages that match no subscription are dropped. */
  readonly #filters: boolean;
  readonly #fairQueue: FairQueue;
  readonly #distributor: Distributor;
  readonly #subscriptions: Trie;

  constructor(host: PatternHost, filters: boolean = false) {
    this.#host = host;
    this.#filters = filters;
    this.#fairQueue = new FairQueue();
    this.#distributor = new Distributor(host);
    this.#subscriptions = new Trie(host.random32());
  }

  /** Distinct prefixes subscribed to. */
  get topicCount(): number {
    return this.#subscriptions.count;
  }

  attach(pipe: Pipe): void {
    this.#fairQueue.attach(pipe);
    this.#distributor.attach(pipe);
    this.#replay(pipe);
  }

  readActivated(pipe: Pipe): void {
    this.#fairQueue.activated(pipe);
  }

  writeActivated(pipe: Pipe): void {
    this.#distributor.activated(pipe);
  }

  hiccuped(pipe: Pipe): void {
    this.#distributor.activated(pipe);
    this.#replay(pipe);
  }

  pipeTerminated(pipe: Pipe): void {
    this.#fairQueue.pipeTerminated(pipe);
    this.#distributor.pipeTerminated(pipe);
  }

  trySend(parts: readonly OutPart[], count: number): boolean {
    const first = bytesOf(parts[0] as OutPart);
    if (!isSubscription(first)) {
      this.#distributor.matchAll();
      this.#distributor.send(parts, 0, count);
      return true;
    }
    if (count === 1) this.#applyMessage(first);
    else this.#sendMixed(parts, count);
    return true;
  }

  tryReceive(out: Received): boolean {
    const pipe = this.#frontMatching();
    if (pipe === null) return false;
    out.takeRest(pipe);
    this.#fairQueue.advance();
    return true;
  }

  tryReceiveBytes(): Uint8Array | null {
    return this.#takesAll() ? this.#fairQueue.takeBytes() : null;
  }

  hasIn(): boolean {
    return this.#frontMatching() !== null;
  }

  hasOut(): boolean {
    // Subscriptions are outside the high-water mark; messages are dropped.
    return true;
  }

  /**
   * Subscribes to what begins with the prefix.
   *
   * @throws {ZmqError} EMSGSIZE for one that publishers would refuse.
   */
  subscribe(prefix: Uint8Array): void {
    checkTopicSize(prefix.length);
    this.#subscriptions.add(prefix, 0, prefix.length);
    // Duplicates go out as well: a publisher may want to count them.
    this.#tellAll(subscriptionBody(true, prefix));
  }

  /** Reverses one `subscribe`; nothing happens when there was none. */
  unsubscribe(prefix: Uint8Array): void {
    const gone = this.#subscriptions.remove(prefix, 0, prefix.length);
    if (gone) this.#tellAll(subscriptionBody(false, prefix));
  }

  save(): PatternState {
    const state: XSubState = {
      fairQueue: this.#fairQueue.save(),
      distributor: this.#distributor.save(),
      subscriptions: this.#subscriptions.save(),
    };
    return state;
  }

  restore(state: PatternState, pipes: PipesByName): void {
    const saved = state as XSubState;
    this.#fairQueue.restore(saved.fairQueue, pipes);
    this.#distributor.restore(saved.distributor, pipes);
    this.#subscriptions.restore(saved.subscriptions);
  }

  #applyMessage(bytes: Uint8Array): void {
    const prefix = bytes.subarray(1);
    if (bytes[0] === SUBSCRIBE_MARK) this.subscribe(prefix);
    else this.unsubscribe(prefix);
  }

  /** Behind a subscription, each part may be one; the others are a message. */
  #sendMixed(parts: readonly OutPart[], count: number): void {
    // All are checked before any takes effect.
    for (let i = 0; i < count; i++) {
      const bytes = bytesOf(parts[i] as OutPart);
      if (bytes[0] === SUBSCRIBE_MARK) checkTopicSize(bytes.length - 1);
    }
    const rest: OutPart[] = [];
    for (let i = 0; i < count; i++) {
      const part = parts[i] as OutPart;
      const bytes = bytesOf(part);
      if (isSubscription(bytes)) this.#applyMessage(bytes);
      else rest.push(part);
    }
    if (rest.length === 0) return;
    this.#distributor.matchAll();
    this.#distributor.send(rest, 0, rest.length);
  }

  #tellAll(body: Uint8Array): void {
    const pipes = this.#distributor.pipes;
    for (let i = 0; i < pipes.length; i++) {
      (pipes[i] as Pipe).writeCommand(body);
    }
  }

  #replay(pipe: Pipe): void {
    this.#subscriptions.forEach((prefix) => {
      pipe.writeCommand(subscriptionBody(true, prefix));
    });
  }

  /** The pipe with the next message for the application, or `null`. */
  #frontMatching(): Pipe | null {
    for (;;) {
      const pipe = this.#fairQueue.front();
      if (pipe === null || !this.#filters || this.#matches(pipe)) return pipe;
      pipe.skipMessage();
      this.#fairQueue.advance();
    }
  }

  /** Whether there is no message that the application does not want. */
  #takesAll(): boolean {
    return !this.#filters ||
      (this.#subscriptions.check(NO_TOPIC, 0, 0) &&
        !this.#host.options.invertMatching);
  }

  #matches(pipe: Pipe): boolean {
    const start = pipe.frameStart;
    const end = start + pipe.frameLength;
    const found = this.#subscriptions.check(pipe.frameBytes, start, end);
    return found !== this.#host.options.invertMatching;
  }
}

const NO_TOPIC: Uint8Array = new Uint8Array(0);

/** Does the part begin like a subscription or its end? */
function isSubscription(bytes: Uint8Array): boolean {
  return bytes.length > 0 &&
    (bytes[0] === SUBSCRIBE_MARK || bytes[0] === UNSUBSCRIBE_MARK);
}
