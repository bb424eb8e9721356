// libzmq: zmq_socket(3) · runs on: app thread · RFC: 28, 29, 30, 31

import { routingIdValue } from "../base/option_values.ts";
import { SocketType } from "../base/socket_type.ts";
import { DuplexSocket } from "./duplex_socket.ts";
import {
  readOption,
  subscribeAll,
  unsubscribeAll,
  writeOption,
} from "./option_access.ts";
import { ReadableSocket } from "./readable_socket.ts";
import type { SocketOptions } from "./socket.ts";
import { stateOf } from "./socket_settings.ts";
import type { SocketState } from "./socket_state.ts";
import { WritableSocket } from "./writable_socket.ts";

/** What `connect` of a {@linkcode Router} takes besides the endpoint. */
export interface RouterConnectOptions {
  /**
   * What to call the peer: 1 to 255 bytes, not beginning with a zero byte. A
   * string stands for its UTF-8 bytes. By default the peer says itself.
   */
  routingId?: string | Uint8Array;
}

/**
 * Talks to exactly one other `Pair` (RFC 31, PAIR). Meant for two threads of
 * one program, over `inproc://`.
 *
 * @example
 * ```ts
 * import { Pair } from "@purezmq/zmq";
 * import assert from "node:assert/strict";
 *
 * using left = new Pair();
 * using right = new Pair();
 * await left.bind("inproc://pair-example");
 * right.connect("inproc://pair-example");
 * await left.send(["ready", new Uint8Array([1, 2, 3])]);
 * const [word, bytes] = await right.receive();
 * assert.equal(word.toString(), "ready");
 * assert.equal(bytes?.length, 3);
 * ```
 */
export class Pair extends DuplexSocket {
  /**
   * Opens a socket of type PAIR.
   *
   * @param options A context, and values for the properties of the same names.
   * @throws {TypeError} An option is unknown, read-only or of the wrong type.
   * @throws {ZmqError} EINVAL, ENOTSUP, EMFILE, ETERM, EOWNERDEAD, ENOMEM.
   */
  constructor(options?: SocketOptions<Pair>) {
    super(SocketType.PAIR, options);
  }
}

/**
 * Sends each message to all subscribers that asked for it (RFC 29, PUB). A
 * message without subscribers is dropped.
 *
 * @example
 * ```ts
 * import { Publisher, Subscriber } from "@purezmq/zmq";
 * import assert from "node:assert/strict";
 *
 * using publisher = new Publisher({ noDrop: true });
 * using subscriber = new Subscriber();
 * await publisher.bind("inproc://publisher-example");
 * subscriber.connect("inproc://publisher-example");
 * subscriber.subscribe("weather");
 *
 * // Subscriptions take a moment to arrive.
 * const timer = setInterval(() => publisher.trySend(["weather", "rain"]), 5);
 * const [topic, news] = await subscriber.receive();
 * clearInterval(timer);
 * assert.equal(topic.toString(), "weather");
 * assert.equal(news?.toString(), "rain");
 * ```
 */
export class Publisher extends WritableSocket {
  /**
   * Opens a socket of type PUB.
   *
   * @param options A context, and values for the properties of the same names.
   * @throws {TypeError} An option is unknown, read-only or of the wrong type.
   * @throws {ZmqError} EINVAL, ENOTSUP, EMFILE, ETERM, EOWNERDEAD, ENOMEM.
   */
  constructor(options?: SocketOptions<Publisher>) {
    super(SocketType.PUB, options);
  }

  /**
   * Whether sending waits, as `sendTimeout` says, for a subscriber whose queue
   * is full; otherwise that subscriber misses the message. Write-only.
   *
   * @default {false}
   */
  set noDrop(value: boolean) {
    writeOption(stateOf(this), "noDrop", value);
  }

  /**
   * Whether only the newest message is kept instead of a queue. Such sockets
   * cannot carry messages of several parts. Write-only.
   *
   * @default {false}
   */
  set conflate(value: boolean) {
    writeOption(stateOf(this), "conflate", value);
  }

