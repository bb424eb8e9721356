// A test with two threads that share a context, and sockets that move between
// them. At the end everything is closed, and nothing may be left: no socket,
// pipe or block in the context's counts, no Worker, no descriptor.
import assert from "node:assert/strict";
import type { SocketHandle } from "../../mod.ts";
import { contextOver } from "../../src/api/context.ts";
import { Ctx, defaultCtxOptions } from "../../src/core/ctx.ts";
import { WIRING } from "../../src/wiring.ts";
import { leakCheck } from "./leaks.ts";
import { type Kind, type Order, Seat } from "./seat.ts";
import { testUnless } from "./skip.ts";
import { until, within } from "./wait.ts";
import { TestWorker } from "./worker.ts";

/** How long one test may take. */
const TEST_MS = 60_000;

/** What these tests bind to. */
export type Transport = "inproc" | "tcp" | "shm";

/** Those that any two sockets may have, for tests that hold over each. */
export const TRANSPORTS: readonly Transport[] = ["inproc", "tcp"];

type Answer = { value?: unknown; error?: string; code?: string };

/** The main thread, a Worker, and the sockets of both. */
export class Moving {
  readonly kernel: Ctx;
  readonly main: Seat;
  readonly #worker: TestWorker;
  #names = 0;

  constructor() {
    this.kernel = Ctx.create(defaultCtxOptions(), WIRING);
    this.main = new Seat(contextOver(this.kernel));
    const { handle } = this.main.context;
    this.#worker = new TestWorker("migration_worker.ts", handle);
  }

  /** Opens a socket in the main thread. */
  async open(kind: Kind, options: object = {}): Promise<Traveller> {
    this.#names += 1;
    const traveller = new Traveller(this, `${kind}-${this.#names}`, kind);
    await traveller.ask({ verb: "open", kind, options });
    return traveller;
  }

  /** Binds one and connects the other. */
  async join(
    binder: Traveller,
    connecter: Traveller,
    transport: Transport,
  ): Promise<string> {
    const endpoint = await this.bind(binder, transport);
    await connecter.connect(endpoint);
    return endpoint;
  }

  /** Binds to a fresh address and gives the one to connect to. */
  async bind(binder: Traveller, transport: Transport): Promise<string> {
    const endpoint = {
      tcp: "tcp://127.0.0.1:*",
      inproc: `inproc://${binder.key}`,
      shm: "shm://*",
    }[transport];
    await binder.ask({ verb: "bind", endpoint });
    return await binder.ask({ verb: "endpoint" }) as string;
  }

  /** Has the Worker do something. */
  async there(order: Order): Promise<unknown> {
    this.#worker.say(order);
    const what = `the end of "${order.verb}"`;
    const answer = await this.#worker.said<Answer>(what);
    if (answer.error === undefined) return answer.value;
    throw Object.assign(new Error(answer.error), { code: answer.code });
  }

  /** Closes what is open and checks that nothing is left. */
  async end(): Promise<void> {
    await this.main.obey({ verb: "end" });
    await this.there({ verb: "end" });
    await this.#worker.ended();
    await this.atRest();
    await within(this.main.context.terminate(), "the context's termination");
  }

  /** Waits until the context holds nothing any more. */
  async atRest(): Promise<void> {
    let counts = "";
    try {
      await until(() => {
        const { sockets, pipes, ownedObjects, blocks } = this.kernel
          .statistics();
        counts = JSON.stringify({ sockets, pipes, ownedObjects, blocks });
        return sockets + pipes + ownedObjects + blocks === 0;
      }, "a context at rest");
    } catch {
      assert.fail(`The context still holds ${counts}`);
    }
  }

  /** After a failure: lets go of as much as possible. */
  async abandon(): Promise<void> {
    await this.#worker.stop().catch(() => {});
    await this.main.obey({ verb: "end" }).catch(() => {});
    this.main.context.terminate().catch(() => {});
  }
}

type WithoutKey<T> = T extends { key: string } ? Omit<T, "key"> : never;

/** A socket, wherever it is. */
export class Traveller {
  readonly key: string;
  readonly kind: Kind;
  readonly #moving: Moving;
  #isHere = true;

  constructor(moving: Moving, key: string, kind: Kind) {
    this.#moving = moving;
    this.key = key;
    this.kind = kind;
  }

  /** Has the thread where the socket is do something with it. */
  ask(order: WithoutKey<Order>): Promise<unknown> {
    const whole = { ...order, key: this.key } as Order;
    return this.#isHere
      ? this.#moving.main.obey(whole)
      : this.#moving.there(whole);
  }

  /** Gives the socket up where it is. */
  async leave(): Promise<SocketHandle> {
    return await this.ask({ verb: "detach" }) as SocketHandle;
  }

  /** Has the other thread take it over. */
  async arrive(handle: SocketHandle): Promise<void> {
    this.#isHere = !this.#isHere;
    await this.ask({ verb: "adopt", kind: this.kind, handle });
  }

  /** To the other thread. */
  async move(): Promise<void> {
    await this.arrive(await this.leave());
  }

  async connect(endpoint: string): Promise<void> {
    await this.ask({ verb: "connect", endpoint });
  }

  async send(...parts: string[]): Promise<void> {
    await this.ask({ verb: "send", parts });
  }

  async receive(): Promise<string[]> {
    const [message] = await this.receiveAll(1);
    return message ?? [];
  }

  async receiveAll(count: number): Promise<string[][]> {
    return await this.ask({ verb: "receive", count }) as string[][];
  }

  /** Receives one message and compares it. */
  async expect(...parts: string[]): Promise<void> {
    assert.deepEqual(await this.receive(), parts);
  }

  async subscribe(topic: string): Promise<void> {
    await this.ask({ verb: "subscribe", topic });
  }

  async unsubscribe(topic: string): Promise<void> {
    await this.ask({ verb: "unsubscribe", topic });
  }

  /** Sets a property of the socket. */
  async set(name: string, value: unknown): Promise<void> {
    await this.ask({ verb: "set", name, value });
  }

  /** Whether a message could be received; handles the socket's commands. */
  async look(): Promise<boolean> {
    return await this.ask({ verb: "look" }) as boolean;
  }

  async close(): Promise<void> {
    await this.ask({ verb: "close" });
  }
}

let warm: Promise<void> | undefined;

/** Deno keeps the poller of the last Worker that ended; see scenario.ts. */
function warmUp(): Promise<void> {
  warm ??= (async () => {
    const m = new Moving();
    await m.end();
  })();
  return warm;
}

/** Registers a test with two threads. */
export function moving(
  name: string,
  body: (m: Moving) => Promise<void>,
  timeoutMs: number = TEST_MS,
): void {
  testUnless(undefined, name, async () => {
    await warmUp();
    const leaks = leakCheck();
    await leaks.before();
    const m = new Moving();
    try {
      await within(body(m), `the test "${name}"`, timeoutMs);
      await m.end();
    } catch (error) {
      await m.abandon();
      throw error;
    }
    await leaks.after();
  }, { timeout: 2 * timeoutMs });
}
