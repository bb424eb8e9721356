// A thread's place in a test of sockets that move between threads: the same
// orders are obeyed in the main thread and in a Worker.
import { Buffer } from "node:buffer";
import * as zmq from "../../mod.ts";
import type { SocketHandle } from "../../mod.ts";

/** How long one operation may take. */
const OPERATION_MS = 10_000;

/** Names of the socket classes. */
export type Kind =
  | "Pair"
  | "Push"
  | "Pull"
  | "Publisher"
  | "Subscriber"
  | "XPublisher"
  | "XSubscriber"
  | "Dealer"
  | "Router"
  | "Request"
  | "Reply";

/** What can be asked of a seat; `key` names the socket. */
export type Order =
  | { verb: "open"; key: string; kind: Kind; options?: object }
  | { verb: "adopt"; key: string; kind: Kind; handle: SocketHandle }
  | { verb: "detach" | "close" | "endpoint" | "look"; key: string }
  | { verb: "bind" | "connect"; key: string; endpoint: string }
  | { verb: "send"; key: string; parts: string[] }
  | { verb: "trySend"; key: string; parts: string[] }
  | { verb: "receive"; key: string; count: number }
  | { verb: "bounce"; key: string; count: number }
  | { verb: "subscribe" | "unsubscribe"; key: string; topic: string }
  | { verb: "set"; key: string; name: string; value: unknown }
  | { verb: "end" };

/** Everything that any of the sockets can do. */
interface AnySocket {
  readonly lastEndpoint: string | null;
  readonly readable: boolean;
  bind(endpoint: string): Promise<void>;
  connect(endpoint: string): void;
  send(parts: Uint8Array[]): Promise<void>;
  trySend(parts: Uint8Array[]): boolean;
  receive(): Promise<Uint8Array[]>;
  subscribe(topic: Uint8Array): void;
  unsubscribe(topic: Uint8Array): void;
  detach(): SocketHandle;
  close(): void;
}

/** Octets of a text, one for each character. */
function octets(text: string): Uint8Array {
  return Buffer.from(text, "latin1");
}

/** Sockets of one thread, and what is done with them. */
export class Seat {
  readonly context: zmq.Context;
  readonly #sockets = new Map<string, AnySocket>();

  constructor(context: zmq.Context) {
    this.context = context;
  }

  /** A socket that is here. */
  socket(key: string): AnySocket {
    const socket = this.#sockets.get(key);
    if (socket === undefined) throw new Error(`No socket ${key} here`);
    return socket;
  }

  /** Does what it is told; the value is what came of it. */
  async obey(order: Order): Promise<unknown> {
    if (order.verb === "end") {
      for (const socket of this.#sockets.values()) socket.close();
      this.#sockets.clear();
      return;
    }
    if (order.verb === "open") return this.#open(order);
    if (order.verb === "adopt") return this.#adopt(order);
    const socket = this.socket(order.key);
    switch (order.verb) {
      case "detach":
        this.#sockets.delete(order.key);
        return socket.detach();
      case "close":
        this.#sockets.delete(order.key);
        return socket.close();
      case "endpoint":
        return socket.lastEndpoint;
      case "look":
        return socket.readable;
      case "bind":
        return await socket.bind(order.endpoint);
      case "connect":
        return socket.connect(order.endpoint);
      case "send":
        return await socket.send(order.parts.map(octets));
      case "trySend":
        return socket.trySend(order.parts.map(octets));
      case "receive":
        return await receiveAll(socket, order.count);
      case "bounce":
        return await bounceAll(socket, order.count);
      case "subscribe":
        return socket.subscribe(octets(order.topic));
      case "unsubscribe":
        return socket.unsubscribe(octets(order.topic));
      case "set":
        return Object.assign(socket, { [order.name]: order.value });
    }
  }

  #open(order: Order & { verb: "open" }): void {
    const socketClass = zmq[order.kind] as new (options: object) => unknown;
    const socket = new socketClass({
      context: this.context,
      linger: 0,
      ...order.options,
    }) as Record<string, unknown>;
    for (const name of ["sendTimeout", "receiveTimeout"]) {
      if (name in socket) socket[name] = OPERATION_MS;
    }
    this.#sockets.set(order.key, socket as unknown as AnySocket);
  }

  #adopt(order: Order & { verb: "adopt" }): void {
    const socketClass = zmq[order.kind] as new (options?: never) => unknown;
    const socket = this.context.adopt(order.handle, socketClass);
    this.#sockets.set(order.key, socket as AnySocket);
  }
}

async function receiveAll(
  socket: AnySocket,
  count: number,
): Promise<string[][]> {
  const messages: string[][] = [];
  while (messages.length < count) {
    const parts = await socket.receive();
    messages.push(parts.map((part) => Buffer.from(part).toString("latin1")));
  }
  return messages;
}

/** Sends back what comes. */
async function bounceAll(socket: AnySocket, count: number): Promise<void> {
  for (let n = 0; n < count; n += 1) await socket.send(await socket.receive());
}
