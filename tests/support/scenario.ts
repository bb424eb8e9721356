// A test with a context of its own: sockets opened through it are closed at
// the end, pass or fail, the context is terminated, and whatever the test
// left behind fails it.
import assert from "node:assert/strict";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { Context, Pair, type Socket } from "../../mod.ts";
import { JsonChild } from "./json_child.ts";
import { type LeakCheck, leakCheck } from "./leaks.ts";
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

/** All transports, for tests that hold over each. */
export const TRANSPORTS: readonly Transport[] = ["inproc", ...WIRE_TRANSPORTS];

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

  constructor(context: Context) {
    this.context = context;
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

  /**
   * Undoes everything; the first failure is thrown after all were tried.
   *
   * @param others Whether further tests use the context, so that it goes on.
   */
  async end(others = false): Promise<void> {
    const failures: unknown[] = [];
    for (const cleanup of this.#cleanups.splice(0).reverse()) {
      try {
        await cleanup();
      } catch (error) {
        failures.push(error);
      }
    }
    if (others) await this.#givenBack();
    else await within(this.context.terminate(), "termination of the context");
    if (failures.length > 0) throw failures[0];
    if (!others) expectNothingHeld(this.context);
  }

  /** Waits until a context that goes on holds as little as a new one. */
  async #givenBack(): Promise<void> {
    let held: Partial<typeof NOTHING_HELD> = {};
    const isFree = (): boolean => {
      held = { ...this.context.statistics, segments: 0 };
      return Object.values(held).every((count) => count === 0);
    };
    await until(isFree, "all that the test held to be given back")
      .catch((error) => {
        assert.deepEqual(held, NOTHING_HELD, String(error));
      });
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

/**
 * Whether the scenarios of a file that ask for no option share one context: for
 * repeats, since starting its threads is most of what a short test costs.
 */
const SHARED: boolean = process.env["PUREZMQ_SHARED_CONTEXT"] === "1";

/** The context that scenarios share, and how many of them are still to come. */
const shared: { context: Context | null; left: number; leaks: LeakCheck } = {
  context: null,
  left: 0,
  leaks: leakCheck(),
};

/** For tests that end their context, or leave in it what only its end ends. */
export const OWN_CONTEXT: ScenarioOptions = { context: {} };

/**
 * Registers a test that gets a context of its own or, in repeats, shares one
 * with others.
 */
export function scenario(
  name: string,
  body: (s: Scenario) => Promise<void>,
  options: ScenarioOptions = {},
): void {
  const timeoutMs = options.timeoutMs ?? 60_000;
  // The runtime's own limit stands behind ours, which names what was slow.
  const limits = { timeout: timeoutMs + 60_000 };
  const sharing = SHARED && options.context === undefined;
  if (sharing && !options.skip) shared.left += 1;
  testUnless(options.skip, name, async () => {
    await warmUp();
    const leaks = sharing ? shared.leaks : leakCheck();
    if (shared.context === null || !sharing) await leaks.before();
    const context = sharing
      ? shared.context ??= new Context()
      : new Context(options.context ?? {});
    if (sharing) shared.left -= 1;
    const others = sharing && shared.left > 0;
    const s = new Scenario(context);
    let passed = false;
    try {
      await within(body(s), `the test "${name}"`, timeoutMs);
      await s.end(others);
      passed = true;
    } finally {
      if (sharing && !(passed && others)) shared.context = null;
      if (!passed) await s.end().catch(() => {});
    }
    if (!others) await leaks.after();
  }, limits);
}