  /**
   * Whether messages go to those subscribers whose subscriptions do *not*
   * match. Publishers and subscribers must agree on it.
   *
   * @default {false}
   */
  get invertMatching(): boolean {
    return readOption(stateOf(this), "invertMatching") as boolean;
  }

  set invertMatching(value: boolean) {
    writeOption(stateOf(this), "invertMatching", value);
  }
}

/**
 * Receives the messages of publishers that begin with a prefix it asked for
 * (RFC 29, SUB). Without subscriptions it receives nothing.
 *
 * @example
 * ```ts
 * import { Subscriber } from "@purezmq/zmq";
 * import assert from "node:assert/strict";
 *
 * using subscriber = new Subscriber({ receiveTimeout: 10 });
 * subscriber.connect("inproc://subscriber-example");
 * subscriber.subscribe("weather", "traffic");
 * subscriber.unsubscribe("traffic");
 * await assert.rejects(subscriber.receive(), { code: "EAGAIN" });
 * ```
 */
export class Subscriber extends ReadableSocket {
  /**
   * Opens a socket of type SUB.
   *
   * @param options A context, and values for the properties of the same names.
   * @throws {TypeError} An option is unknown, read-only or of the wrong type.
   * @throws {ZmqError} EINVAL, ENOTSUP, EMFILE, ETERM, EOWNERDEAD, ENOMEM.
   */
  constructor(options?: SocketOptions<Subscriber>) {
    super(SocketType.SUB, options);
  }

  /**
   * Whether only the newest message is kept instead of a queue. Such sockets
   * cannot carry messages of several parts. Write-only.
   *
   * @default {false}
   */
  set conflate(value: boolean) {
    writeOption(stateOf(this), "conflate", value);
  }

  /**
   * Whether messages go to those subscribers whose subscriptions do *not*
   * match. Publishers and subscribers must agree on it.
   *
   * @default {false}
   */
  get invertMatching(): boolean {
    return readOption(stateOf(this), "invertMatching") as boolean;
  }

  set invertMatching(value: boolean) {
    writeOption(stateOf(this), "invertMatching", value);
  }

  /**
   * Asks for messages whose first part begins with a prefix. Each call counts:
   * asking twice takes two calls of `unsubscribe`.
   *
   * @param prefixes The prefixes; a string stands for its UTF-8 bytes. None, or
   *   an empty one, asks for all messages.
   * @throws {TypeError} A prefix is neither a string nor a Uint8Array.
   * @throws {ZmqError} EMSGSIZE for a prefix of more than 1 MiB, ENOTSOCK if
   *   the socket is closed.
   */
  subscribe(...prefixes: (Uint8Array | string)[]): void {
    subscribeAll(stateOf(this), prefixes);
  }

  /**
   * Takes back what `subscribe` asked for. A prefix that was not asked for is
   * passed over.
   *
   * @param prefixes The prefixes; none stands for an empty one.
   * @throws {TypeError} A prefix is neither a string nor a Uint8Array.
   * @throws {ZmqError} ENOTSOCK if the socket is closed.
   */
  unsubscribe(...prefixes: (Uint8Array | string)[]): void {
    unsubscribeAll(stateOf(this), prefixes);
  }
}

/**
 * Sends a request and receives its reply, in turns (RFC 28, REQ). What is out
 * of turn waits for its turn and fails with EFSM when its time is over, at once
 * if it is synchronous. Requests are dealt out among the peers.
 *
 * @example
 * ```ts
 * import { Reply, Request } from "@purezmq/zmq";
 * import assert from "node:assert/strict";
 *
 * using server = new Reply();
 * using client = new Request();
 * await server.bind("inproc://request-example");
 * client.connect("inproc://request-example");
 *
 * await client.send("6 times 7");
 * const [question] = await server.receive();
 * assert.equal(question.toString(), "6 times 7");
 * await server.send("42");
 * const [answer] = await client.receive();
 * assert.equal(answer.toString(), "42");
 * ```
 */
