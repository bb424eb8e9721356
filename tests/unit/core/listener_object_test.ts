import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { closeFd, localAddress, openSocketPair } from "../../../ffi/mod.ts";
import { get, put, store } from "../../../src/memory/shared_access.ts";
import { OWN, OwnKind, Pool } from "../../../src/memory/layout.ts";
import { defaultOptions } from "../../../src/base/options.ts";
import { SocketType } from "../../../src/base/socket_type.ts";
import { Command } from "../../../src/core/command.ts";
import {
  ArgumentReader,
  type LaunchArguments,
  storeArguments,
} from "../../../src/core/launch_arguments.ts";
import { ListenerObject } from "../../../src/core/listener_object.ts";
import { createChildRecord, handOver, leaseOf } from "../../../src/core/own.ts";
import type { Transport } from "../../../src/core/transport.ts";
import { FakeIo } from "../../support/fake_io.ts";
import { Kernel, NOTHING_ALIVE } from "../../support/kernel.ts";

const LAUNCH: LaunchArguments = {
  temporary: true,
  protocol: "tcp",
  endpoint: "tcp://127.0.0.1:5555",
  options: {
    ...defaultOptions(SocketType.ROUTER),
    routingId: Uint8Array.of(1, 2),
    linger: 77,
  },
};

/** A session that was started, as far as the test plays it. */
interface Child {
  record: number;
  fd: number;
  launch: LaunchArguments;
  /** Linger that it was told to die with; null = not told. */
  told: number | null;
}

/** More than a word, the lower one of which is negative. */
const LEASE = 2 ** 52 + 2 ** 31;

/** A listener whose connections the test makes up. */
class Stage {
  readonly kernel = new Kernel();
  /** The first slot is the reaper's; the owner makes do with it. */
  readonly app = this.kernel.thread();
  readonly io: FakeIo;
  readonly record: number;
  readonly socket: number;
  readonly children: Child[] = [];
  /** Arguments of the transport's accept(). */
  readonly accepts: unknown[][] = [];
  accepted: (fd: number) => void = () => {};
  closed = 0;
  /** What the listener told its owner. */
  toOwner = 0;

  constructor() {
    const accept = (_io: unknown, ...rest: unknown[]) => {
      this.accepted = rest.splice(3, 1)[0] as typeof this.accepted;
      this.accepts.push(rest);
      return { close: () => this.closed += 1 };
    };
    const transport = { protocols: ["tcp"], accept } as unknown as Transport;
    this.io = new FakeIo(transport, this.kernel);
    const { app } = this;
    const { words } = this.kernel.control;
    this.socket = this.kernel.control.takeRecord(Pool.SOCKET);
    this.record = createChildRecord(app, {
      kind: OwnKind.LISTENER,
      mailbox: this.io.thread.mailbox,
      ownerMailbox: app.mailbox,
      socket: this.socket,
    });
    handOver(words, this.record, 4711, LEASE);
    put(
      words,
      this.record + OWN.ARGUMENTS,
      storeArguments(app.memory, LAUNCH),
    );
    app.register(this.record + OWN.TO_OWNER, {
      processCommands: (bits) => this.toOwner |= bits,
    });
    this.io.thread.onUnknown = (node, bits) => this.#unknown(node, bits);
    put(words, this.record + OWN.SENT_SEQNUM, 1);
    this.kernel.control.post(this.record + OWN.NODE, Command.PLUG);
    this.kernel.settle();
  }

  /** The owner tells the listener to die. */
  terminate(linger: number): void {
    const { control } = this.kernel;
    store(control.words, this.record + OWN.LINGER, linger);
    control.post(this.record + OWN.NODE, Command.TERM);
    this.kernel.settle();
  }

  /** A session says something to the listener. */
  say(child: Child | undefined, command: number): void {
    assert.ok(child !== undefined);
    this.kernel.control.post(child.record + OWN.TO_OWNER, command);
    this.kernel.settle();
  }

  get dead(): boolean {
    return (this.toOwner & Command.TERM_ACK) !== 0;
  }

  expectGone(): void {
    assert.ok(this.dead, "the listener acknowledged its end");
    assert.equal(this.closed, 1);
    // Its own record is the owner's to give back.
    assert.deepEqual(this.kernel.counts(), { ...NOTHING_ALIVE, owned: 1 });
    this.io.stop();
  }

