// libzmq: xpub.{hpp,cpp} · runs on: app thread · RFC: 29

import { ZmqError } from "../../base/errors.ts";
import { FRAME_COMMAND, FRAME_MORE } from "../../base/frame_header.ts";
import type {
  Pattern,
  PatternHost,
  PatternState,
  PipesByName,
  Received,
} from "../../core/pattern.ts";
import type { OutPart, Pipe } from "../../core/pipe_contract.ts";
import type { SavedArray } from "../active_array.ts";
import { Distributor } from "../distributor.ts";
import { MultiTrie, RemoveResult } from "../multi_trie.ts";
import type { SavedMultiTrie } from "../multi_trie.ts";
import { bytesOf } from "../out_part.ts";
import { nameOf, namesOf, pipeNamed, pipesNamed } from "../saved_pipes.ts";
import {
  CANCEL_NAME_BYTES,
  SUBSCRIBE_NAME_BYTES,
  SubscriptionKind,
  subscriptionKind,
} from "./subscription_command.ts";
import { UpstreamFlag, UpstreamQueue } from "./upstream_queue.ts";
import type { SavedUpstream } from "./upstream_queue.ts";

/** First octet of a message that subscribes. */
const SUBSCRIBE_MARK = 1;
/** First octet of a message that unsubscribes. */
const UNSUBSCRIBE_MARK = 0;

interface XPubState {
  readonly distributor: SavedArray;
  readonly subscriptions: SavedMultiTrie;
  readonly requested: SavedMultiTrie | null;
  readonly upstream: SavedUpstream;
  readonly paused: readonly number[];
  readonly lastPipe: number;
}

/** XPUB: sends to all that subscribed, and tells who subscribes to what. */
export class XPub implements Pattern {
  readonly #host: PatternHost;
  /** XPUB: the application hears what comes upstream. PUB: it does not. */
  readonly #tellsApplication: boolean;
  readonly #distributor: Distributor;
  /** What decides who gets a message. */
  readonly #subscriptions: MultiTrie<Pipe>;
  /** With `manual`: what peers asked for, whatever the application made of it. */
  #requested: MultiTrie<Pipe> | null;
  readonly #upstream: UpstreamQueue;
  /** Pipes left unread because the application does not receive. */
  readonly #paused: Set<Pipe>;
  /** With `manual`: where the subscription received last came from. */
  #lastPipe: Pipe | null;

  constructor(host: PatternHost, tellsApplication: boolean = true) {
    this.#host = host;
    this.#tellsApplication = tellsApplication;
    this.#distributor = new Distributor(host);
    this.#subscriptions = new MultiTrie(host.random32());
    this.#requested = null;
    this.#upstream = new UpstreamQueue();
    this.#paused = new Set();
    this.#lastPipe = null;
  }

  /** Distinct prefixes that somebody has subscribed to. */
  get topicCount(): number {
    return this.#subscriptions.count;
  }

  attach(pipe: Pipe): void {
    this.#distributor.attach(pipe);
    const welcome = this.#host.options.welcomeMessage;
    if (welcome.length > 0 && pipe.checkWrite()) pipe.write([welcome], 0, 1);
    this.readActivated(pipe);
  }

  readActivated(pipe: Pipe): void {
    // Subscriptions count as soon as they are here, so pipes are emptied at
    // once, whether or not the application receives.
    while (pipe.checkRead()) {
      if ((pipe.frameFlags & FRAME_COMMAND) !== 0) {
        this.#processCommand(pipe);
      } else if (!this.#tellsApplication && !isSubscription(pipe)) {
        pipe.skipMessage();
      } else if (this.#hasRoomUpstream()) {
        this.#processMessage(pipe);
      } else {
        this.#paused.add(pipe);
        return;
      }
    }
  }

  writeActivated(pipe: Pipe): void {
    this.#distributor.activated(pipe);
  }

  hiccuped(pipe: Pipe): void {
    this.#distributor.activated(pipe);
  }

