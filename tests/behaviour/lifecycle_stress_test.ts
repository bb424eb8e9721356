// A thousand contexts with four sockets each, ended at a random moment.
import assert from "node:assert/strict";
import process from "node:process";
import { test } from "node:test";
import {
  Context,
  Dealer,
  Pair,
  Publisher,
  Pull,
  Push,
  Reply,
  Request,
  Router,
  type Socket,
  Subscriber,
  XPublisher,
  XSubscriber,
} from "../../mod.ts";
import { leakFree } from "../support/leaks.ts";
import { temporaryFolder } from "../support/ports.ts";
import { expectNothingHeld, warmUp } from "../support/scenario.ts";
import { type SeededRandom, seededRandom } from "../support/seed.ts";
import { nextTurn, within } from "../support/wait.ts";

const CYCLES = Number(process.env["PUREZMQ_STRESS_CYCLES"] ?? 1000);
const WATCHDOG_MS = 5000;

/** What an operation may fail with when things end around it. */
const EXPECTED = new Set([
  "EAGAIN",
  "EADDRINUSE",
  "EBADF",
  "EBUSY",
  "EFSM",
  "EHOSTUNREACH",
  "EMTHREAD",
  "ENOENT",
  "ENOTSOCK",
  "ENOTSUP",
  "ETERM",
]);

function expected(error: unknown): void {
  const code = (error as { code?: string }).code ?? "";
  if (!EXPECTED.has(code)) throw error;
}

const PAIRS = [
  [Pair, Pair],
  [Push, Pull],
  [Publisher, Subscriber],
  [XPublisher, XSubscriber],
  [XPublisher, Subscriber],
  [Request, Reply],
  [Request, Router],
  [Dealer, Reply],
  [Dealer, Router],
  [Dealer, Dealer],
  [Router, Router],
] as const;

interface AnySocket extends Socket {
  send?(message: unknown): Promise<void>;
  receive?(): Promise<unknown>;
  subscribe?(topic: string): void;
  unsubscribe?(topic: string): void;
}

/** One context's life. */
class Cycle {
  #random: SeededRandom;
  #folder: string;
  #context: Context;
  #sockets: AnySocket[] = [];
  #endpoints: string[] = [];
  #pending: Promise<void>[] = [];

  constructor(random: SeededRandom, folder: string) {
    this.#random = random;
    this.#folder = folder;
    this.#context = new Context({ ioThreads: random.pick([0, 1, 1, 1, 2]) });
  }

  async run(): Promise<void> {
    const random = this.#random;
    for (let n = 0; n < 2; n += 1) {
      for (const type of random.pick(PAIRS)) {
        const linger = random.pick([0, 0, 1, 20]);
        const socket: Socket = new type({ context: this.#context, linger });
        this.#sockets.push(socket);
      }
    }
    await this.#join(0, 1);
    const steps = random.below(30);
    for (let n = 0; n < steps; n += 1) await this.#step();
    await this.#end();
    await Promise.all(this.#pending);
  }

  /** Two sockets that fit are bound and connected, in either order. */
  async #join(first: number, second: number): Promise<void> {
    const [binder, connecter] = [this.#sockets[first], this.#sockets[second]];
    if (binder === undefined || connecter === undefined) return;
    const transport = this.#random.pick(["inproc", "tcp", "ipc"]);
    const address = transport === "tcp"
      ? "tcp://127.0.0.1:*"
      : transport === "ipc"
      ? `ipc://${this.#folder}/${this.#random.below(3)}`
      : `inproc://${this.#random.below(3)}`;
    try {
      if (transport !== "tcp" && this.#random.chance(0.5)) {
        connecter.connect(address);
        this.#endpoints.push(address);
        if (this.#random.chance(0.7)) await binder.bind(address);
      } else {
        await binder.bind(address);
        const endpoint = binder.lastEndpoint ?? "";
        this.#endpoints.push(endpoint);
        connecter.connect(endpoint);
      }
    } catch (error) {
      expected(error);
    }
  }

  /** Remembers an operation whose end is awaited at the end of the cycle. */
  #later(start: () => Promise<unknown> | undefined): void {
    try {
      const operation = start();
      if (operation !== undefined) {
        this.#pending.push(operation.then(() => {}, expected));
      }
    } catch (error) {
      expected(error);
    }
  }

  async #step(): Promise<void> {
    const random = this.#random;
    const at = random.below(this.#sockets.length);
    const socket = this.#sockets[at] as AnySocket;
    try {
      switch (random.below(12)) {
        case 0:
        case 1:
        case 2:
          this.#later(() => socket.send?.(this.#message()));
          break;
        case 3:
        case 4:
          this.#later(() => socket.receive?.());
          break;
        case 5:
          socket.subscribe?.(random.pick(["", "a", "b"]));
          break;
        case 6:
          socket.unsubscribe?.(random.pick(["", "a", "b"]));
          break;
        case 7:
          await this.#join(at, at ^ 1);
          break;
        case 8:
          if (this.#endpoints.length === 0) break;
          if (random.chance(0.5)) {
            socket.disconnect(random.pick(this.#endpoints));
          } else await socket.unbind(random.pick(this.#endpoints));
          break;
        case 9:
          if (random.chance(0.3)) socket.close();
          break;
        case 10:
          void (socket.closed || socket.readable || socket.writable);
          break;
        default:
          await nextTurn();
      }
    } catch (error) {
      expected(error);
    }
  }

  #message(): (string | Uint8Array)[] {
    const random = this.#random;
    const parts: (string | Uint8Array)[] = [];
    const count = random.between(1, 4);
    for (let n = 0; n < count; n += 1) {
      parts.push(
        random.chance(0.1)
          ? new Uint8Array(random.pick([100_000, 1_000_000]))
          : random.pick(["", "a", "b-topic", "x".repeat(300)]),
      );
    }
    return parts;
  }

  async #end(): Promise<void> {
    const way = this.#random.below(4);
    if (way === 0) { for (const socket of this.#sockets) socket.close(); }
    if (way === 1) this.#context.shutdown();
    if (way === 2) this.#sockets[this.#random.below(4)]?.close();
    await this.#context.terminate();
    expectNothingHeld(this.#context);
  }
}

test(
  `${CYCLES} contexts with four sockets each end at a random moment`,
  { timeout: 600_000 },
  () =>
    warmUp().then(leakFree(async () => {
      const random = seededRandom(`${CYCLES} lives of a context`);
      using folder = temporaryFolder();
      for (let n = 0; n < CYCLES; n += 1) {
        const state = `cycle ${n} of PUREZMQ_SEED=${random.seed}`;
        const cycle = new Cycle(random, folder.path);
        await within(cycle.run(), state, WATCHDOG_MS).catch((error) => {
          assert.fail(`${state}: ${error.stack ?? error}`);
        });
      }
    })),
);
