import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { SocketType } from "../../../src/base/socket_type.ts";
import type { SocketTypeName } from "../../../src/base/socket_type.ts";
import { load } from "../../../src/memory/shared_access.ts";
import { H, MAILBOX, SOCKET, THREAD } from "../../../src/memory/layout.ts";
import { PAGE_BYTES } from "../../../src/memory/page_map.ts";
import { REAPER_SLOT } from "../../../src/core/choose_io_thread.ts";
import { Command } from "../../../src/core/command.ts";
import { Ctx, defaultCtxOptions } from "../../../src/core/ctx.ts";
import { Received } from "../../../src/core/pattern.ts";
import type { CorePlatform } from "../../../src/core/platform.ts";
import { Reaper } from "../../../src/core/reaper.ts";
import type { SocketBase } from "../../../src/core/socket_base.ts";
import { LIVENESS_INTERVAL_MS } from "../../../src/core/thread.ts";
import { WIRING } from "../../../src/wiring.ts";
import { Kernel } from "../../support/kernel.ts";
import { bytes } from "../../support/raw_zmtp.ts";
import { leakCheck } from "../../support/leaks.ts";

const leaks = leakCheck();
await leaks.before();

/** A context whose reaper is on the thread of the test, and its clock too. */
class Stage {
  nowMs = 1000;
  readonly ctx: Ctx;
  readonly reaper: Reaper;
  readonly #kernel: Kernel;

  /** @param clock null: the one that {@link pass} moves. */
  constructor(clock: (() => number) | null = null) {
    const platform: CorePlatform = {
      ...WIRING.platform,
      monotonicMs: clock ?? (() => this.nowMs),
      spawnWorker: () => ({ onExit: () => {}, terminate: () => {} }),
    };
    const options = { ...defaultCtxOptions(), maxSockets: 8, ioThreads: 1 };
    this.ctx = Ctx.create(options, { ...WIRING, platform });
    this.#kernel = new Kernel({}, platform, this.ctx.handle());
    // The reaper's place and the I/O worker's: nobody misses a worker.
    const thread = this.#kernel.thread(REAPER_SLOT);
    this.#kernel.thread(REAPER_SLOT + 1);
    this.reaper = new Reaper(thread);
  }

  open(type: SocketTypeName, linger = -1): SocketBase {
    const socket = this.ctx.createSocket(SocketType[type]);
    socket.options.linger = linger;
    return socket;
  }

  /** Lets the application and the reaper handle all their mail. */
  settle(): void {
    do this.#kernel.settle(); while (this.ctx.thread.processMail());
  }

  /** Moves the clock; the reaper looks at it as it does between two sleeps. */
  pass(milliseconds: number): void {
    this.nowMs += milliseconds;
    this.reaper.runUntil(this.nowMs);
    this.settle();
  }

  /** Tells the reaper's thread something. */
  post(command: number): void {
    const { control } = this.reaper.thread;
    control.post(this.reaper.thread.record + THREAD.NODE, command);
  }

  /** Open sockets and pipes. */
  get alive(): [sockets: number, pipes: number] {
    const { sockets, pipes } = this.ctx.statistics();
    return [sockets, pipes];
  }

  /** Asserts that nothing is left, and ends. */
  end(): void {
    const { sockets, pipes, ownedObjects, blocks, memoryUsedBytes } = this.ctx
      .statistics();
    const left = { sockets, pipes, ownedObjects, blocks, memoryUsedBytes };
    assert.deepEqual(left, {
      sockets: 0,
      pipes: 0,
      ownedObjects: 0,
      blocks: 0,
      memoryUsedBytes: 0,
    });
    this.ctx.leave();
  }
}

function send(socket: SocketBase, text: string): void {
  assert.ok(socket.trySend([bytes(text)], 1), `${text} is sent`);
}

/** The next message's only part, or null. */
function receive(socket: SocketBase): string | null {
  const out = new Received();
  if (!socket.tryReceive(out)) return null;
  assert.equal(out.parts.length, 1);
  const [part] = out.parts;
  return new TextDecoder().decode(Uint8Array.from(part as Uint8Array));
}

describe("reaper", () => {
  test("a socket without anything is gone when the reaper heard of it", () => {
    const s = new Stage();
    for (let n = 0; n < 20; n += 1) {
      // More than there are records: each is given back.
      s.open("PUSH").close();
      assert.deepEqual(s.alive, [1, 0]);
      s.settle();
      assert.deepEqual(s.alive, [0, 0]);
    }
    s.end();
  });

  test("takes a closed socket over: its mail goes to it from now on", () => {
    const s = new Stage();
    const [pull, push] = [s.open("PULL"), s.open("PUSH")];
    pull.bind("inproc://a");
    push.connect("inproc://a");
    s.settle();
    send(push, "last");
    push.close();
    const { words } = s.reaper.thread.control;
    const owner = push.record + SOCKET.MAILBOX + MAILBOX.OWNER;
    assert.notEqual(load(words, owner), REAPER_SLOT);
    s.settle();
    assert.equal(load(words, owner), REAPER_SLOT);
    assert.equal(receive(pull), "last");
    pull.close();
    s.settle();
    s.end();
  });

  test("what was sent to a bound peer is read before the sender is gone", () => {
    const s = new Stage();
    const [pull, push] = [s.open("PULL"), s.open("PUSH")];
    pull.bind("inproc://a");
    push.connect("inproc://a");
    for (let n = 0; n < 5; n += 1) send(push, `${n}`);
    push.close();
    s.settle();
    s.pass(1000);
    assert.deepEqual(s.alive, [2, 1], "it waits for its reader");
    for (let n = 0; n < 5; n += 1) assert.equal(receive(pull), `${n}`);
    assert.equal(receive(pull), null);
    s.settle();
    assert.deepEqual(s.alive, [1, 0]);
    pull.close();
    s.settle();
    s.end();
  });

  test("a peer that closes instead of reading sets the sender free", () => {
    const s = new Stage();
    const [pull, push] = [s.open("PULL"), s.open("PUSH")];
    pull.bind("inproc://a");
    push.connect("inproc://a");
    send(push, "unread");
    push.close();
    s.settle();
    pull.close();
    s.settle();
    s.end();
  });
});

