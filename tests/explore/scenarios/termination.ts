// The end of whole contexts: the real object tree on its three threads, with
// a poller, transports and a clock that only do what a scenario says. Threads
// change places at each command that is delivered.
import { SocketType } from "../../../src/base/socket_type.ts";
import { runContextWorker } from "../../../src/core/context_worker.ts";
import { Ctx } from "../../../src/core/ctx.ts";
import {
  type CtxOptions,
  defaultCtxOptions,
} from "../../../src/core/ctx_options.ts";
import { IoThread } from "../../../src/core/io_thread.ts";
import type { CorePlatform, WorkerData } from "../../../src/core/platform.ts";
import { Reaper } from "../../../src/core/reaper.ts";
import type { SocketBase } from "../../../src/core/socket_base.ts";
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
import { PATTERNS } from "../../../src/pattern/patterns.ts";
import type { Poller } from "../../../src/poller/poller.ts";
import {
  exchange,
  load,
  notifyAll,
  store,
  wait,
} from "../../../src/memory/shared_access.ts";
import { zeroed } from "../buffers.ts";
import type { Scenario } from "../scenario.ts";
import { expect, FIRST_TID, platformOf, same } from "./scene.ts";

/** What wakes each thread outside of the context's own memory. */
const Bell = { REAPER: 0, IO: 1, POLLER: 2 } as const;

/** The word after the bells that says whether a thread has left. */
const LEFT = 8;

/** What the transport does with a connection. */
interface Wire {
  /** Connections come about. */
  readonly connects: boolean;
  /** The first one breaks as soon as it is there. */
  readonly breaks: boolean;
}

/** A context of one application thread, its reaper and one I/O worker. */
class World {
  readonly wiring: Wiring;
  readonly wire: Wire;
  readonly #bells: Int32Array = new Int32Array(zeroed("world", 64));
  #reaper: WorkerData | null = null;
  #io: WorkerData | null = null;
  /** Messages that came to an engine. */
  sent = 0;
  engines = 0;
  connecters = 0;
  listeners = 0;

  constructor(wire: Wire) {
    this.wire = wire;
    this.wiring = {
      platform: this.platform(0),
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
    };
  }

