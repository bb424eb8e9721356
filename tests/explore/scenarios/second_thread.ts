// The end of a context in which another thread of the application has sockets.
import { ZmqError } from "../../../src/base/errors.ts";
import { SocketType } from "../../../src/base/socket_type.ts";
import { type ContextHandle, Ctx } from "../../../src/core/ctx.ts";
import {
  type CtxOptions,
  defaultCtxOptions,
} from "../../../src/core/ctx_options.ts";
import type { SocketHandle } from "../../../src/core/socket_base.ts";
import type { Scenario, Search } from "../scenario.ts";
import { expect } from "./scene.ts";
import { Bell, checkGone, QUIET, World } from "./world.ts";

const OPTIONS: CtxOptions = {
  ...defaultCtxOptions(),
  ioThreads: 0,
  maxSockets: 4,
  maxConnections: 2,
};

/** What each of the two threads does with the context. */
interface Uses {
  /** The thread that ends it, before the other one has it. */
  readonly before?: (ctx: Ctx) => unknown;
  readonly other: (ctx: Ctx) => void;
}

function two(name: string, what: string, search: Search, uses: Uses): Scenario {
  let came = 0;
  let late = 0;
  return {
    name,
    what,
    threads: ["app", "reaper", "other"],
    search: { ...search, states: true },
    begin: () => void (came = late = 0),
    set() {
      const world = new World(QUIET);
      const kept: unknown[] = [];
      let ctx: Ctx | null = null;
      let handle: ContextHandle | null = null;
      return {
        threads: [
          () => {
            const mine = Ctx.create(OPTIONS, world.wiring);
            ctx = mine;
            handle = mine.handle();
            uses.before?.(mine);
            world.bells.ring(Bell.OTHER);
            mine.shutdown();
            mine.closeAll();
            kept[0] = mine;
            expect(mine.waitTerminated(Infinity), "the context ends");
          },
          () => world.runReaper((reaper) => void (kept[1] = reaper)),
          () => {
            world.bells.hear(Bell.OTHER);
            const made = handle as unknown as ContextHandle;
            if (useAttached(world, made, uses.other)) came++;
            else late++;
          },
        ],
        // The others look for mail in the midst of their calls.
        heap: (thread, waits) =>
          (waits || thread === 1) && kept[thread] !== undefined
            ? [kept[thread]]
            : null,
        check: () => checkGone(ctx as unknown as Ctx, world),
      };
    },
    finish: () => expect(came > 0 && late > 0, `both: ${came}, ${late}`),
  };
}

/**
 * Uses a context from another thread.
 *
 * @returns false when it had ended, or did meanwhile.
 */
function useAttached(
  world: World,
  handle: ContextHandle,
  use: (ctx: Ctx) => void,
): boolean {
  let done = false;
  let mine: Ctx | null = null;
  try {
    mine = Ctx.attach(handle, world.wiringOf(2));
    use(mine);
    done = true;
  } catch (error) {
    if (!(error instanceof ZmqError) || error.code !== "ETERM") throw error;
  }
  mine?.closeAll();
  mine?.leave();
  return done;
}

/** Either the other thread takes the socket, or the reaper. */
function inTransit(): Scenario {
  let handle: SocketHandle | null = null;
  return two(
    "end-in-transit",
    "a socket on its way to another thread, which may come to take it",
    { scheduleAt: "receive", scheduleIn: ["shutdown", "adopt"] },
    {
      before: (ctx) => handle = ctx.createSocket(SocketType.PULL).detach(),
      other: (ctx) => void ctx.adoptSocket(handle as unknown as SocketHandle),
    },
  );
}

export const secondThreadScenarios: readonly Scenario[] = [
  two(
    "end-against-socket",
    "a socket that another thread makes meanwhile",
    { scheduleAt: "send and receive", scheduleIn: ["shutdown", "count"] },
    {
      other: (ctx) => void ctx.createSocket(SocketType.PUSH),
    },
  ),
  two(
    "end-against-record",
    "a record that another thread takes for its socket meanwhile",
    { scheduleAt: "receive", scheduleIn: ["shutdown", "acquire"] },
    {
      before: (ctx) => void ctx.createSocket(SocketType.PULL),
      other: (ctx) => void ctx.createSocket(SocketType.PUSH),
    },
  ),
  inTransit(),
  two(
    "end-against-connect",
    "a connect of another thread to a socket that ends",
    { scheduleAt: "send and receive", scheduleIn: ["shutdown"] },
    {
      before: (ctx) => ctx.createSocket(SocketType.PULL).bind("inproc://a"),
      other: (ctx) => {
        const push = ctx.createSocket(SocketType.PUSH);
        push.setOption("linger", 0);
        push.connect("inproc://a");
      },
    },
  ),
];
