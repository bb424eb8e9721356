// libzmq on the other end: starts tests/interop/peer/peer.mjs in Node and puts
// its requests into methods.
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { fromHex } from "./content.ts";
import { JsonChild } from "./json_child.ts";

const PEER_FOLDER = fileURLToPath(new URL("../interop/peer/", import.meta.url));

/** Why libzmq cannot be asked here, or false when it can. */
export const libzmqMissing: string | false =
  existsSync(`${PEER_FOLDER}node_modules/zeromq`)
    ? false
    : "npm zeromq is not installed in tests/interop/peer";

/** The class names of npm zeromq that the tests use. */
export type PeerSocketType =
  | "Pair"
  | "Publisher"
  | "Subscriber"
  | "Request"
  | "Reply"
  | "Dealer"
  | "Router"
  | "Pull"
  | "Push"
  | "XPublisher"
  | "XSubscriber";

/** A part to send: text, bytes in hex, or a made-up body. */
export type PeerPart = string | { hex: string } | {
  size: number;
  seed: number;
};

/** A part as received: small ones whole, large ones as size and hash. */
export type PeerReceived = { hex: string } | { size: number; hash: string };

type Options = Record<string, unknown>;

/** A socket inside the libzmq process. */
export class PeerSocket {
  readonly type: PeerSocketType;
  #child: JsonChild;
  #id: number;

  constructor(child: JsonChild, type: PeerSocketType, id: number) {
    this.#child = child;
    this.type = type;
    this.#id = id;
  }

  #ask<T>(op: string, args?: Options, timeoutMs?: number): Promise<T> {
    return this.#child.request(op, { socket: this.#id, ...args }, timeoutMs);
  }

  bind(address: string): Promise<string> {
    return this.#ask("bind", { address });
  }

  unbind(address: string): Promise<void> {
    return this.#ask("unbind", { address });
  }

  connect(address: string, routingId?: string): Promise<void> {
    return this.#ask("connect", { address, routingId });
  }

  disconnect(address: string): Promise<void> {
    return this.#ask("disconnect", { address });
  }

  set(options: Options): Promise<void> {
    return this.#ask("set", { options });
  }

  get(name: string): Promise<unknown> {
    return this.#ask("get", { name });
  }

  subscribe(...topics: string[]): Promise<void> {
    return this.#ask("subscribe", { topics });
  }

  unsubscribe(...topics: string[]): Promise<void> {
    return this.#ask("unsubscribe", { topics });
  }

  send(parts: PeerPart[], timeoutMs?: number): Promise<void> {
    return this.#ask("send", { parts }, timeoutMs);
  }

  receive(timeoutMs?: number): Promise<PeerReceived[]> {
    return this.#ask("receive", {}, timeoutMs);
  }

  /** Receives a message of small parts as texts. */
  async receiveTexts(): Promise<string[]> {
    const parts = await this.receive();
    return parts.map((part) => {
      if ("hex" in part) return new TextDecoder().decode(fromHex(part.hex));
      return `${part.size} bytes`;
    });
  }

  sendNumbered(
    args: { from: number; count: number; size: number; prefix?: PeerPart[] },
  ): Promise<void> {
    return this.#ask("sendNumbered", args, 60_000);
  }

  receiveNumbered(
    args: { from: number; count: number; size: number; prefixCount?: number },
  ): Promise<number> {
    return this.#ask("receiveNumbered", args, 60_000);
  }

  echo(count: number): Promise<void> {
    return this.#ask("echo", { count }, 60_000);
  }

  fill(
    args: { from: number; limit: number; size: number; patience: number },
  ): Promise<number> {
    return this.#ask("fill", args, 60_000);
  }

  close(): Promise<void> {
    return this.#ask("close");
  }
}

/** The libzmq process. */
export class LibzmqPeer {
  readonly child: JsonChild;

  constructor() {
    this.child = new JsonChild("node", ["peer.mjs"], PEER_FOLDER);
  }

  /** Makes a socket there. */
  async open(
    type: PeerSocketType,
    options: Options = {},
  ): Promise<PeerSocket> {
    const id = await this.child.request<number>("open", { type, options });
    return new PeerSocket(this.child, type, id);
  }

  /** Ends the process and waits until it is gone. */
  stop(): Promise<void> {
    return this.child.stop();
  }
}