  platform(thread: number): CorePlatform {
    const plain = platformOf(thread);
    return {
      ...plain,
      threadAlive: (tid) => load(this.#bells, LEFT + tid - FIRST_TID) === 0,
      wake: (target) => this.ring(target),
      spawnWorker: (data) => {
        if (data.role === "io") {
          this.#io = data;
          this.ring(Bell.IO);
        } else {
          this.#reaper = data;
          this.ring(Bell.REAPER);
        }
        return { onExit: () => {}, terminate: () => {} };
      },
      segmentCourier: () => ({
        publish: () => {},
        obtain: () => {
          throw new Error("A world has one segment");
        },
        // The last that a worker does: it is as good as gone.
        close: () => store(this.#bells, LEFT + thread, 1),
      }),
    };
  }

  ring(bell: number): void {
    store(this.#bells, bell, 1);
    notifyAll(this.#bells, bell);
  }

  hear(bell: number): void {
    while (exchange(this.#bells, bell, 0) === 0) {
      wait(this.#bells, bell, 0, Infinity);
    }
  }

  /** @param keep Told of all that the thread goes on with. */
  runReaper(keep: (object: object) => void): void {
    this.hear(Bell.REAPER);
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
    this.hear(Bell.IO);
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

  /** No descriptor is ever ready: it only waits to be woken. */
  #poller(): Poller {
    return {
      kind: "poll",
      trigger: "level",
      load: 0,
      wakeTarget: Bell.POLLER,
      wait: (timeoutMs: number) => {
        if (timeoutMs !== 0) this.hear(Bell.POLLER);
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
      if (open && world.wire.connects) accepted(7);
    });
    return {
      close: () => {
        open = false;
        world.listeners--;
      },
    };
  }

  connect(io: IoContext, session: SessionPort): Connecter {
    const world = this.#world;
    world.connecters++;
    let trying = true;
    const stop = (): void => {
      if (trying) world.connecters--;
      trying = false;
    };
    io.continueLater(() => {
      if (!trying || !world.wire.connects) return;
      stop();
      session.attach(this.createEngine(io, 7, session));
    });
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

const OPTIONS: CtxOptions = {
  ...defaultCtxOptions(),
  ioThreads: 1,
  maxSockets: 4,
  maxConnections: 6,
};

/** What the application does before it ends the context. */
type Use = (open: (type: SocketType) => SocketBase, ctx: Ctx) => void;

/** Contexts that are searched at each command taken, not sent as well. */
const TAKEN: readonly string[] = [
  "three-sockets",
  "two-sessions",
  "late-pipe",
  "accepted-breaks",
];

/** A context that is used and ended. */
function end(
  name: string,
  what: string,
  wire: Partial<Wire>,
  use: Use,
  sent: (messages: number) => boolean = () => true,
): Scenario {
  const taken = TAKEN.includes(name);
  return {
    name: `end-${name}`,
    what,
    threads: ["app", "reaper", "io"],
    search: { states: true, byCommand: taken ? "taken" : "sent" },
    deep: taken
      ? { states: true, byCommand: "sent" }
      : { states: true, preemptions: 2 },
    set() {
      const world = new World({ connects: false, breaks: false, ...wire });
      const kept: unknown[] = [];
      let ctx: Ctx | null = null;
      return {
        threads: [
          () => {
            const mine = Ctx.create(OPTIONS, world.wiring);
            ctx = mine;
            kept[0] = mine;
            mine.needIoThreads();
            use((type) => mine.createSocket(type), mine);
            mine.closeAll();
            expect(mine.waitTerminated(Infinity), "the context ends");
          },
          () => world.runReaper((reaper) => void (kept[1] = reaper)),
          () => world.runIo((io) => void (kept[2] = io)),
        ],
        // The application's thread looks for mail in the midst of its calls.
        heap: (thread, waits) =>
          waits || thread > 0
            ? [kept[thread], thread === 2 ? world : null]
            : null,
        check: () => {
          checkGone(ctx as unknown as Ctx, world);
          expect(sent(world.sent), `messages sent: ${world.sent}`);
        },
      };
    },
  };
}

function send(socket: SocketBase): void {
  socket.trySend([Uint8Array.of(1)], 1);
}

/** A socket that connects to somewhere, with a message for it. */
function connected(
  open: (type: SocketType) => SocketBase,
  type: SocketType,
  lingerMs: number,
): SocketBase {
  const socket = open(type);
  socket.setOption("linger", lingerMs);
  socket.connect("tcp://127.0.0.1:5");
  send(socket);
  return socket;
}

/** Nothing of a context and its world is left. */
function checkGone(ctx: Ctx, world: World): void {
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

export const terminationScenarios: readonly Scenario[] = [
  end("one-socket", "a socket without endpoints", {}, (open) => {
    open(SocketType.PUSH);
  }),
  end("two-sockets", "two sockets and a pipe between them", {}, (open) => {
    const pull = open(SocketType.PULL);
    pull.bind("inproc://a");
    const push = open(SocketType.PUSH);
    push.connect("inproc://a");
    send(push);
  }),
  end("three-sockets", "three sockets, one closed before", {}, (open) => {
    const pull = open(SocketType.PULL);
    pull.bind("inproc://a");
    const first = open(SocketType.PUSH);
    first.connect("inproc://a");
    const second = open(SocketType.PUSH);
    second.connect("inproc://a");
    send(second);
    first.close();
  }),
  end("no-bind", "a connect that nobody binds for, given up", {}, (open) => {
    const push = open(SocketType.PUSH);
    push.setOption("linger", 0);
    push.connect("inproc://a");
    send(push);
  }),
  end(
    "no-bind-lingers",
    "a connect that nobody binds for, and that the reaper gives up",
    {},
    (open, ctx) => {
      const push = open(SocketType.PUSH);
      push.connect("inproc://a");
      send(push);
      ctx.shutdown();
    },
  ),
  end(
    "connecting",
    "a session whose connection does not come about",
    {},
    (open) => void connected(open, SocketType.PUSH, 0),
  ),
  end(
    "session",
    "a connected session; what was sent before the end arrives",
    { connects: true },
    (open) => void connected(open, SocketType.PUSH, -1),
    (messages) => messages === 1,
  ),
  end(
    "two-sessions",
    "two sessions of one socket",
    { connects: true },
    (open) => {
      const socket = connected(open, SocketType.PUSH, -1);
      socket.connect("tcp://127.0.0.1:6");
    },
    (messages) => messages === 1,
  ),
  end(
    "disconnect",
    "a session that is told to go, and then the whole tree",
    { connects: true },
    (open) => {
      const socket = connected(open, SocketType.PUSH, -1);
      socket.disconnect("tcp://127.0.0.1:5");
    },
    (messages) => messages === 1,
  ),
  end(
    "broken-session",
    "a session whose connection breaks and is made again",
    { connects: true, breaks: true },
    (open) => void connected(open, SocketType.PUSH, -1),
    (messages) => messages === 1,
  ),
  end(
    "hiccup",
    "a subscriber's session that hiccups while its socket ends",
    { connects: true, breaks: true },
    (open) => {
      const socket = open(SocketType.XSUB);
      socket.setOption("linger", 0);
      socket.connect("tcp://127.0.0.1:5");
      // A subscription to everything.
      send(socket);
    },
  ),
  end(
    "hiccup-lingers",
    "the same without a limit to its linger",
    { connects: true, breaks: true },
    (open) => void connected(open, SocketType.XSUB, -1),
  ),
  end(
    "late-pipe",
    "a session that makes its pipe with its connection, and breaks",
    { connects: true, breaks: true },
    (open) => {
      const socket = open(SocketType.DEALER);
      socket.setOption("linger", 0);
      socket.setOption("immediate", true);
      socket.connect("tcp://127.0.0.1:5");
    },
  ),
  end("listener", "a listener that nobody connects to", {}, (open) => {
    open(SocketType.PULL).bind("tcp://127.0.0.1:5");
  }),
  end(
    "accepted",
    "a listener with the session of a connection",
    { connects: true },
    (open) => open(SocketType.PULL).bind("tcp://127.0.0.1:5"),
  ),
  end(
    "accepted-breaks",
    "a listener whose session ends by itself meanwhile",
    { connects: true, breaks: true },
    (open) => open(SocketType.PULL).bind("tcp://127.0.0.1:5"),
  ),
];
