// The end of whole contexts: the real object tree on its three threads. They
// change places at the commands that go to and fro.
import { SocketType } from "../../../src/base/socket_type.ts";
import { Ctx } from "../../../src/core/ctx.ts";
import {
  type CtxOptions,
  defaultCtxOptions,
} from "../../../src/core/ctx_options.ts";
import type { SocketBase } from "../../../src/core/socket_base.ts";
import type { Scenario } from "../scenario.ts";
import { expect } from "./scene.ts";
import { checkGone, type Wire, World } from "./world.ts";

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
  "accepted",
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