  #unknown(node: number, bits: number): void {
    const record = node - OWN.NODE;
    if (record === this.record) {
      new ListenerObject(this.io, record).processCommands(bits);
      return;
    }
    const { words } = this.kernel.control;
    const { memory } = this.io.thread;
    let child = this.children.find((one) => one.record === record);
    if (child === undefined) {
      assert.notEqual(bits & Command.PLUG, 0, "it is started first");
      const ref = get(words, record + OWN.ARGUMENTS);
      child = {
        record,
        fd: get(words, record + OWN.FD),
        launch: new ArgumentReader(memory).load(ref),
        told: null,
      };
      memory.blocks.release(ref);
      this.children.push(child);
    }
    if ((bits & Command.TERM) === 0) return;
    assert.equal(child.told, null, "a session is told once");
    child.told = get(words, record + OWN.LINGER);
  }
}

describe("listener object", () => {
  test("accepts on the descriptor that it was given", () => {
    const s = new Stage();
    assert.deepEqual(s.accepts, [
      [4711, LAUNCH.endpoint, LAUNCH.options, LAUNCH.temporary],
    ]);
    assert.deepEqual(s.kernel.counts(), { ...NOTHING_ALIVE, owned: 1 });
    s.terminate(0);
    s.expectGone();
  });

  test("starts a session for each connection, told as the listener", () => {
    const s = new Stage();
    s.accepted(81);
    s.accepted(82);
    s.kernel.settle();
    assert.deepEqual(s.children.map(({ fd }) => fd), [81, 82]);
    for (const { record, launch } of s.children) {
      assert.equal(leaseOf(s.kernel.control.words, record), LEASE);
      assert.deepEqual(launch, LAUNCH);
      const { words } = s.kernel.control;
      assert.equal(get(words, record + OWN.SOCKET), s.socket);
      assert.equal(get(words, record + OWN.KIND), OwnKind.SESSION);
      assert.equal(get(words, record + OWN.SENT_SEQNUM), 1);
    }
    s.terminate(0);
    for (const child of s.children) s.say(child, Command.TERM_ACK);
    s.expectGone();
  });

  test("a session that asks to die is told the linger, and only it dies", () => {
    const s = new Stage();
    s.accepted(81);
    s.accepted(82);
    s.kernel.settle();
    s.say(s.children[0], Command.TERM_REQ);
    assert.deepEqual(s.children.map(({ told }) => told), [77, null]);
    s.say(s.children[0], Command.TERM_ACK);
    assert.equal(s.kernel.counts().owned, 2);
    assert.equal(s.closed, 0, "it goes on listening");
    s.terminate(0);
    s.say(s.children[1], Command.TERM_ACK);
    s.expectGone();
  });

  test("its end: it accepts no more, and waits for all its sessions", () => {
    const s = new Stage();
    s.accepted(81);
    s.accepted(82);
    s.kernel.settle();
    s.terminate(5);
    assert.equal(s.closed, 1);
    assert.deepEqual(s.children.map(({ told }) => told), [5, 5]);
    s.say(s.children[1], Command.TERM_ACK);
    assert.equal(s.dead, false);
    s.say(s.children[0], Command.TERM_ACK);
    s.expectGone();
  });

  test("its end while a session that it started is under way", () => {
    const s = new Stage();
    s.accepted(81);
    s.terminate(5);
    assert.equal(s.dead, false);
    assert.equal(s.children[0]?.told, 5);
    s.say(s.children[0], Command.TERM_ACK);
    s.expectGone();
  });

  test("without room for a session the connection is closed", () => {
    const s = new Stage();
    const taken: number[] = [];
    for (;;) {
      const record = s.kernel.control.takeRecord(Pool.OWN);
      if (record === 0) break;
      taken.push(record);
    }
    const fds = new Int32Array(2);
    assert.equal(openSocketPair(fds), 0);
    const [mine = -1, theirs = -1] = fds;
    s.accepted(mine);
    assert.equal(localAddress(mine), null, "closed");
    closeFd(theirs);
    for (const record of taken) s.kernel.control.giveRecord(Pool.OWN, record);
    s.accepted(83);
    s.kernel.settle();
    assert.deepEqual(s.children.map(({ fd }) => fd), [83]);
    s.terminate(0);
    s.say(s.children[0], Command.TERM_ACK);
    s.expectGone();
  });
});