describe("reaper: connects that nobody bound for", () => {
  test("are given up when their linger is over", () => {
    const s = new Stage();
    const push = s.open("PUSH", 100);
    push.connect("inproc://late");
    send(push, "in vain");
    push.close();
    s.settle();
    s.pass(99);
    assert.deepEqual(s.alive, [1, 1]);
    s.pass(1);
    assert.deepEqual(s.alive, [0, 0]);
    const pull = s.open("PULL");
    pull.bind("inproc://late");
    s.settle();
    assert.equal(receive(pull), null, "the name waits for nobody any more");
    pull.close();
    s.settle();
    s.end();
  });

  test("are kept until then: a bind in time gets the messages", () => {
    for (const linger of [100, -1]) {
      const s = new Stage();
      const push = s.open("PUSH", linger);
      push.connect("inproc://late");
      send(push, "patience");
      push.close();
      s.settle();
      s.pass(99);
      const pull = s.open("PULL");
      pull.bind("inproc://late");
      // Claimed is claimed.
      s.pass(1);
      assert.equal(receive(pull), "patience", `linger ${linger}`);
      pull.close();
      s.settle();
      s.end();
    }
  });

  test("each socket's own linger counts", () => {
    const s = new Stage();
    for (const linger of [300, 0, 100, -1, 200]) {
      const push = s.open("PUSH", linger);
      push.connect("inproc://late");
      send(push, "in vain");
      push.close();
    }
    s.settle();
    assert.deepEqual(s.alive, [4, 4], "0 is at once");
    for (const left of [3, 2, 1]) {
      s.pass(99);
      assert.deepEqual(s.alive, [left + 1, left + 1]);
      s.pass(1);
      assert.deepEqual(s.alive, [left, left]);
    }
    s.pass(1000);
    assert.deepEqual(s.alive, [1, 1], "-1 is for ever");
    s.ctx.shutdown();
    s.pass(0);
    s.end();
  });

  test("are given up by a context that ends, at once", () => {
    const s = new Stage();
    const push = s.open("PUSH", -1);
    push.connect("inproc://one");
    push.connect("inproc://two");
    push.close();
    s.settle();
    assert.deepEqual(s.alive, [1, 2]);
    s.ctx.shutdown();
    s.pass(0);
    s.end();
  });
});

describe("reaper: its thread", () => {
  test("sleeps no longer than the shortest linger", () => {
    const now = WIRING.platform.monotonicMs;
    const s = new Stage(now);
    for (const linger of [50_000, 30]) {
      const push = s.open("PUSH", linger);
      push.connect("inproc://late");
      push.close();
    }
    s.settle();
    const start = now();
    s.reaper.runUntil(start + 20_000);
    const took = now() - start;
    assert.ok(took < 10_000, `slept ${took} ms`);
    s.settle();
    assert.deepEqual(s.alive, [1, 1]);
    s.ctx.shutdown();
    s.reaper.runUntil(now());
    s.settle();
    s.end();
  });

  test("runs until it is told to stop", () => {
    const s = new Stage();
    s.open("PAIR").close();
    s.post(Command.STOP);
    s.reaper.run();
    assert.deepEqual(s.alive, [0, 0], "what came before was done");
    s.end();
  });

  for (const trimmer of [0, REAPER_SLOT + 1]) {
    const whose = trimmer === 0 ? "nobody else does" : "an I/O thread does";
    test(`freed pages go back to the system; ${whose}`, () => {
      let now = 0;
      const s: Stage = new Stage(() => {
        if (now === 60 * LIVENESS_INTERVAL_MS) s.post(Command.STOP);
        return now += LIVENESS_INTERVAL_MS;
      });
      const { payload, slot, control } = s.reaper.thread.memory;
      payload.startTrimming(trimmer || slot);
      const bytes = 60 << 20;
      payload.free(payload.allocate(bytes), bytes);
      const dirty = (): number =>
        load(control.words, H.DIRTY_PAGES) * PAGE_BYTES;
      assert.equal(dirty(), bytes);
      s.reaper.run();
      // Half of it at each look, down to what is left at any time.
      assert.equal(dirty() <= 1 << 20, trimmer === 0);
      assert.equal(dirty() === bytes, trimmer !== 0);
      payload.stopTrimming(trimmer);
      assert.equal(load(control.words, H.TRIMMER), 0);
      s.end();
    });
  }
});

test("leaves nothing behind", leaks.after);
