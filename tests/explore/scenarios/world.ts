// The system under a whole context: the workers' threads, a poller, transports
// and a clock that only do what a scenario says.
import { runContextWorker } from "../../../src/core/context_worker.ts";
import type { Ctx } from "../../../src/core/ctx.ts";
import { IoThread } from "../../../src/core/io_thread.ts";
import type { CorePlatform, WorkerData } from "../../../src/core/platform.ts";
import { Reaper } from "../../../src/core/reaper.ts";
import { EngineEnd } from "../../../src/core/transport.ts";
import type {
  Connecter,
  Engine,
  IoContext,
  Listener,
  SessionPort,
  Transport,
} from "../../../src/core/transport.ts";
import type { Wiring } from "../../../src/core/wiring_contract.ts";
import { H, THREAD } from "../../../src/memory/layout.ts";
import { PATTERNS } from "../../../src/pattern/patterns.ts";
import type { Poller } from "../../../src/poller/poller.ts";
import {
  add,
  exchange,
  load,
  store,
} from "../../../src/memory/shared_access.ts";
import { constant } from "../heap.ts";
import { turn } from "../runtime.ts";
import { Bells } from "./bells.ts";
import { FIRST_TID, platformOf, same } from "./scene.ts";

/** What wakes each thread outside of the context's own memory. */
export const Bell = {
  REAPER: 0,
  IO: 1,
  POLLER: 2,
  OTHER: 3,
  CLOCK: 4,
} as const;

/** The word after the bells that says whether a thread has left. */
const LEFT = 8;

/** The word after those that says what time it is. */
const NOW = 12;

/** How far the time moves on, once. */
export const TICK_MS = 10;

/** What the transport does with a connection. */
export interface Wire {
  /** Connections come about. */
  readonly connects: boolean;
  /** The first one breaks as soon as it is there. */
  readonly breaks: boolean;
  /** How many come to a listener. */
  readonly accepted: number;
  /** Time passes once the I/O worker waits for it. */
  readonly ticks: boolean;
}

/** Nothing comes about. */
export const QUIET: Wire = {
  connects: false,
  breaks: false,
  accepted: 1,
  ticks: false,
};

/**
 * A context of one application thread, its reaper and one I/O worker. Of its
 * fields only {@link World.wireState} goes on changing.
 */
export class World {
  readonly wiring: Wiring;
  readonly wire: Wire;
  readonly bells: Bells = new Bells("world");
  #reaper: WorkerData | null = null;
  #io: WorkerData | null = null;
  /** Messages that came to an engine. */
  sent = 0;
  engines = 0;
  connecters = 0;
  listeners = 0;

  constructor(wire: Wire) {
    constant(this);
    this.wire = wire;
    this.wiring = this.wiringOf(0);
  }

  /** What a thread of the application has of the system. */
  wiringOf(thread: number): Wiring {
    return constant({
      platform: this.platform(thread),
      patterns: PATTERNS,
      binders: [{
        protocols: ["tcp"],
        listen: () => ({
          fd: 5,
          endpoint: "tcp://127.0.0.1:5",
          temporary: false,
          discard: () => {},
        }),
      }],
    });
  }

  platform(thread: number): CorePlatform {
    const plain = platformOf(thread);
    return constant({
      ...plain,
      monotonicMs: () => this.wire.ticks ? load(this.bells.words, NOW) : 0,
      // Only mail ends it: in an event loop that comes by itself.
      // deno-lint-ignore require-await -- transformed, it runs to its end.
      delay: async (_timeoutMs, onStart) => {
        let woken = false;
        onStart(() => void (woken = true));
        while (!woken) turn();
      },
      threadAlive: (tid) =>
        load(this.bells.words, LEFT + tid - FIRST_TID) === 0,
      // An I/O thread that has ended leaves -1, and nobody to be woken.
      wake: (target) => {
        if (target >= 0) this.bells.ring(target);
      },
      spawnWorker: (data) => {
        if (data.role === "io") {
          this.#io = data;
          this.bells.ring(Bell.IO);
        } else {
          this.#reaper = data;
          this.bells.ring(Bell.REAPER);
        }
        return { onExit: () => {}, terminate: () => {} };
      },
      segmentCourier: () =>
        constant({
          publish: () => {},
          obtain: () => {
            throw new Error("A world has one segment");
          },
          // The last that a worker does: it is as good as gone.
          close: () => store(this.bells.words, LEFT + thread, 1),
        }),
    });
  }

  /** What the I/O worker's objects hold of it. */
  get wireState(): readonly number[] {
    return [this.sent, this.engines, this.connecters, this.listeners];
  }

  /** @param keep Told of all that the thread goes on with. */
  runReaper(keep: (object: object) => void): void {
    this.bells.hear(Bell.REAPER);
    const platform = this.platform(1);
    runContextWorker(
      this.#reaper as WorkerData,
      platform,
      (thread, _handle, started) => {
        const reaper = new Reaper(thread);
        keep(reaper);
        started();
        reaper.run();
      },
    );
  }

  runIo(keep: (object: object) => void): void {
    this.bells.hear(Bell.IO);
    const platform = this.platform(2);
    runContextWorker(
      this.#io as WorkerData,
      platform,
      (thread, _handle, started) => {
        const io = new IoThread(
          thread,
          this.#poller(),
          [new WorldTransport(this)],
          "",
        );
        keep(io);
        started();
        io.run();
        io.close();
      },
    );
  }

