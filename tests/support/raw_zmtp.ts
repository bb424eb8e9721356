// The wire by hand: plain TCP peers that send and expect exact bytes. Written
// from the RFCs alone, so that it does not share the library's mistakes.
import assert from "node:assert/strict";
import {
  createConnection,
  createServer,
  type Server,
  type Socket,
} from "node:net";
import { until, within } from "./wait.ts";

const encoder = new TextEncoder();

/** Flags of a frame, RFC 23. */
export const MORE = 1;
/** Flags of a frame, RFC 23. */
export const LONG = 2;
/** Flags of a frame, RFC 23. */
export const COMMAND = 4;

/** Joins texts, numbers (one octet each) and bytes. */
export function bytes(
  ...pieces: (string | number | Uint8Array)[]
): Uint8Array {
  const parts = pieces.map((piece) =>
    typeof piece === "string"
      ? encoder.encode(piece)
      : typeof piece === "number"
      ? Uint8Array.of(piece)
      : piece
  );
  const joined = new Uint8Array(parts.reduce((sum, p) => sum + p.length, 0));
  let at = 0;
  for (const part of parts) {
    joined.set(part, at);
    at += part.length;
  }
  return joined;
}

/** What may be unusual about a greeting. */
export interface GreetingParts {
  major?: number;
  minor?: number;
  mechanism?: string;
  asServer?: number;
  /** Octets changed afterwards, by position. */
  change?: Record<number, number>;
}

/** A greeting of 64 octets. */
export function greeting(parts: GreetingParts = {}): Uint8Array {
  const all = new Uint8Array(64);
  all[0] = 0xff;
  all[8] = 1;
  all[9] = 0x7f;
  all[10] = parts.major ?? 3;
  all[11] = parts.minor ?? 1;
  all.set(encoder.encode(parts.mechanism ?? "NULL"), 12);
  all[32] = parts.asServer ?? 0;
  for (const [at, octet] of Object.entries(parts.change ?? {})) {
    all[Number(at)] = octet;
  }
  return all;
}

/** A 64-bit size, big end first. */
export function size64(size: bigint): Uint8Array {
  const eight = new Uint8Array(8);
  new DataView(eight.buffer).setBigUint64(0, size);
  return eight;
}

/** A frame; long when it has to be. */
export function frame(flags: number, body: string | Uint8Array): Uint8Array {
  const data = bytes(body);
  return data.length > 255
    ? bytes(flags | LONG, size64(BigInt(data.length)), data)
    : bytes(flags, data.length, data);
}

/** A message of one or more parts. */
export function message(...parts: (string | Uint8Array)[]): Uint8Array {
  return bytes(
    ...parts.map((part, at) => frame(at < parts.length - 1 ? MORE : 0, part)),
  );
}

/** A command frame. */
export function command(
  name: string,
  ...data: (string | number | Uint8Array)[]
): Uint8Array {
  return frame(COMMAND, bytes(name.length, name, ...data));
}

/** One property of metadata. */
export function property(name: string, value: string | Uint8Array): Uint8Array {
  const data = bytes(value);
  const length = new Uint8Array(4);
  new DataView(length.buffer).setUint32(0, data.length);
  return bytes(name.length, name, length, data);
}

/** A READY with the type and, where given, an identity. */
export function ready(
  type: string,
  identity?: string | Uint8Array,
): Uint8Array {
  const more = identity === undefined ? "" : property("Identity", identity);
  return command("READY", property("Socket-Type", type), more);
}

/** A frame that was received. */
export interface RawFrame {
  flags: number;
  body: Uint8Array;
}

/** One end of a TCP connection, byte by byte. */
export class RawPeer {
  readonly socket: Socket;
  #received: Uint8Array[] = [];
  #size = 0;
  #ended = false;
  /** All that was ever received. */
  total = 0;