export class Request extends DuplexSocket {
  /**
   * Opens a socket of type REQ.
   *
   * @param options A context, and values for the properties of the same names.
   * @throws {TypeError} An option is unknown, read-only or of the wrong type.
   * @throws {ZmqError} EINVAL, ENOTSUP, EMFILE, ETERM, EOWNERDEAD, ENOMEM.
   */
  constructor(options?: SocketOptions<Request>) {
    super(SocketType.REQ, options);
  }

  /**
   * What the socket calls itself towards `Router` sockets: 1 to 255 bytes, not
   * beginning with a zero byte. A string stands for its UTF-8 bytes; reading
   * gives the text up to a first zero byte.
   *
   * @default {null}
   */
  get routingId(): string | null {
    return readOption(stateOf(this), "routingId") as string | null;
  }

  set routingId(value: string | null) {
    writeOption(stateOf(this), "routingId", value);
  }

  /**
   * Whether to send an empty message on each new connection, so that a `Router`
   * learns of this peer before the first message. Takes effect for later
   * connections. Write-only.
   *
   * @default {false}
   */
  set probeRouter(value: boolean) {
    writeOption(stateOf(this), "probeRouter", value);
  }

  /**
   * Whether requests carry a number that their replies must carry too, so that
   * late replies to earlier requests are dropped. The peer's `Reply` needs no
   * setting. Write-only.
   *
   * @default {false}
   */
  set correlate(value: boolean) {
    writeOption(stateOf(this), "correlate", value);
  }

  /**
   * Whether a request may be sent although the reply to the last one has not
   * come; that reply is then dropped. Set `correlate` with it. Write-only.
   *
   * @default {false}
   */
  set relaxed(value: boolean) {
    writeOption(stateOf(this), "relaxed", value);
  }
}

/**
 * Receives requests and sends a reply to each, in turns (RFC 28, REP).
 * What is out of turn waits for its turn and fails with EFSM when its time is
 * over, at once if it is synchronous. Requests are taken from the peers in
 * turns.
 *
 * @example
 * ```ts
 * import { Reply } from "@purezmq/zmq";
 * import assert from "node:assert/strict";
 *
 * using server = new Reply({ sendTimeout: 10 });
 * await assert.rejects(server.send("to nobody"), { code: "EFSM" });
 * ```
 */
export class Reply extends DuplexSocket {
  /**
   * Opens a socket of type REP.
   *
   * @param options A context, and values for the properties of the same names.
   * @throws {TypeError} An option is unknown, read-only or of the wrong type.
   * @throws {ZmqError} EINVAL, ENOTSUP, EMFILE, ETERM, EOWNERDEAD, ENOMEM.
   */
  constructor(options?: SocketOptions<Reply>) {
    super(SocketType.REP, options);
  }

  /**
   * What the socket calls itself towards `Router` sockets: 1 to 255 bytes, not
   * beginning with a zero byte. A string stands for its UTF-8 bytes; reading
   * gives the text up to a first zero byte.
   *
   * @default {null}
   */
  get routingId(): string | null {
    return readOption(stateOf(this), "routingId") as string | null;
  }

  set routingId(value: string | null) {
    writeOption(stateOf(this), "routingId", value);
  }
}

/**
 * Sends messages to its peers in turns and receives from all of them (RFC 28,
 * DEALER): a `Request` or `Reply` without their strict order. Towards a
 * `Reply`, messages begin with an empty part.
 *
 * @example
 * ```ts
 * import { Dealer, Reply } from "@purezmq/zmq";
 * import assert from "node:assert/strict";
 *
 * using server = new Reply();
 * using client = new Dealer();
 * await server.bind("inproc://dealer-example");
 * client.connect("inproc://dealer-example");
 *
 * await client.send(["", "one"]);
 * await client.send(["", "two"]);
 * await server.send(await server.receive());
 * const [, reply] = await client.receive();
 * assert.equal(reply?.toString(), "one");
 * ```
 */