  /** Lets some time pass, at any time after somebody waits for it. */
  runClock(): void {
    this.bells.hear(Bell.CLOCK);
    add(this.bells.words, NOW, TICK_MS);
    this.bells.ring(Bell.POLLER);
  }

  /** Who only looks for events gives others their turn. */
  poll(): void {
    exchange(this.bells.words, Bell.POLLER, 0);
  }

  /** No descriptor is ever ready: it only waits to be woken. */
  #poller(): Poller {
    return {
      kind: "poll",
      trigger: "level",
      load: 0,
      wakeTarget: Bell.POLLER,
      wait: (timeoutMs: number) => {
        if (timeoutMs > 0 && timeoutMs <= TICK_MS) this.bells.ring(Bell.CLOCK);
        if (timeoutMs !== 0) this.bells.hear(Bell.POLLER);
        else this.poll();
        return 0;
      },
      close: () => {},
    } as unknown as Poller;
  }
}

/** Connections as the world's wire says. */
class WorldTransport implements Transport {
  readonly protocols: readonly string[] = ["tcp"];
  readonly #world: World;
  #breaks: boolean;

  constructor(world: World) {
    this.#world = world;
    this.#breaks = world.wire.breaks;
  }

  accept(
    io: IoContext,
    _fd: number,
    _endpoint: string,
    _options: unknown,
    accepted: (fd: number) => void,
  ): Listener {
    const world = this.#world;
    world.listeners++;
    let open = true;
    io.continueLater(() => {
      if (!open || !world.wire.connects) return;
      for (let n = 0; n < world.wire.accepted; n++) accepted(7 + n);
    });
    return {
      close: () => {
        open = false;
        world.listeners--;
      },
    };
  }

  connect(io: IoContext, session: SessionPort, again: boolean): Connecter {
    const world = this.#world;
    world.connecters++;
    let trying = true;
    const stop = (): void => {
      if (trying) world.connecters--;
      trying = false;
    };
    const connect = (): void => {
      if (!trying || !world.wire.connects) return;
      stop();
      session.attach(this.createEngine(io, 7, session));
    };
    // Where time passes, the next connection takes some.
    if (again && world.wire.ticks) io.timers.add(TICK_MS, connect);
    else io.continueLater(connect);
    return { close: stop };
  }

  createEngine(io: IoContext, _fd: number, session: SessionPort): Engine {
    const breaks = this.#breaks;
    this.#breaks = false;
    return new WorldEngine(this.#world, io, session, breaks);
  }
}

/** Takes whatever is sent; breaks once if it is to. */
class WorldEngine implements Engine {
  readonly #world: World;
  readonly #io: IoContext;
  readonly #session: SessionPort;
  readonly #breaks: boolean;
  #over = false;

  constructor(
    world: World,
    io: IoContext,
    session: SessionPort,
    breaks: boolean,
  ) {
    this.#world = world;
    this.#io = io;
    this.#session = session;
    this.#breaks = breaks;
    world.engines++;
  }

  plug(): void {
    const session = this.#session;
    if (!session.engineReady(new Uint8Array(0))) {
      this.#end();
      session.engineError(EngineEnd.CONNECTION, "no pipe is left");
      return;
    }
    if (this.#breaks) {
      this.#io.continueLater(() => {
        if (this.#over) return;
        this.#end();
        session.engineError(EngineEnd.CONNECTION, "broken");
      });
    } else this.restartOutput();
  }

  restartOutput(): void {
    const { pipe } = this.#session;
    if (this.#breaks || this.#over || pipe === null) return;
    if (pipe.hiccupPending) return;
    while (pipe.checkRead()) {
      this.#world.sent++;
      pipe.skipFrame();
      pipe.reader.commit();
    }
  }

  restartInput(): void {}

  pipeTerminated(): void {}

  terminate(): void {
    this.#end();
  }

  #end(): void {
    if (!this.#over) this.#world.engines--;
    this.#over = true;
  }
}

/**
 * What the header of a context and its threads' records hold at the end, but
 * for counts, for marks that were set for a thread which had left, and for where
 * the memory lies that came back.
 */
export function endOf({ thread: { control } }: Ctx): readonly unknown[] {
  const { words, layout } = control;
  const { threads, threadCount, threadSize } = layout;
  const left = words.slice(0, threads + threadCount * threadSize);
  left.fill(0, H.CELL_STACK, H.REGISTRY_LOCK);
  for (let slot = 0; slot < threadCount; slot++) {
    const record = layout.thread(slot);
    left.fill(0, record + THREAD.SLEEP, record + THREAD.SLEEP + 1);
    left.fill(0, record + THREAD.SUMMARY, record + THREAD.SUMMARY + 1);
    left.fill(0, record + THREAD.WAITS, record + threadSize);
  }
  return [left];
}

/** Nothing of a context and its world is left. */
export function checkGone(ctx: Ctx, world: World): void {
  const { sockets, pipes, ownedObjects, blocks, memoryUsedBytes } = ctx
    .statistics();
  same(
    [sockets, pipes, ownedObjects, blocks, memoryUsedBytes],
    [0, 0, 0, 0, 0],
    "sockets, pipes, objects, blocks and bytes",
  );
  same(
    [world.engines, world.connecters, world.listeners],
    [0, 0, 0],
    "engines, connecters and listeners",
  );
}
