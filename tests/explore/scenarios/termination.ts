// The end of whole contexts: the real object tree on its three threads. They
// change places at the commands that go to and fro.
import { SocketType } from "../../../src/base/socket_type.ts";
import { Ctx } from "../../../src/core/ctx.ts";
import {
  type CtxOptions,
  defaultCtxOptions,
} from "../../../src/core/ctx_options.ts";
import type { SocketBase } from "../../../src/core/socket_base.ts";
import type { Scenario, Search } from "../scenario.ts";
import { expect, same } from "./scene.ts";
import { checkGone, endOf, QUIET, TICK_MS, type Wire, World } from "./world.ts";

const OPTIONS: CtxOptions = {
  ...defaultCtxOptions(),
  ioThreads: 1,
  maxSockets: 4,
  maxConnections: 6,
};

/** A context that is used and ended. */
interface Life {
  /** Without what all names begin with. */
  readonly name: string;
  readonly what: string;
  readonly wire?: Partial<Wire>;
  /** What the application does before it ends the context. */
  readonly use: (open: (type: SocketType) => SocketBase, ctx: Ctx) => void;
  /** How many messages arrive: each of these, where it is said. */
  readonly arrive?: readonly number[];
  /** It waits for the end in its event loop. */
  readonly byPromise?: boolean;
  /** How far it is searched, and how far in a deep run. */
  readonly search?: Search;
  readonly deep?: Search;
}

/** For those with few orders. */
const AT_LOOKS: Search = { states: true, scheduleAt: "send, look and receive" };

const AT_COMMANDS: Search = { states: true, scheduleAt: "send and receive" };

/** For those with too many orders of the commands that are sent. */
const AT_RECEIVES: Search = { states: true, scheduleAt: "receive" };

const THREADS = ["app", "reaper", "io", "clock"] as const;
const CLOCK = THREADS.indexOf("clock");