export class Dealer extends DuplexSocket {
  /**
   * Opens a socket of type DEALER.
   *
   * @param options A context, and values for the properties of the same names.
   * @throws {TypeError} An option is unknown, read-only or of the wrong type.
   * @throws {ZmqError} EINVAL, ENOTSUP, EMFILE, ETERM, EOWNERDEAD, ENOMEM.
   */
  constructor(options?: SocketOptions<Dealer>) {
    super(SocketType.DEALER, options);
  }

  /**
   * What the socket calls itself towards `Router` sockets: 1 to 255 bytes, not
   * beginning with a zero byte. A string stands for its UTF-8 bytes; reading
   * gives the text up to a first zero byte.
   *
   * @default {null}
   */
  get routingId(): string | null {
    return readOption(stateOf(this), "routingId") as string | null;
  }

  set routingId(value: string | null) {
    writeOption(stateOf(this), "routingId", value);
  }

  /**
   * Whether to send an empty message on each new connection, so that a `Router`
   * learns of this peer before the first message. Takes effect for later
   * connections. Write-only.
   *
   * @default {false}
   */
  set probeRouter(value: boolean) {
    writeOption(stateOf(this), "probeRouter", value);
  }

  /**
   * Whether only the newest message is kept instead of a queue. Such sockets
   * cannot carry messages of several parts. Write-only.
   *
   * @default {false}
   */
  set conflate(value: boolean) {
    writeOption(stateOf(this), "conflate", value);
  }
}

/**
 * Talks to each peer by its routing id (RFC 28, ROUTER): received messages
 * begin with the sender's id, messages to send with the receiver's. Messages to
 * unknown peers are dropped, unless `mandatory` is set.
 *
 * @example
 * ```ts
 * import { Dealer, Router } from "@purezmq/zmq";
 * import assert from "node:assert/strict";
 *
 * using server = new Router();
 * using client = new Dealer({ routingId: "ann" });
 * await server.bind("inproc://router-example");
 * client.connect("inproc://router-example");
 *
 * await client.send("hello");
 * const [id, text] = await server.receive();
 * assert.equal(id.toString(), "ann");
 * await server.send([id, `${text}, ${id}`]);
 * const [answer] = await client.receive();
 * assert.equal(answer.toString(), "hello, ann");
 * ```
 */
export class Router extends DuplexSocket {
  /**
   * Opens a socket of type ROUTER.
   *
   * @param options A context, and values for the properties of the same names.
   * @throws {TypeError} An option is unknown, read-only or of the wrong type.
   * @throws {ZmqError} EINVAL, ENOTSUP, EMFILE, ETERM, EOWNERDEAD, ENOMEM.
   */
  constructor(options?: SocketOptions<Router>) {
    super(SocketType.ROUTER, options);
  }

  /**
   * What the socket calls itself towards `Router` sockets: 1 to 255 bytes, not
   * beginning with a zero byte. A string stands for its UTF-8 bytes; reading
   * gives the text up to a first zero byte.
   *
   * @default {null}
   */
  get routingId(): string | null {
    return readOption(stateOf(this), "routingId") as string | null;
  }

  set routingId(value: string | null) {
    writeOption(stateOf(this), "routingId", value);
  }

  /**
   * Whether sending to an unknown peer fails with EHOSTUNREACH, and waits for
   * one whose queue is full, instead of dropping the message. As long as there
   * is no peer at all to send to, `send` waits for one; synchronous calls fail
   * at once. Write-only.
   *
   * @default {false}
   */
  set mandatory(value: boolean) {
    writeOption(stateOf(this), "mandatory", value);
  }

  /**
   * Whether to send an empty message on each new connection, so that a `Router`
   * learns of this peer before the first message. Takes effect for later
   * connections. Write-only.
   *
   * @default {false}
   */
  set probeRouter(value: boolean) {
    writeOption(stateOf(this), "probeRouter", value);
  }

