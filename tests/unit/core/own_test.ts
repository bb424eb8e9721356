import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { add, get, put, store } from "../../../src/memory/shared_access.ts";
import { OWN, OwnKind, Pool, SOCKET } from "../../../src/memory/layout.ts";
import { Command } from "../../../src/core/command.ts";
import type { CommandTarget } from "../../../src/core/command.ts";
import {
  createChildRecord,
  discardChildRecord,
  Own,
} from "../../../src/core/own.ts";
import type { OwnHost } from "../../../src/core/own.ts";
import type { Thread } from "../../../src/core/thread.ts";
import { Kernel, NOTHING_ALIVE } from "../../support/kernel.ts";

/** A root, as a socket is. */
class Root implements OwnHost {
  readonly own: Own;
  readonly record: number;
  readonly lingerMs = 77;
  readonly gaveUp: number[] = [];
  destroyed = 0;

  constructor(thread: Thread, record?: number) {
    this.record = record ?? thread.control.takeRecord(Pool.SOCKET);
    this.own = new Own(thread, this.record + SOCKET.SENT_SEQNUM, this);
  }
  processDestroy(): void {
    this.destroyed += 1;
  }
  childGaveUp(child: number): void {
    this.gaveUp.push(child);
  }
}

/** A child on some thread; it may own others. */
class Child implements OwnHost, CommandTarget {
  readonly own: Own;
  readonly record: number;
  readonly lingerMs = 0;
  readonly #thread: Thread;
  /** Linger that it was told to die with. */
  readonly told: number[] = [];
  destroyed = 0;
  /** Keeps its owner waiting until `finish()`. */
  busy = false;

  constructor(thread: Thread, owner: Thread) {
    this.#thread = thread;
    this.record = createChildRecord(owner, {
      kind: OwnKind.SESSION,
      mailbox: thread.mailbox,
      ownerMailbox: owner.mailbox,
      socket: 0,
    });
    this.own = new Own(thread, this.record + OWN.SENT_SEQNUM, this);
    thread.register(this.record + OWN.NODE, this);
  }
  processCommands(bits: number): void {
    if ((bits & Command.PLUG) !== 0) this.own.processSeqnum();
    if ((bits & Command.TERM) === 0) return;
    const { words } = this.#thread.control;
    this.told.push(get(words, this.record + OWN.LINGER));
    if (this.busy) this.own.registerTermAcks(1);
    this.own.processTerm(get(words, this.record + OWN.LINGER));
  }
  /** Asks its owner to be ended. */
  ask(): void {
    const { control } = this.#thread;
    control.post(this.record + OWN.TO_OWNER, Command.TERM_REQ);
  }
  finish(): void {
    this.own.unregisterTermAck();
  }
  processDestroy(): void {
    this.destroyed += 1;
    const { control } = this.#thread;
    this.#thread.unregister(this.record + OWN.NODE);
    control.post(this.record + OWN.TO_OWNER, Command.TERM_ACK);
  }
  childGaveUp(): void {}
}

function stage() {
  const kernel = new Kernel();
  const app = kernel.thread();
  const io = kernel.thread();
  const root = new Root(app);
  const launch = () => {
    const child = new Child(io, app);
    root.own.launch(child.record);
    return child;
  };
  return { kernel, app, io, root, launch };
}

describe("own: three ways to end", () => {
  test("the child asks first: it is told its owner's linger, and the owner lives on", () => {
    const { kernel, root, launch } = stage();
    const child = launch();
    kernel.settle();
    child.ask();
    kernel.settle();
    assert.deepEqual(child.told, [root.lingerMs]);
    assert.equal(child.destroyed, 1);
    assert.equal(root.destroyed, 0);
    assert.deepEqual([...root.own.children], []);
    assert.deepEqual(kernel.counts(), NOTHING_ALIVE);
    root.own.processTerm(5);
    assert.equal(root.destroyed, 1);
  });

  test("the owner begins: children first, with the linger that it was given", () => {
    const { kernel, app, io, root, launch } = stage();
    const children = [launch(), launch(), launch()];
    kernel.settle();
    root.own.processTerm(5);
    assert.equal(root.destroyed, 0);
    io.processMail();
    assert.equal(root.destroyed, 0, "the acknowledgements are under way");
    app.processMail();
    assert.equal(root.destroyed, 1);
    for (const child of children) assert.deepEqual(child.told, [5]);
    assert.deepEqual(kernel.counts(), NOTHING_ALIVE);
  });

  test("both at once: the child's wish is ignored, it is told once", () => {
    const { kernel, root, launch } = stage();
    const child = launch();
    kernel.settle();
    child.ask();
    root.own.processTerm(5);
    kernel.settle();
    assert.deepEqual(child.told, [5]);
    assert.equal(child.destroyed, 1);
    assert.equal(root.destroyed, 1);
    assert.deepEqual(kernel.counts(), NOTHING_ALIVE);
  });

  test("the owner disconnects while the child asks: it is told once", () => {
    const { kernel, root, launch } = stage();
    const child = launch();
    kernel.settle();
    child.ask();
    root.own.terminateChild(child.record);
    root.own.terminateChild(child.record);
    kernel.settle();
    assert.deepEqual(child.told, [root.lingerMs]);
    root.own.processTerm(0);
    assert.equal(root.destroyed, 1);
    assert.deepEqual(kernel.counts(), NOTHING_ALIVE);
  });
});