  pipeTerminated(pipe: Pipe): void {
    this.#paused.delete(pipe);
    if (this.#lastPipe === pipe) this.#lastPipe = null;
    // With `manual` the application made subscriptions of its own out of the
    // requests, and has to hear that each of the requests has ended.
    this.#requested?.removeAll(pipe, (topic) => this.#tellEnd(topic));
    if (this.#manual) {
      this.#subscriptions.removeAll(pipe, null);
    } else {
      const all = this.#host.options.verbosity === "allSubsUnsubs";
      this.#subscriptions.removeAll(pipe, (topic, gone) => {
        if (gone || all) this.#tellEnd(topic);
      });
    }
    this.#distributor.pipeTerminated(pipe);
  }

  trySend(parts: readonly OutPart[], count: number): boolean {
    const options = this.#host.options;
    const distributor = this.#distributor;
    const topic = bytesOf(parts[0] as OutPart);
    this.#subscriptions.match(topic, 0, topic.length, distributor);
    if (options.invertMatching) distributor.reverseMatch();
    if (options.noDrop) return distributor.sendToAll(parts, 0, count);
    distributor.send(parts, 0, count);
    return true;
  }

  tryReceive(out: Received): boolean {
    if (this.#upstream.empty) return false;
    const flags = this.#upstream.take(out);
    if ((flags & UpstreamFlag.ORIGIN) !== 0) {
      const origin = this.#upstream.takeOrigin();
      const lives = origin !== null && this.#distributor.has(origin);
      this.#lastPipe = lives ? origin : null;
    } else if ((flags & UpstreamFlag.USER) === 0) {
      // The end of a subscription whose pipe is gone.
      this.#lastPipe = null;
    }
    if (this.#paused.size > 0 && this.#hasRoomUpstream()) this.#resume();
    return true;
  }

  hasIn(): boolean {
    return !this.#upstream.empty;
  }

  hasOut(): boolean {
    return true;
  }

  subscribe(prefix: Uint8Array): void {
    if (!this.#manual) throw new ZmqError("EINVAL");
    if (this.#lastPipe === null) return;
    this.#subscriptions.add(this.#lastPipe, prefix, 0, prefix.length);
  }

  unsubscribe(prefix: Uint8Array): void {
    if (!this.#manual) throw new ZmqError("EINVAL");
    if (this.#lastPipe === null) return;
    this.#subscriptions.remove(this.#lastPipe, prefix, 0, prefix.length);
  }

  save(): PatternState {
    const distributor = this.#distributor;
    const state: XPubState = {
      distributor: distributor.save(),
      subscriptions: this.#subscriptions.save(nameOf),
      requested: this.#requested?.save(nameOf) ?? null,
      upstream: this.#upstream.save((pipe) => distributor.has(pipe)),
      paused: namesOf(this.#paused),
      lastPipe: nameOf(this.#lastPipe),
    };
    return state;
  }

  restore(state: PatternState, pipes: PipesByName): void {
    const saved = state as XPubState;
    const subscriberOf = (name: number) => pipeNamed(pipes, name) as Pipe;
    this.#distributor.restore(saved.distributor, pipes);
    this.#subscriptions.restore(saved.subscriptions, subscriberOf);
    if (saved.requested !== null) {
      this.#requested = new MultiTrie(this.#host.random32());
      this.#requested.restore(saved.requested, subscriberOf);
    }
    this.#upstream.restore(saved.upstream, pipes);
    for (const pipe of pipesNamed(pipes, saved.paused)) this.#paused.add(pipe);
    this.#lastPipe = pipeNamed(pipes, saved.lastPipe);
  }

  get #manual(): boolean {
    return this.#tellsApplication && this.#host.options.manual;
  }

  #processCommand(pipe: Pipe): void {
    const kind = subscriptionKind(pipe);
    if (kind !== SubscriptionKind.OTHER) {
      const subscribe = kind === SubscriptionKind.SUBSCRIBE;
      const name = subscribe ? SUBSCRIBE_NAME_BYTES : CANCEL_NAME_BYTES;
      this.#processSubscription(pipe, subscribe, name);
    }
    pipe.skipFrame();
  }

  /**
   * A message that came upstream. RFC 29 lets subscriptions be messages: when
   * the first part is one, each part is looked at; else the whole message is
   * the user's, whatever its other parts begin with.
   */
  #processMessage(pipe: Pipe): void {
    const mayGoOn = isSubscription(pipe);
    for (;;) {
      const more = (pipe.frameFlags & FRAME_MORE) !== 0;
      if (mayGoOn && isSubscription(pipe)) {
        // What the user sent ahead of it is a message by itself.
        this.#upstream.endUserMessage();
        const mark = pipe.frameBytes[pipe.frameStart];
        this.#processSubscription(pipe, mark === SUBSCRIBE_MARK, 1);
      } else if (this.#tellsApplication) {
        const start = pipe.frameStart;
        const end = start + pipe.frameLength;
        this.#upstream.pushUserPart(more, pipe.frameBytes, start, end);
      }
      pipe.skipFrame();
      if (!more) return;
      pipe.nextFrame();
    }
  }

  /** @param offset Where the topic starts in the front frame. */
  #processSubscription(pipe: Pipe, subscribe: boolean, offset: number): void {
    const bytes = pipe.frameBytes;
    const start = pipe.frameStart + offset;
    const end = pipe.frameStart + pipe.frameLength;
    const mark = subscribe ? SUBSCRIBE_MARK : UNSUBSCRIBE_MARK;
    if (this.#manual) {
      this.#requested ??= new MultiTrie(this.#host.random32());
      if (subscribe) this.#requested.add(pipe, bytes, start, end);
      else this.#requested.remove(pipe, bytes, start, end);
      this.#upstream.pushSubscription(mark, bytes, start, end, pipe);
      return;
    }
    const tell = subscribe
      ? this.#addSubscription(pipe, bytes, start, end)
      : this.#removeSubscription(pipe, bytes, start, end);
    if (!tell || !this.#tellsApplication) return;
    this.#upstream.pushSubscription(mark, bytes, start, end, null);
  }

  /** Whether the application is to hear of it. */
  #addSubscription(
    pipe: Pipe,
    bytes: Uint8Array,
    start: number,
    end: number,
  ): boolean {
    const first = this.#subscriptions.add(pipe, bytes, start, end);
    return first || this.#host.options.verbosity !== null;
  }

  /** Whether the application is to hear of it. */
  #removeSubscription(
    pipe: Pipe,
    bytes: Uint8Array,
    start: number,
    end: number,
  ): boolean {
    const result = this.#subscriptions.remove(pipe, bytes, start, end);
    return result === RemoveResult.LAST_REMOVED ||
      this.#host.options.verbosity === "allSubsUnsubs";
  }

  #tellEnd(topic: Uint8Array): void {
    if (!this.#tellsApplication) return;
    const queue = this.#upstream;
    queue.pushSubscription(UNSUBSCRIBE_MARK, topic, 0, topic.length, null);
    // The application's next `subscribe` must not go to somebody else.
    if (this.#manual) this.#lastPipe = null;
  }

  /** Messages of users are bounded; what has no room stays in its pipe. */
  #hasRoomUpstream(): boolean {
    const limit = this.#host.options.receiveHighWaterMark;
    return limit <= 0 || this.#upstream.userMessages < limit;
  }

  #resume(): void {
    const pipes = [...this.#paused];
    this.#paused.clear();
    for (const pipe of pipes) this.readActivated(pipe);
  }
}

/** Does the front frame begin like a subscription or its end? */
function isSubscription(pipe: Pipe): boolean {
  if (pipe.frameLength === 0) return false;
  const mark = pipe.frameBytes[pipe.frameStart] as number;
  return mark === SUBSCRIBE_MARK || mark === UNSUBSCRIBE_MARK;
}