  /**
   * Whether a new peer with a routing id that is in use takes it over;
   * otherwise the new peer is refused. Write-only.
   *
   * @default {false}
   */
  set handover(value: boolean) {
    writeOption(stateOf(this), "handover", value);
  }

  /**
   * Connects to an endpoint, like `connect` of the other sockets, and may
   * choose what the peer is called.
   *
   * @param address The endpoint.
   * @param options The peer's routing id, if it is not to choose one itself.
   * @throws {TypeError} An argument is of the wrong type.
   * @throws {ZmqError} EINVAL, EPROTONOSUPPORT or ENAMETOOLONG for a bad
   *   endpoint, EINVAL for a routing id that is bad or in use, EMTHREAD if the
   *   context has no I/O workers, EBADF, EBUSY.
   */
  override connect(address: string, options: RouterConnectOptions = {}): void {
    connectRouter(stateOf(this), address, options);
  }
}

/**
 * Receives work from `Push` sockets, from each in turns (RFC 30, PULL).
 *
 * @example
 * ```ts
 * import { Pull, Push } from "@purezmq/zmq";
 * import assert from "node:assert/strict";
 *
 * using sink = new Pull();
 * using source = new Push();
 * await sink.bind("inproc://pull-example");
 * source.connect("inproc://pull-example");
 * for (let number = 1; number <= 3; number++) await source.send(number);
 *
 * let sum = 0;
 * for await (const [part] of sink) {
 *   sum += Number(part.toString());
 *   if (sum === 6) break;
 * }
 * assert.equal(sum, 6);
 * ```
 */
export class Pull extends ReadableSocket {
  /**
   * Opens a socket of type PULL.
   *
   * @param options A context, and values for the properties of the same names.
   * @throws {TypeError} An option is unknown, read-only or of the wrong type.
   * @throws {ZmqError} EINVAL, ENOTSUP, EMFILE, ETERM, EOWNERDEAD, ENOMEM.
   */
  constructor(options?: SocketOptions<Pull>) {
    super(SocketType.PULL, options);
  }

  /**
   * Whether only the newest message is kept instead of a queue. Such sockets
   * cannot carry messages of several parts. Write-only.
   *
   * @default {false}
   */
  set conflate(value: boolean) {
    writeOption(stateOf(this), "conflate", value);
  }
}

/**
 * Deals out work to `Pull` sockets, in turns (RFC 30, PUSH). Without a peer
 * that has room, sending waits.
 *
 * @example
 * ```ts
 * import { Push } from "@purezmq/zmq";
 * import assert from "node:assert/strict";
 *
 * using source = new Push();
 * assert.equal(source.trySend("work"), false);
 * ```
 */
export class Push extends WritableSocket {
  /**
   * Opens a socket of type PUSH.
   *
   * @param options A context, and values for the properties of the same names.
   * @throws {TypeError} An option is unknown, read-only or of the wrong type.
   * @throws {ZmqError} EINVAL, ENOTSUP, EMFILE, ETERM, EOWNERDEAD, ENOMEM.
   */
  constructor(options?: SocketOptions<Push>) {
    super(SocketType.PUSH, options);
  }

  /**
   * Whether only the newest message is kept instead of a queue. Such sockets
   * cannot carry messages of several parts. Write-only.
   *
   * @default {false}
   */
  set conflate(value: boolean) {
    writeOption(stateOf(this), "conflate", value);
  }
}

/**
 * A `Publisher` that receives its peers' subscriptions (RFC 29, XPUB): messages
 * that begin with a byte 1 to subscribe or 0 to unsubscribe, followed by the
 * prefix.
 *
 * @example
 * ```ts
 * import { Subscriber, XPublisher } from "@purezmq/zmq";
 * import assert from "node:assert/strict";
 *
 * using publisher = new XPublisher();
 * using subscriber = new Subscriber();
 * await publisher.bind("inproc://xpublisher-example");
 * subscriber.connect("inproc://xpublisher-example");
 * subscriber.subscribe("news");
 *
 * const [subscription] = await publisher.receive();
 * assert.equal(subscription.toString(), "\x01news");
 * await publisher.send("news: none");
 * const [news] = await subscriber.receive();
 * assert.equal(news.toString(), "news: none");
 * ```
 */