  constructor(socket: Socket) {
    this.socket = socket;
    socket.setNoDelay(true);
    socket.on("error", () => this.#ended = true);
    socket.on("end", () => this.#ended = true);
    socket.on("close", () => this.#ended = true);
    socket.on("data", (chunk: Uint8Array) => {
      this.#received.push(Uint8Array.from(chunk));
      this.#size += chunk.length;
      this.total += chunk.length;
    });
  }

  /** Connects to `tcp://host:port` or `ipc://path`. */
  static async connect(endpoint: string): Promise<RawPeer> {
    const tcp = /^tcp:\/\/(.*):(\d+)$/.exec(endpoint);
    const socket = tcp
      ? createConnection({ host: tcp[1] ?? "", port: Number(tcp[2]) })
      : createConnection({ path: endpoint.slice("ipc://".length) });
    const peer = new RawPeer(socket);
    await within(
      new Promise<void>((resolve, reject) => {
        socket.once("connect", () => resolve());
        socket.once("error", reject);
      }),
      `a raw connection to ${endpoint}`,
    );
    return peer;
  }

  /** Whether the other side has closed the connection. */
  get ended(): boolean {
    return this.#ended;
  }

  /** Sends bytes, whether or not somebody listens still. */
  write(...pieces: (string | number | Uint8Array)[]): void {
    if (!this.#ended) this.socket.write(bytes(...pieces));
  }

  /** Sends bytes and waits until the kernel has taken them. */
  async writeAll(data: Uint8Array): Promise<void> {
    await new Promise<void>((resolve) => {
      this.socket.write(data, () => resolve());
    });
  }

  /** Waits for so many bytes and takes them. */
  async read(count: number): Promise<Uint8Array> {
    await until(
      () => this.#size >= count || this.#ended,
      `${count} bytes, of which ${this.#size} came`,
    );
    assert.ok(
      this.#size >= count,
      `the connection was closed after ${this.#size} of ${count} bytes`,
    );
    const all = bytes(...this.#received);
    this.#received = [all.slice(count)];
    this.#size = all.length - count;
    return all.slice(0, count);
  }

  /** Reads one frame. */
  async readFrame(): Promise<RawFrame> {
    const [flags = 0] = await this.read(1);
    let size: number;
    if ((flags & LONG) !== 0) {
      const eight = await this.read(8);
      size = Number(new DataView(eight.buffer).getBigUint64(0));
    } else {
      [size = 0] = await this.read(1);
    }
    return { flags: flags & ~LONG, body: await this.read(size) };
  }

  /** Reads one message of text parts. */
  async readTexts(): Promise<string[]> {
    const parts: string[] = [];
    for (;;) {
      const { flags, body } = await this.readFrame();
      assert.equal(flags & COMMAND, 0);
      parts.push(new TextDecoder().decode(body));
      if ((flags & MORE) === 0) return parts;
    }
  }

  /** Greets and gets ready as a socket of this type. */
  async handshake(
    type: string,
    parts: GreetingParts & { identity?: string } = {},
  ): Promise<RawFrame> {
    this.write(greeting(parts));
    await this.read(64);
    this.write(ready(type, parts.identity));
    return await this.readFrame();
  }

  /** Waits until the other side has closed. */
  async closed(what: string, timeoutMs = 5000): Promise<void> {
    await until(() => this.#ended, `${what}: to be closed`, timeoutMs);
  }

  /** Ends it from here. */
  close(): void {
    this.socket.destroy();
  }
}

/** A TCP server for sockets of ours that connect. */
export class RawServer {
  readonly endpoint: string;
  #server: Server;
  #peers: RawPeer[] = [];
  #all: RawPeer[] = [];

  private constructor(server: Server, endpoint: string) {
    this.#server = server;
    this.endpoint = endpoint;
    server.on("connection", (socket) => {
      const peer = new RawPeer(socket);
      this.#peers.push(peer);
      this.#all.push(peer);
    });
  }

  /** Listens on a port of its own. */
  static async listen(): Promise<RawServer> {
    const server = createServer();
    await new Promise<void>((resolve) => {
      server.listen(0, "127.0.0.1", () => resolve());
    });
    const address = server.address();
    if (address === null || typeof address === "string") {
      throw new Error("The server has no port");
    }
    return new RawServer(server, `tcp://127.0.0.1:${address.port}`);
  }

  /** How many connections came, the taken ones included. */
  get count(): number {
    return this.#all.length;
  }

  /** The next connection. */
  async accept(): Promise<RawPeer> {
    await until(() => this.#peers.length > 0, "a connection");
    return this.#peers.shift() as RawPeer;
  }

  /** Ends all connections and the server. */
  async close(): Promise<void> {
    for (const peer of this.#all) peer.close();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }
}
