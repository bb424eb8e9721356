// Names: bind against connect against close.
import { END, NODE, PIPE, Pool, SOCKET } from "../../../src/memory/layout.ts";
import { load, store } from "../../../src/memory/shared_access.ts";
import type { ContextMemory } from "../../../src/memory/context_memory.ts";
import { Command } from "../../../src/core/command.ts";
import { InprocRegistry } from "../../../src/core/inproc_registry.ts";
import type { Scenario } from "../scenario.ts";
import { expect, same, Scene } from "./scene.ts";

const NAME = "a";

/** A bound or connecting socket, without what goes through its pipes. */
class NamedSocket {
  readonly memory: ContextMemory;
  readonly names: InprocRegistry;
  readonly record: number;

  constructor(scene: Scene, thread: number) {
    this.memory = scene.thread(thread).memory;
    this.names = new InprocRegistry(this.memory.control);
    this.record = this.memory.control.takeRecord(Pool.SOCKET);
    this.memory.control.initMailbox(
      this.record + SOCKET.MAILBOX,
      this.memory.slot,
      1 + thread,
    );
  }

  /** A pipe pair whose second end is for who binds the name. */
  pipe(): number {
    return this.memory.control.takeRecord(Pool.PIPE);
  }
}

/** Whom the second end of a pipe belongs to, as its node says. */
function servedBy(scene: Scene, pipe: number): number {
  const mailbox = load(scene.words, pipe + PIPE.END + END.SIZE + NODE.MAILBOX);
  return mailbox === 0 ? 0 : mailbox - SOCKET.MAILBOX;
}

export const inprocScenarios: readonly Scenario[] = [
  {
    name: "bind-against-connect",
    what: "a name is bound while a socket connects to it",
    threads: ["binder", "connecter"],
    set() {
      const scene = new Scene();
      const binder = new NamedSocket(scene, 0);
      const connecter = new NamedSocket(scene, 1);
      const pipe = connecter.pipe();
      let claimed: number[] = [];
      let found = -1;
      return {
        threads: [
          () => {
            claimed = binder.names.bind(NAME, binder.record);
          },
          () => {
            found = connecter.names.connect(NAME, pipe, connecter.record);
            const { control } = connecter.memory;
            if (found !== 0) control.post(pipe + END.SIZE, Command.BIND);
          },
        ],
        check: () => {
          // One of the two saw the other.
          const wait = found === 0;
          same(claimed, wait ? [pipe] : [], "connects that waited");
          same(found, wait ? 0 : binder.record, "whom the connect found");
          same(servedBy(scene, pipe), binder.record, "who has the far end");
          const sent = load(scene.words, binder.record + SOCKET.SENT_SEQNUM);
          same(sent, wait ? 0 : 1, "commands counted");
        },
      };
    },
  },
  {
    name: "bind-against-withdraw",
    what: "a name is bound while a connect that waited for it is given up",
    threads: ["binder", "connecter"],
    set() {
      const scene = new Scene();
      const binder = new NamedSocket(scene, 0);
      const connecter = new NamedSocket(scene, 1);
      const pipe = connecter.pipe();
      connecter.names.connect(NAME, pipe, connecter.record);
      let claimed: number[] = [];
      let back = false;
      return {
        threads: [
          () => {
            claimed = binder.names.bind(NAME, binder.record);
          },
          () => {
            // Nothing is lost that was sent to the far end meanwhile.
            connecter.memory.control.post(pipe + END.SIZE, 1);
            back = connecter.names.withdraw(pipe);
          },
        ],
        check: () => {
          same(claimed.length === 1, !back, "one of the two has the far end");
          const node = pipe + PIPE.END + END.SIZE;
          const { control } = binder.memory;
          if (back) control.serveNode(node, connecter.record + SOCKET.MAILBOX);
          const nodes: number[] = [];
          const owner = back ? connecter.record : binder.record;
          control.drain(owner + SOCKET.MAILBOX, nodes);
          same(nodes, [node], "the command is in its mailbox");
        },
      };
    },
  },
  {
    name: "bind-connect-close",
    what: "one socket binds and unbinds, one connects, one closes its connect",
    threads: ["binder", "connecter", "closer"],
    search: { preemptions: 3 },
    set() {
      const scene = new Scene();
      const binder = new NamedSocket(scene, 0);
      const connecter = new NamedSocket(scene, 1);
      const closerNames = new InprocRegistry(scene.view(2).control);
      const [first, second] = [connecter.pipe(), connecter.pipe()];
      // The closer's connect waits from the beginning.
      connecter.names.connect(NAME, first, binder.record + SOCKET.SIZE);
      let claimed: number[] = [];
      let found = -1;
      let back = false;
      return {
        threads: [
          () => {
            claimed = binder.names.bind(NAME, binder.record);
            binder.names.unbind(NAME, binder.record);
          },
          () => {
            found = connecter.names.connect(NAME, second, connecter.record);
          },
          () => {
            back = closerNames.withdraw(first);
          },
        ],
        check: () => {
          same(claimed.includes(first), !back, "the closer's connect");
          const met = found !== 0 || claimed.includes(second);
          const served = servedBy(scene, second);
          same(served, met ? binder.record : 0, "who has the far end");
          // What nobody claimed waits on, and nothing else does.
          const waiting = connecter.names.waitingOf(connecter.record);
          same(waiting, met ? [] : [second], "connects that wait");
          store(scene.words, 0, 0);
          expect(claimed.every((pipe) => pipe !== 0), "pipes");
        },
      };
    },
  },
];
