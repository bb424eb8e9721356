// Commands between threads, and how those sleep.
import { H, NODE, Pool, SOCKET, THREAD } from "../../../src/memory/layout.ts";
import { MAILBOX } from "../../../src/memory/layout.ts";
import { store } from "../../../src/memory/shared_access.ts";
import { takeThreadSlot } from "../../../src/core/thread.ts";
import type { Thread } from "../../../src/core/thread.ts";
import { turn } from "../runtime.ts";
import type { Scenario } from "../scenario.ts";
import { expect, platformOf, same, Scene } from "./scene.ts";

/** A thread that hears commands, and what it heard. */
class Hearer {
  readonly thread: Thread;
  bits = 0;
  /** What was heard, command by command or several at once. */
  readonly heard: number[] = [];

  constructor(thread: Thread, ...nodes: number[]) {
    this.thread = thread;
    for (const node of nodes) {
      thread.register(node, {
        processCommands: (bits) => {
          expect((this.bits & bits) === 0, "no command comes twice");
          this.bits |= bits;
          this.heard.push(bits);
        },
      });
    }
  }

  hear(all: number): void {
    while (this.bits !== all) this.thread.waitSync(Infinity);
  }
}

/** Nodes in some record, served by a mailbox or by nobody yet. */
function nodesOf(
  scene: Scene,
  thread: Thread,
  mailboxes: readonly number[],
): number[] {
  const record = thread.control.takeRecord(Pool.OWN);
  return mailboxes.map((mailbox, i) => {
    const node = record + 3 * i;
    store(scene.words, node + NODE.MAILBOX, mailbox);
    return node;
  });
}

/** A thread that hears what is sent to some nodes of its, and another one. */
function hearing(nodes: number) {
  const scene = new Scene();
  const thread = scene.thread(0);
  const own = nodesOf(scene, thread, new Array(nodes).fill(thread.mailbox));
  const hearer = new Hearer(thread, ...own);
  return { scene, thread, hearer, nodes: own, node: own[0] as number };
}

/** A socket's mailbox and a node that it serves. */
function socketOf(scene: Scene, thread: Thread): number {
  const { control } = thread;
  const record = control.takeRecord(Pool.SOCKET);
  const number = scene.layout.recordNumber(Pool.SOCKET, record);
  control.initMailbox(record + SOCKET.MAILBOX, thread.slot, number + 1);
  control.initNode(record + SOCKET.NODE, record + SOCKET.MAILBOX);
  return record;
}