export class XPublisher extends DuplexSocket {
  /**
   * Opens a socket of type XPUB.
   *
   * @param options A context, and values for the properties of the same names.
   * @throws {TypeError} An option is unknown, read-only or of the wrong type.
   * @throws {ZmqError} EINVAL, ENOTSUP, EMFILE, ETERM, EOWNERDEAD, ENOMEM.
   */
  constructor(options?: SocketOptions<XPublisher>) {
    super(SocketType.XPUB, options);
  }

  /**
   * Whether sending waits, as `sendTimeout` says, for a subscriber whose queue
   * is full; otherwise that subscriber misses the message. Write-only.
   *
   * @default {false}
   */
  set noDrop(value: boolean) {
    writeOption(stateOf(this), "noDrop", value);
  }

  /**
   * Whether the application answers subscriptions itself: it receives each, and
   * what it passes on with option 6 or 7 of `setStringOption` is subscribed for
   * that peer. Write-only.
   *
   * @default {false}
   */
  set manual(value: boolean) {
    writeOption(stateOf(this), "manual", value);
  }

  /**
   * What each new subscriber is sent first; `null` for nothing. Write-only.
   *
   * @default {null}
   */
  set welcomeMessage(value: string | null) {
    writeOption(stateOf(this), "welcomeMessage", value);
  }

  /**
   * Whether messages go to those subscribers whose subscriptions do *not*
   * match. Publishers and subscribers must agree on it.
   *
   * @default {false}
   */
  get invertMatching(): boolean {
    return readOption(stateOf(this), "invertMatching") as boolean;
  }

  set invertMatching(value: boolean) {
    writeOption(stateOf(this), "invertMatching", value);
  }

  /**
   * Which subscriptions are received: `null`, those that are new to the socket,
   * and the end of the last one; `"allSubs"`, each subscription;
   * `"allSubsUnsubs"`, each end of one as well. Write-only.
   *
   * @default {null}
   */
  set verbosity(value: null | "allSubs" | "allSubsUnsubs") {
    writeOption(stateOf(this), "verbosity", value);
  }
}

/**
 * A `Subscriber` that subscribes by sending messages (RFC 29, XSUB): a byte 1
 * to subscribe or 0 to unsubscribe, followed by the prefix. Other messages go
 * to the publishers.
 *
 * @example
 * ```ts
 * import { XPublisher, XSubscriber } from "@purezmq/zmq";
 * import assert from "node:assert/strict";
 *
 * using publisher = new XPublisher();
 * using subscriber = new XSubscriber();
 * await publisher.bind("inproc://xsubscriber-example");
 * subscriber.connect("inproc://xsubscriber-example");
 * await subscriber.send("\x01news");
 * const [subscription] = await publisher.receive();
 * assert.equal(subscription.toString(), "\x01news");
 * ```
 */
export class XSubscriber extends DuplexSocket {
  /**
   * Opens a socket of type XSUB.
   *
   * @param options A context, and values for the properties of the same names.
   * @throws {TypeError} An option is unknown, read-only or of the wrong type.
   * @throws {ZmqError} EINVAL, ENOTSUP, EMFILE, ETERM, EOWNERDEAD, ENOMEM.
   */
  constructor(options?: SocketOptions<XSubscriber>) {
    super(SocketType.XSUB, options);
  }
}

function connectRouter(
  state: SocketState,
  address: unknown,
  options: RouterConnectOptions,
): void {
  if (typeof address !== "string") {
    throw new TypeError("Address must be a string");
  }
  if (typeof options !== "object" || options === null) {
    throw new TypeError("Options must be an object");
  }
  const base = state.usable();
  // As in zeromq.js, an empty id is none.
  const peerId = options.routingId
    ? routingIdValue(options.routingId)
    : state.nextPeerId;
  state.nextPeerId = undefined;
  base.connect(address, peerId);
}