function end(life: Life): Scenario {
  const { wire, arrive, byPromise = false } = life;
  const ticks = wire?.ticks === true;
  const arrived = new Set<number>();
  return {
    name: `end-${life.name}`,
    what: life.what,
    threads: ticks ? THREADS : THREADS.slice(0, CLOCK),
    search: life.search ?? AT_COMMANDS,
    deep: life.deep ?? (life.search === AT_RECEIVES ? AT_COMMANDS : AT_LOOKS),
    begin: () => arrived.clear(),
    set() {
      const world = new World({ ...QUIET, ...wire });
      const kept: unknown[] = [];
      let ctx: Ctx | null = null;
      let ended = false;
      const begin = (): Ctx => {
        const mine = Ctx.create(OPTIONS, world.wiring);
        ctx = mine;
        kept[0] = mine;
        mine.needIoThreads();
        life.use((type) => mine.createSocket(type), mine);
        mine.closeAll();
        return mine;
      };
      const threads = [
        byPromise
          ? async () => {
            await begin().terminated();
            ended = true;
          }
          : () => void (ended = begin().waitTerminated(Infinity)),
        () => world.runReaper((reaper) => void (kept[1] = reaper)),
        () => world.runIo((io) => void (kept[2] = io)),
        () => world.runClock(),
      ];
      return {
        threads: ticks ? threads : threads.slice(0, CLOCK),
        // The application's thread looks for mail in the midst of its calls.
        heap: (thread, waits) =>
          thread < CLOCK && (waits || thread > 0)
            ? [kept[thread], thread === 2 ? world.wireState : null]
            : null,
        end: () => endOf(ctx as unknown as Ctx),
        // It may be that nobody comes to wait for the time.
        mayEnd: ({ asleep }) => asleep.every((thread) => thread === CLOCK),
        check: () => {
          expect(ended, "the context ends");
          checkGone(ctx as unknown as Ctx, world);
          const { sent } = world;
          arrived.add(sent);
          expect(arrive?.includes(sent) !== false, `messages sent: ${sent}`);
        },
      };
    },
    finish: () => {
      if (arrive === undefined) return;
      same([...arrived].sort(), arrive, "messages that arrived at times");
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

const LIVES: readonly Life[] = [
  {
    name: "one-socket",
    what: "a socket without endpoints",
    search: AT_LOOKS,
    use: (open) => void open(SocketType.PUSH),
  },
  {
    name: "two-sockets",
    what: "two sockets and a pipe between them",
    use: (open) => {
      const pull = open(SocketType.PULL);
      pull.bind("inproc://a");
      const push = open(SocketType.PUSH);
      push.connect("inproc://a");
      send(push);
    },
  },
  {
    name: "three-sockets",
    what: "three sockets, one closed before",
    use: (open) => {
      const pull = open(SocketType.PULL);
      pull.bind("inproc://a");
      const first = open(SocketType.PUSH);
      first.connect("inproc://a");
      const second = open(SocketType.PUSH);
      second.connect("inproc://a");
      send(second);
      first.close();
    },
  },
  {
    name: "promise",
    what: "a socket without endpoints; the end is waited for in an event loop",
    byPromise: true,
    search: AT_LOOKS,
    use: (open) => void open(SocketType.PUSH),
  },
  {
    name: "promise-session",
    what: "a session, whose end is waited for in an event loop",
    wire: { connects: true },
    byPromise: true,
    use: (open) => void connected(open, SocketType.PUSH, -1),
    arrive: [1],
  },
  {
    name: "no-bind",
    what: "a connect that nobody binds for, given up",
    search: AT_LOOKS,
    use: (open) => {
      const push = open(SocketType.PUSH);
      push.setOption("linger", 0);
      push.connect("inproc://a");
      send(push);
    },
  },
  {
    name: "no-bind-lingers",
    what: "a connect that nobody binds for, and that the reaper gives up",
    search: AT_LOOKS,
    use: (open, ctx) => {
      const push = open(SocketType.PUSH);
      push.connect("inproc://a");
      send(push);
      ctx.shutdown();
    },
  },
  {
    name: "connecting",
    what: "a session whose connection does not come about",
    search: AT_LOOKS,
    use: (open) => void connected(open, SocketType.PUSH, 0),
  },
  {
    name: "linger",
    what: "the same, until its linger is over",
    wire: { ticks: true },
    search: AT_LOOKS,
    use: (open) => void connected(open, SocketType.PUSH, TICK_MS),
    arrive: [0],
  },
  {
    name: "session",
    what: "a connected session; what was sent before the end arrives",
    wire: { connects: true },
    search: AT_LOOKS,
    use: (open) => void connected(open, SocketType.PUSH, -1),
    arrive: [1],
  },
  {
    name: "two-sessions",
    what: "two sessions of one socket",
    wire: { connects: true },
    search: AT_RECEIVES,
    use: (open) => {
      const socket = connected(open, SocketType.PUSH, -1);
      socket.connect("tcp://127.0.0.1:6");
    },
    arrive: [1],
  },
  {
    name: "disconnect",
    what: "a session that is told to go, and then the whole tree",
    wire: { connects: true },
    use: (open) => {
      const socket = connected(open, SocketType.PUSH, -1);
      socket.disconnect("tcp://127.0.0.1:5");
    },
    arrive: [1],
  },
  {
    name: "broken-session",
    what: "a session whose connection breaks and is made again",
    wire: { connects: true, breaks: true },
    use: (open) => void connected(open, SocketType.PUSH, -1),
    arrive: [1],
  },
  {
    name: "broken-linger",
    what: "the same, unless its linger is over before",
    wire: { connects: true, breaks: true, ticks: true },
    search: AT_RECEIVES,
    use: (open) => void connected(open, SocketType.PUSH, TICK_MS),
    arrive: [0, 1],
  },
  {
    name: "hiccup",
    what: "a subscriber's session that hiccups while its socket ends",
    wire: { connects: true, breaks: true },
    use: (open) => {
      const socket = open(SocketType.XSUB);
      socket.setOption("linger", 0);
      socket.connect("tcp://127.0.0.1:5");
      // A subscription to everything.
      send(socket);
    },
  },
  {
    name: "hiccup-lingers",
    what: "the same without a limit to its linger",
    wire: { connects: true, breaks: true },
    search: AT_RECEIVES,
    use: (open) => void connected(open, SocketType.XSUB, -1),
  },
  {
    name: "late-pipe",
    what: "a session that makes its pipe with its connection, and breaks",
    wire: { connects: true, breaks: true },
    search: AT_RECEIVES,
    use: (open) => {
      const socket = open(SocketType.DEALER);
      socket.setOption("linger", 0);
      socket.setOption("immediate", true);
      socket.connect("tcp://127.0.0.1:5");
    },
  },
  {
    name: "listener",
    what: "a listener that nobody connects to",
    search: AT_LOOKS,
    use: (open) => open(SocketType.PULL).bind("tcp://127.0.0.1:5"),
  },
  {
    name: "accepted",
    what: "a listener with the session of a connection",
    wire: { connects: true },
    use: (open) => open(SocketType.PULL).bind("tcp://127.0.0.1:5"),
  },
  {
    name: "accepted-two",
    what: "a listener with the sessions of two connections",
    wire: { connects: true, accepted: 2 },
    search: { ...AT_RECEIVES, preemptions: 2 },
    deep: AT_RECEIVES,
    use: (open) => open(SocketType.PULL).bind("tcp://127.0.0.1:5"),
  },
  {
    name: "accepted-breaks",
    what: "a listener whose session ends by itself meanwhile",
    wire: { connects: true, breaks: true },
    search: AT_RECEIVES,
    use: (open) => open(SocketType.PULL).bind("tcp://127.0.0.1:5"),
  },
];

export const terminationScenarios: readonly Scenario[] = LIVES.map(end);