export const mailboxScenarios: readonly Scenario[] = [
  {
    name: "two-writers",
    what: "two threads send to two objects of a third one",
    threads: ["receiver", "left", "right"],
    set() {
      const { scene, hearer, nodes } = hearing(2);
      return {
        threads: [
          () => hearer.hear(3),
          ...nodes.map((node, i) => {
            const { control } = scene.view(1 + i);
            return () => control.post(node, 1 << i);
          }),
        ],
        check: () => same(hearer.bits, 3, "commands"),
      };
    },
  },
  {
    name: "two-writers-one-node",
    what: "two threads send to one object of a third one",
    threads: ["receiver", "left", "right"],
    set() {
      const { scene, hearer, node } = hearing(1);
      return {
        threads: [
          () => hearer.hear(3),
          ...[0, 1].map((i) => {
            const { control } = scene.view(1 + i);
            return () => control.post(node, 1 << i);
          }),
        ],
        check: () => same(hearer.bits, 3, "commands"),
      };
    },
  },
  {
    name: "three-commands",
    what: "one thread sends three commands to two objects of another",
    threads: ["receiver", "sender"],
    deep: { spurious: 1, timeouts: 1 },
    set() {
      const { scene, hearer, nodes } = hearing(2);
      const [a, b] = nodes as [number, number];
      const { control } = scene.view(1);
      return {
        threads: [
          () => hearer.hear(7),
          () => {
            control.post(a, 1);
            control.post(b, 2);
            control.post(a, 4);
          },
        ],
        check: () => {
          same(hearer.bits, 7, "commands");
          expect(hearer.heard[0] !== 2, "the oldest command comes first");
        },
      };
    },
  },
  {
    name: "post-against-serve",
    what: "commands to an object that nobody serves yet",
    threads: ["server", "sender"],
    set() {
      const scene = new Scene();
      const thread = scene.thread(0);
      const [node] = nodesOf(scene, thread, [0]) as [number];
      const hearer = new Hearer(thread, node);
      const { control } = scene.view(1);
      return {
        threads: [
          () => {
            thread.control.serveNode(node, thread.mailbox);
            hearer.hear(3);
          },
          () => {
            control.post(node, 1);
            control.post(node, 2);
          },
        ],
        check: () => same(hearer.bits, 3, "commands"),
      };
    },
  },
  {
    name: "post-against-move",
    what: "commands to a socket that moves to another thread",
    threads: ["adopter", "sender"],
    set() {
      const scene = new Scene();
      const adopter = scene.thread(0);
      const former = scene.thread(2);
      const record = socketOf(scene, former);
      const hearer = new Hearer(adopter, record + SOCKET.NODE);
      const { control } = scene.view(1);
      const mailbox = record + SOCKET.MAILBOX;
      return {
        threads: [
          () => {
            store(scene.words, mailbox + MAILBOX.OWNER, adopter.slot);
            adopter.processMailbox(mailbox);
            hearer.hear(3);
          },
          () => {
            control.post(record + SOCKET.NODE, 1);
            control.post(record + SOCKET.NODE, 2);
          },
        ],
        check: () => same(hearer.bits, 3, "commands"),
      };
    },
  },
  {
    name: "event-loop",
    what: "commands to a thread that is in its event loop",
    threads: ["receiver", "sender"],
    set() {
      const { scene, thread, hearer, node } = hearing(1);
      const { control } = scene.view(1);
      return {
        threads: [
          () => {
            thread.stand();
            while (hearer.bits !== 3) turn();
          },
          () => {
            control.post(node, 1);
            control.post(node, 2);
          },
        ],
        check: () => same(hearer.bits, 3, "commands"),
      };
    },
  },
  {
    name: "blocking-beside-event-loop",
    what: "commands to a thread that blocks with its event loop armed",
    threads: ["receiver", "sender"],
    set() {
      const { scene, thread, hearer, node } = hearing(1);
      const { control } = scene.view(1);
      return {
        threads: [
          () => {
            thread.stand();
            hearer.hear(1);
            while (hearer.bits !== 3) turn();
          },
          () => {
            control.post(node, 1);
            control.post(node, 2);
          },
        ],
        // Both may have come to the blocking call together.
        mayEnd: () => hearer.bits === 3,
        check: () => same(hearer.bits, 3, "commands"),
      };
    },
  },
  {
    name: "descriptor-sleep",
    what: "a command to a thread that sleeps beside descriptors",
    threads: ["receiver", "sender"],
    set() {
      const { scene, thread, hearer, node } = hearing(1);
      const { control } = scene.view(1, {
        ...platformOf(1),
        wake: (target) => scene.bells.ring(target),
      });
      return {
        threads: [
          () => {
            while (hearer.bits !== 3) {
              thread.beginDescriptorSleep(1);
              const asleep = !thread.hasMail();
              if (asleep) scene.bells.hear(1);
              const woken = thread.endDescriptorSleep();
              // Who undertook to ring does so before the bell goes away.
              if (woken && !asleep) scene.bells.hear(1);
              expect(woken || !asleep, "nobody rings without saying so");
              thread.processMail();
            }
          },
          () => {
            control.post(node, 1);
            control.post(node, 2);
          },
        ],
        check: () => same(hearer.bits, 3, "commands"),
      };
    },
  },
  {
    name: "thread-slots",
    what: "two threads join a context that has one of them left to take over",
    threads: ["left", "right"],
    set() {
      const scene = new Scene();
      const views = [scene.view(0), scene.view(1)];
      const last = scene.layout.threadCount;
      const slots: number[] = [];
      return {
        threads: views.map(({ control }) => () => {
          slots.push(takeThreadSlot(control, last - 2));
        }),
        check: () => {
          same([...slots].sort(), [last - 2, last - 1], "slots taken");
          for (const slot of slots) {
            const tid = scene.header(scene.layout.thread(slot) + THREAD.TID);
            expect(tid !== 0, "the slot says whose it is");
          }
          same(scene.header(H.STATE), 0, "the context's state");
        },
      };
    },
  },
];
