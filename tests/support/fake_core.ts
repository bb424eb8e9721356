import type { SocketOptions } from "../../src/base/options.ts";
import { defaultOptions } from "../../src/base/options.ts";
import { ZmqError } from "../../src/base/errors.ts";
import type { SocketType } from "../../src/base/socket_type.ts";
import type { Ctx } from "../../src/core/ctx.ts";
import type { Received } from "../../src/core/pattern.ts";
import type { OutPart } from "../../src/core/pipe_contract.ts";
import type { SocketHandle } from "../../src/core/socket_base.ts";

/**
 * A kernel socket without a kernel: tests say how many messages it has room
 * for and put messages into it, and it tells what was done to it.
 */
export class FakeSocketBase {
  readonly options: SocketOptions;
  readonly type: SocketType;
  /** Messages that may still be sent before sending would block. */
  room: number = Infinity;
  /** Thrown by the next operations of this kind, while set. */
  sendError: ZmqError | null = null;
  receiveError: ZmqError | null = null;
  /** Messages to be received. */
  readonly inbox: string[][] = [];
  /** Messages that were sent, as text. */
  readonly sent: string[][] = [];
  /** Calls of everything that is not sending or receiving. */
  readonly calls: string[] = [];
  /** What a blocking wait does; by default the deadline passes at once. */
  onWait: (deadline: number) => boolean = () => false;
  /** Thrown by the next call that is about an endpoint. */
  endpointError: ZmqError | null = null;
  endpointCount = 0;
  retained = 0;
  closed = false;
  onActivity: (() => void) | null = null;

  constructor(type: SocketType, blocky: boolean) {
    this.type = type;
    this.options = defaultOptions(type, { ipv6: false, blocky });
  }

  get lastEndpoint(): string | null {
    return this.options.lastEndpoint;
  }

  setOption(name: keyof SocketOptions, value: never): void {
    this.options[name] = value;
  }

  bind(endpoint: string): void {
    this.#endpoint("bind", endpoint, 1);
  }

  unbind(endpoint: string): void {
    this.#endpoint("unbind", endpoint, -1);
  }

  connect(endpoint: string, routingId?: Uint8Array): void {
    const id = routingId === undefined ? "" : ` ${text(routingId)}`;
    this.#endpoint("connect", endpoint + id, 1);
  }

  disconnect(endpoint: string): void {
    this.#endpoint("disconnect", endpoint, -1);
  }

  subscribe(prefix: Uint8Array): void {
    this.calls.push(`subscribe ${text(prefix)}`);
  }

  unsubscribe(prefix: Uint8Array): void {
    this.calls.push(`unsubscribe ${text(prefix)}`);
  }

  /** Whether messages of one part may go the short way. */
  short = false;

  trySend(parts: readonly OutPart[], count: number): boolean {
    if (this.sendError !== null) throw this.sendError;
    if (this.room < 1) return false;
    this.room--;
    this.sent.push(
      parts.slice(0, count).map((part) =>
        part instanceof Uint8Array ? text(part) : part.toString()
      ),
    );
    return true;
  }

  trySendBytes(bytes: Uint8Array): boolean {
    return this.short && this.trySend([bytes], 1);
  }

  tryReceiveBytes(): Uint8Array | null {
    if (!this.short || this.inbox[0]?.length !== 1) return null;
    return new TextEncoder().encode(this.inbox.shift()?.[0]);
  }

  tryReceive(out: Received): boolean {
    if (this.receiveError !== null) throw this.receiveError;
    const message = this.inbox.shift();
    if (message === undefined) return false;
    const encoder = new TextEncoder();
    for (const part of message) out.push(encoder.encode(part));
    return true;
  }

  hasIn(): boolean {
    return this.inbox.length > 0;
  }

  wasWritable(): boolean {
    return this.hasOut();
  }

  hasOut(): boolean {
    return this.room > 0;
  }

  waitSync(deadline: number): boolean {
    return this.onWait(deadline);
  }

  retain(): void {
    this.retained++;
  }

  release(): void {
    this.retained--;
  }

  /** What the event loop does after commands of a retained socket. */
  activity(): void {
    if (this.retained > 0) this.onActivity?.();
  }

  detach(): SocketHandle {
    this.calls.push("detach");
    return { type: this.type, fake: this } as unknown as SocketHandle;
  }

  close(): void {
    if (this.closed) throw new Error("closed twice");
    this.closed = true;
  }

  #endpoint(call: string, endpoint: string, change: 1 | -1): void {
    this.calls.push(`${call} ${endpoint}`);
    const error = this.endpointError;
    this.endpointError = null;
    if (error !== null) throw error;
    this.endpointCount += change;
  }
}

/** A context of such sockets. */
export class FakeCtx {
  readonly options: Ctx["options"];
  /** The sockets, in the order in which they were made. */
  readonly sockets: FakeSocketBase[] = [];
  /** What was called. */
  readonly calls: string[] = [];
  /** Ends the promise that `terminated` gives. */
  finish: () => void = () => {};

  constructor(options: Ctx["options"]) {
    this.options = options;
  }

  /** This context where a real one is asked for. */
  get asCtx(): Ctx {
    return this as unknown as Ctx;
  }

  createSocket(type: SocketType): FakeSocketBase {
    if (this.calls.includes("shutdown")) throw new ZmqError("ETERM");
    const socket = new FakeSocketBase(type, this.options.blocky);
    this.sockets.push(socket);
    return socket;
  }

  adoptSocket(handle: SocketHandle): FakeSocketBase {
    return (handle as unknown as { fake: FakeSocketBase }).fake;
  }

  shutdown(): void {
    this.calls.push("shutdown");
  }

  closeAll(): void {
    this.calls.push("closeAll");
  }

  waitTerminated(timeoutMs: number): boolean {
    this.calls.push(`wait ${timeoutMs}`);
    return true;
  }

  terminated(): Promise<void> {
    this.calls.push("terminated");
    return new Promise((resolve) => this.finish = resolve);
  }
}

function text(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}