describe("own: what an end waits for", () => {
  test("a command that was counted and has not arrived", () => {
    const { kernel, app, root } = stage();
    add(kernel.control.words, root.record + SOCKET.SENT_SEQNUM, 1);
    root.own.processTerm(0);
    app.processMail();
    assert.equal(root.destroyed, 0);
    root.own.processSeqnum();
    assert.equal(root.destroyed, 1);
  });

  test("a child that has something to finish", () => {
    const { kernel, root, launch } = stage();
    const [child, other] = [launch(), launch()];
    child.busy = true;
    kernel.settle();
    root.own.processTerm(0);
    kernel.settle();
    assert.equal(other.destroyed, 1);
    assert.equal(root.destroyed, 0);
    child.finish();
    kernel.settle();
    assert.equal(root.destroyed, 1);
    assert.deepEqual(kernel.counts(), NOTHING_ALIVE);
  });

  test("a late child of a dying owner, which dies at once without linger", () => {
    const { kernel, root, launch } = stage();
    const first = launch();
    first.busy = true;
    kernel.settle();
    root.own.processTerm(1000);
    kernel.settle();
    const late = launch();
    kernel.settle();
    assert.deepEqual(late.told, [0]);
    assert.equal(root.destroyed, 0);
    first.finish();
    kernel.settle();
    assert.equal(root.destroyed, 1);
    assert.deepEqual(kernel.counts(), NOTHING_ALIVE);
  });

  test("a child that is ended before it was started", () => {
    const { kernel, root, launch } = stage();
    const child = launch();
    root.own.processTerm(3);
    kernel.settle();
    assert.deepEqual(child.told, [3]);
    assert.equal(root.destroyed, 1);
    assert.deepEqual(kernel.counts(), NOTHING_ALIVE);
  });

  test("grandchildren", () => {
    const { kernel, io, root, launch } = stage();
    const listener = launch();
    kernel.settle();
    const sessions = [new Child(io, io), new Child(io, io)];
    for (const session of sessions) listener.own.launch(session.record);
    kernel.settle();
    root.own.processTerm(9);
    kernel.settle();
    for (const session of sessions) assert.deepEqual(session.told, [9]);
    assert.equal(root.destroyed, 1);
    assert.deepEqual(kernel.counts(), NOTHING_ALIVE);
  });
});

describe("own: other commands", () => {
  test("a child that gives up its endpoint says so to its owner", () => {
    const { kernel, root, launch } = stage();
    const child = launch();
    kernel.settle();
    kernel.control.post(child.record + OWN.TO_OWNER, Command.TERM_ENDPOINT);
    kernel.settle();
    assert.deepEqual(root.gaveUp, [child.record]);
  });

  test("an owner that moves to another thread takes its children along", () => {
    const { kernel, app, root, launch } = stage();
    const asked = launch();
    const quiet = launch();
    asked.busy = true;
    kernel.settle();
    root.own.terminateChild(asked.record);
    kernel.settle();
    const { record } = root;
    root.own.save(
      record + SOCKET.CHILDREN,
      record + SOCKET.TERM_ACKS,
      record + SOCKET.PROCESSED_SEQNUM,
    );
    // The new owner lives on the same thread here; all else is new.
    const heir = new Root(app, record);
    heir.own.restore(
      record + SOCKET.CHILDREN,
      record + SOCKET.TERM_ACKS,
      record + SOCKET.PROCESSED_SEQNUM,
    );
    heir.own.processTerm(4);
    kernel.settle();
    assert.deepEqual(quiet.told, [4]);
    assert.deepEqual(asked.told, [root.lingerMs], "it was told already");
    assert.equal(heir.destroyed, 0);
    asked.finish();
    kernel.settle();
    assert.equal(heir.destroyed, 1);
    assert.deepEqual(kernel.counts(), NOTHING_ALIVE);
  });

  test("sequence numbers may wrap", () => {
    const { kernel, root } = stage();
    const { words } = kernel.control;
    const { record } = root;
    store(words, record + SOCKET.SENT_SEQNUM, 0x7fffffff);
    put(words, record + SOCKET.PROCESSED_SEQNUM, 0x7fffffff);
    root.own.restore(
      record + SOCKET.CHILDREN,
      record + SOCKET.TERM_ACKS,
      record + SOCKET.PROCESSED_SEQNUM,
    );
    add(words, record + SOCKET.SENT_SEQNUM, 1);
    root.own.processTerm(0);
    assert.equal(root.destroyed, 0);
    root.own.processSeqnum();
    assert.equal(root.destroyed, 1);
  });

  test("a record that was never launched is given back with its arguments", () => {
    const { kernel, app, io } = stage();
    const child = new Child(io, app);
    put(
      kernel.control.words,
      child.record + OWN.ARGUMENTS,
      app.memory.blocks.allocate(10),
    );
    discardChildRecord(app, child.record);
    assert.deepEqual(kernel.counts(), NOTHING_ALIVE);
  });
});
