// A test with a context of its own: sockets opened through it are closed at
// the end, pass or fail, the context is terminated, and whatever the test
// left behind fails it.
import assert from "node:assert/strict";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { Context, Pair, type Socket } from "../../mod.ts";
import { JsonChild } from "./json_child.ts";
import { leakCheck } from "./leaks.ts";
import { LibzmqPeer } from "./libzmq_peer.ts";
import { type TemporaryFolder, temporaryFolder } from "./ports.ts";
import { commandFor } from "./runtime.ts";
import { testUnless } from "./skip.ts";
import { until, within } from "./wait.ts";

/** How long one operation of a scenario's socket may take. */
export const OPERATION_MS = 10_000;

type Cleanup = () => void | Promise<void>;
type Options = Record<string, unknown>;
type SocketClass<S> = new (options?: Options) => S;

/** What a transport test binds to; each call of `address` is a new one. */
export type Transport = "inproc" | "tcp" | "ipc";

/** The transports that cross processes. */
export const WIRE_TRANSPORTS: readonly Transport[] = ["tcp", "ipc"];

/**
 * All transports, for tests that hold over each. CI's repeats over another
 * poller leave out inproc, which has none.
 */
export const TRANSPORTS: readonly Transport[] =
  process.env["PUREZMQ_WIRE_ONLY"] === "1"
    ? WIRE_TRANSPORTS
    : ["inproc", ...WIRE_TRANSPORTS];

/** What a context holds when its test is over. */
const NOTHING_HELD = {
  sockets: 0,
  pipes: 0,
  ownedObjects: 0,
  blocks: 0,
  memoryUsedBytes: 0,
  segments: 0,
};

/** Fails unless a context that has ended gave everything back. */
export function expectNothingHeld(context: Context): void {
  assert.deepEqual(
    context.statistics,
    NOTHING_HELD,
    "the context gave everything back",
  );
}

/** The context, sockets and helpers of one test. */
export class Scenario {
  readonly context: Context;
  #cleanups: Cleanup[] = [];
  #folder: TemporaryFolder | undefined;
  #names = 0;

  constructor(contextOptions: Options) {
    this.context = new Context(contextOptions);
  }

  /**
   * Opens a socket whose operations fail with EAGAIN after ten seconds and
   * which drops what is unsent at the end, unless the options say otherwise.
   */
  open<S extends Socket>(type: SocketClass<S>, options: Options = {}): S {
    const socket = this.openPlain(type, { linger: 0, ...options });
    const timed = socket as unknown as {
      sendTimeout?: number;
      receiveTimeout?: number;
    };
    for (const name of ["sendTimeout", "receiveTimeout"] as const) {
      if (!(name in options) && name in timed) timed[name] = OPERATION_MS;
    }
    return socket;
  }

  /** Opens a socket with the defaults that a user gets. */
  openPlain<S extends Socket>(type: SocketClass<S>, options: Options = {}): S {
    const socket = new type({ context: this.context, ...options });
    this.defer(() => socket.close());
    return socket;
  }

  /** Registers what must be undone at the end, last first. */
  defer(cleanup: Cleanup): void {
    this.#cleanups.push(cleanup);
  }

  /** A folder that is removed at the end. */
  folder(): string {
    if (this.#folder === undefined) {
      const folder = temporaryFolder();
      this.#folder = folder;
      this.#cleanups.unshift(() => folder.remove());
    }
    return this.#folder.path;
  }

  /** An address to bind to that nobody else uses. */
  address(transport: Transport): string {
    this.#names += 1;
    if (transport === "tcp") return "tcp://127.0.0.1:*";
    if (transport === "ipc") return `ipc://${this.folder()}/${this.#names}`;
    return `inproc://name-${this.#names}`;
  }

  /** Binds to a fresh address and returns the one to connect to. */
  async bind(socket: Socket, transport: Transport): Promise<string> {
    await socket.bind(this.address(transport));
    const endpoint = socket.lastEndpoint;
    if (endpoint === null) throw new Error("No last endpoint after bind");
    return endpoint;
  }

  /** Binds where someone else was bound until a moment ago. */
  async bindAgain(socket: Socket, endpoint: string): Promise<void> {
    await until(async () => {
      try {
        await socket.bind(endpoint);
        return true;
      } catch (error) {
        if ((error as { code?: string }).code === "EADDRINUSE") return false;
        throw error;
      }
    }, `${endpoint} to be free`);
  }

  /** Binds one socket and connects the other; returns the endpoint. */
  async join(
    binder: Socket,
    connecter: Socket,
    transport: Transport,
  ): Promise<string> {
    const endpoint = await this.bind(binder, transport);
    connecter.connect(endpoint);
    return endpoint;
  }

  /** Starts libzmq in a process that ends with the test. */
  libzmq(): LibzmqPeer {
    const peer = new LibzmqPeer();
    this.defer(() => peer.stop());
    return peer;
  }

  /** Starts a program of tests/support/children under this runtime. */
  child(name: string, ...args: string[]): JsonChild {
    const path = new URL(`./children/${name}`, import.meta.url);
    const { command, args: line } = commandFor(fileURLToPath(path), args);
    const child = new JsonChild(command, line);
    this.defer(() => child.stop());
    return child;
  }

  /** Undoes everything; the first failure is thrown after all were tried. */
  async end(): Promise<void> {
    const failures: unknown[] = [];
    for (const cleanup of this.#cleanups.reverse()) {
      try {
        await cleanup();
      } catch (error) {
        failures.push(error);
      }
    }
    await within(this.context.terminate(), "termination of the context");
    if (failures.length > 0) throw failures[0];
    expectNothingHeld(this.context);
  }
}

let warm: Promise<void> | undefined;

/**
 * Runs one context through its life, once per process, so that what a runtime
 * opens once and keeps does not count as a leak of the first test: Deno keeps
 * the poller of the last Worker that ended.
 */
export function warmUp(): Promise<void> {
  warm ??= (async () => {
    // Bun opens a descriptor of its own at the first write to a pipe.
    process.stdout.write("");
    const context = new Context();
    const pair = new Pair({ context });
    await pair.bind("tcp://127.0.0.1:*");
    pair.close();
    await within(context.terminate(), "termination of the warm-up context");
  })();
  return warm;
}

/** What a scenario may ask for. */
export interface ScenarioOptions {
  /** Options of the context. */
  context?: Options;
  /** Bound of the whole test. */
  timeoutMs?: number;
  /** The reason for leaving it out, if any. */
  skip?: string | false;
}

/** Registers a test that gets a context of its own. */
export function scenario(
  name: string,
  body: (s: Scenario) => Promise<void>,
  options: ScenarioOptions = {},
): void {
  const timeoutMs = options.timeoutMs ?? 60_000;
  // The runtime's own limit stands behind ours, which names what was slow.
  const limits = { timeout: timeoutMs + 60_000 };
  testUnless(options.skip, name, async () => {
    await warmUp();
    const leaks = leakCheck();
    await leaks.before();
    const s = new Scenario(options.context ?? {});
    try {
      await within(body(s), `the test "${name}"`, timeoutMs);
    } catch (error) {
      await s.end().catch(() => {});
      throw error;
    }
    await s.end();
    await leaks.after();
  }, limits);
}
