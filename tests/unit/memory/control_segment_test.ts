import assert from "node:assert/strict";
import { test } from "node:test";
import { Wakeup } from "../../../ffi/mod.ts";
import {
  ContextState,
  H,
  Layout,
  MAILBOX,
  NODE,
  Pool,
  Sleep,
  THREAD,
} from "../../../src/memory/layout.ts";
import {
  header,
  shareMemory,
  SMALL_GEOMETRY,
  useThread,
  type View,
  viewMemory,
} from "../../support/memory_fixture.ts";
import { within } from "../../support/wait.ts";
import { startWorker } from "./fixtures/start_worker.ts";

const SLOT = 2;
const POOLS = [Pool.SOCKET, Pool.OWN, Pool.PIPE, Pool.NAME];

/** A thread that sleeps on the word of its record. */
function sleepingThread(view: View, slot = SLOT): number {
  const thread = useThread(view, slot);
  Atomics.store(view.control.words, thread + THREAD.SLEEP, Sleep.FUTEX);
  return thread;
}

/** A node served by the thread's own mailbox. */
function makeNode(view: View, thread: number): number {
  const node = view.control.takeRecord(Pool.OWN);
  view.control.initNode(node, thread + THREAD.MAILBOX);
  return node;
}

test("each pool gives its records once, zeroed, until it is exhausted", () => {
  const { control } = viewMemory();
  for (const pool of POOLS) {
    const limit = control.layout.poolLimit[pool] as number;
    const size = control.layout.poolRecordSize[pool] as number;
    const seen = new Set<number>();
    for (let n = 0; n < limit; n += 1) {
      const record = control.takeRecord(pool);
      assert.ok(record > 0 && !seen.has(record));
      seen.add(record);
      const content = control.words.subarray(record, record + size);
      assert.ok(content.every((word) => word === 0));
      content.fill(-1);
      assert.equal(control.layout.poolOf(record), pool);
      assert.equal(control.layout.poolOf(record + size - 1), pool);
      assert.equal(control.layout.recordOf(pool, record + size - 1), record);
    }
    assert.equal(control.takeRecord(pool), 0, "the pool is exhausted");
  }
});

test("a record that was given back is taken again, zeroed", () => {
  const { control } = viewMemory();
  for (const pool of POOLS) {
    const first = control.takeRecord(pool);
    const second = control.takeRecord(pool);
    const size = control.layout.poolRecordSize[pool] as number;
    control.words.fill(7, first, first + size);
    control.words.fill(7, second, second + size);
    control.giveRecord(pool, first);
    control.giveRecord(pool, second);
    const again = [control.takeRecord(pool), control.takeRecord(pool)];
    assert.deepEqual(new Set(again), new Set([first, second]));
    for (const record of again) {
      const content = control.words.subarray(record, record + size);
      assert.ok(content.every((word) => word === 0), `pool ${pool}`);
    }
  }
});

test("pools do not overlap, nor anything else", () => {
  const layout = new Layout(SMALL_GEOMETRY);
  const regions = [[0, H.SIZE]];
  for (let slot = 0; slot < layout.threadCount; slot += 1) {
    const thread = layout.thread(slot);
    regions.push([thread, thread + THREAD.READY + layout.readyWords]);
  }
  for (const pool of POOLS) {
    const base = layout.poolBase[pool] as number;
    const size = layout.poolRecordSize[pool] as number;
    regions.push([base, base + size * (layout.poolLimit[pool] as number)]);
  }
  let end = 0;
  for (const [from, to] of regions as [number, number][]) {
    assert.ok(from >= end, `${from} after ${end}`);
    end = to;
  }
  assert.equal(end * 4, layout.sizeBytes);
});

test("nodes are drained in the order in which they were posted to", () => {
  const view = viewMemory();
  const { control } = view;
  const thread = sleepingThread(view);
  const mailbox = thread + THREAD.MAILBOX;
  const [a, b, c] = [1, 2, 3].map(() => makeNode(view, thread)) as [
    number,
    number,
    number,
  ];
  control.post(b, 1);
  control.post(a, 2);
  control.post(b, 4);
  control.post(c, 8);
  const nodes: number[] = [];
  control.drain(mailbox, nodes);
  assert.deepEqual(nodes, [b, a, c]);
  assert.equal(control.takePending(b), 5, "joined");
  assert.equal(control.takePending(a), 2);
  control.post(a, 1);
  const later: number[] = [];
  control.drain(mailbox, later);
  assert.deepEqual(later, [a], "only what came since");
  assert.equal(control.words[c + NODE.PENDING], 8, "not taken yet");
  control.post(c, 16);
  control.drain(mailbox, later);
  assert.deepEqual(later.length, 1, "it is still to be taken");
  assert.equal(control.takePending(c), 24);
});

test("a sleeper is woken once per sleep", () => {
  const signals: number[] = [];
  const view = viewMemory({
    platform: { wake: (fd) => void signals.push(fd) },
  });
  const { control } = view;
  const thread = useThread(view, SLOT);
  const { words } = control;
  const a = makeNode(view, thread);
  const b = makeNode(view, thread);
  Atomics.store(words, thread + THREAD.WAKE_TARGET, 42);
  control.post(a, 1);
  assert.deepEqual(signals, [], "it is awake");
  control.drain(thread + THREAD.MAILBOX, []);
  control.takePending(a);
  Atomics.store(words, thread + THREAD.SLEEP, Sleep.DESCRIPTOR);
  control.post(a, 1);
  control.post(a, 2);
  control.post(b, 1);
  control.announce(SLOT, 5);
  assert.deepEqual(signals, [42]);
  assert.equal(words[thread + THREAD.SLEEP], Sleep.AWAKE);
  assert.notEqual(words[thread + THREAD.SUMMARY], 0);
});

test("a thread that sleeps in its poller finds its descriptor ready", () => {
  const view = viewMemory();
  const thread = useThread(view, SLOT);
  const wakeup = Wakeup.open();
  try {
    const { words } = view.control;
    Atomics.store(words, thread + THREAD.WAKE_TARGET, wakeup.writeFd);
    Atomics.store(words, thread + THREAD.SLEEP, Sleep.DESCRIPTOR);
    view.control.post(makeNode(view, thread), 1);
    assert.equal(words[thread + THREAD.SLEEP], Sleep.AWAKE);
    wakeup.drain();
  } finally {
    wakeup.close();
  }
});

test("each ready index has its own bit, found through the summary", () => {
  const geometry = { ioThreads: 1, maxSockets: 2500, maxConnections: 1 };
  const view = viewMemory({ shared: shareMemory(geometry) });
  const { control } = view;
  const thread = useThread(view, SLOT);
  const { words, layout, readyGroup } = control;
  assert.ok(readyGroup > 1, "more words than the summary has bits");
  for (const index of [0, 1, 31, 32, 63, 64, 1023, 1024, 2499, 2500]) {
    control.announce(SLOT, index);
    const word = index >>> 5;
    assert.ok(word < layout.readyWords);
    assert.equal(words[thread + THREAD.READY + word], 1 << (index & 31));
    const bit = Math.floor(word / readyGroup);
    assert.equal(words[thread + THREAD.SUMMARY], 1 << bit, `index ${index}`);
    words[thread + THREAD.READY + word] = 0;
    words[thread + THREAD.SUMMARY] = 0;
  }
  const next = layout.thread(SLOT + 1);
  assert.ok(words.subarray(next, next + layout.threadSize).every((w) => !w));
});

test("posts of several threads are all taken, and none is taken early", async () => {
  const view = viewMemory();
  const { control, shared } = view;
  const thread = useThread(view, SLOT);
  const { words } = control;
  const mailbox = thread + THREAD.MAILBOX;
  const nodes = [0, 1, 2, 3].map(() => makeNode(view, thread));
  const rounds = 20_000;
  const workers = [0, 1].map((bit) =>
    startWorker("post", { shared, nodes, rounds, bit })
  );
  let running = workers.length;
  const ends = workers.map((worker) => worker.ended.then(() => running--));
  const counted = (node: number) =>
    Atomics.load(words, node + 4) === rounds &&
    Atomics.load(words, node + 5) === rounds;
  let taken = 0;
  const seen = new Map<number, number>();
  const deadline = performance.now() + 60_000;
  for (;;) {
    const last = nodes.every(counted);
    const drained: number[] = [];
    control.drain(mailbox, drained);
    for (const node of drained) {
      const bits = control.takePending(node);
      assert.ok(bits >= 1 && bits <= 3, "a drained node has something pending");
      seen.set(node, (seen.get(node) ?? 0) | bits);
      taken += 1;
    }
    if (last) break;
    assert.ok(performance.now() < deadline, "the posts come to an end");
  }
  await within(Promise.all(ends), "the end of the posters");
  control.drain(mailbox, []);
  assert.ok(taken >= nodes.length);
  assert.deepEqual([...seen.values()], [3, 3, 3, 3]);
  assert.equal(words[mailbox + MAILBOX.HEAD], 0);
  assert.equal(running, 0);
});

test("failing names the first thread and wakes all", () => {
  const view = viewMemory();
  const { control } = view;
  const { words } = control;
  const first = sleepingThread(view, 2);
  const second = sleepingThread(view, 5);
  control.fail(5);
  control.fail(6);
  assert.equal(control.state, ContextState.FAILED);
  assert.equal(header(view, H.FAILED_THREAD), 6);
  for (const thread of [first, second]) {
    assert.equal(words[thread + THREAD.SLEEP], Sleep.AWAKE);
    assert.equal(words[thread + THREAD.SUMMARY], 1);
  }
});

test("a registry whose holder died fails the context", () => {
  const view = viewMemory({ platform: { threadAlive: () => false } });
  view.control.words[H.REGISTRY_LOCK] = 12345;
  assert.equal(view.control.takeRecord(Pool.SOCKET), 0);
  assert.equal(view.control.state, ContextState.FAILED);
});

test("a lock is let go when what runs under it throws", () => {
  const { control } = viewMemory();
  assert.throws(() =>
    control.locked(H.REGISTRY_LOCK, () => {
      throw new RangeError("inside");
    }), RangeError);
  assert.equal(control.locked(H.REGISTRY_LOCK, () => 5), 5);
});

test("counters count", () => {
  const view = viewMemory();
  assert.equal(view.control.count(H.PIPE_COUNT, 1), 1);
  assert.equal(view.control.count(H.PIPE_COUNT, 2), 3);
  assert.equal(view.control.count(H.PIPE_COUNT, -3), 0);
  assert.equal(header(view, H.PIPE_COUNT), 0);
});

// Waiting for memory.

/** Whether the thread was told that memory came, which it forgets then. */
function wasTold(view: View, thread: number): boolean {
  return Atomics.exchange(
    view.control.words,
    thread + THREAD.MEMORY_CAME,
    0,
  ) !==
    0;
}

test("all who wait for memory are told once when some comes free", () => {
  const shared = shareMemory();
  const freeing = viewMemory({ shared });
  const waiting = viewMemory({ shared });
  const threads = [3, 4].map((slot) => sleepingThread(waiting, slot));
  waiting.control.noteRefusal();
  for (const slot of [3, 4]) waiting.control.wantMemory(slot);
  for (const thread of threads) assert.equal(wasTold(waiting, thread), false);
  freeing.control.memoryCameFree();
  for (const thread of threads) {
    assert.equal(wasTold(waiting, thread), true);
    assert.equal(waiting.control.words[thread + THREAD.SLEEP], Sleep.AWAKE);
    assert.equal(waiting.control.words[thread + THREAD.SUMMARY], 1);
  }
  freeing.control.memoryCameFree();
  for (const thread of threads) assert.equal(wasTold(waiting, thread), false);
});

test("memory that came free before somebody waits for it is not missed", () => {
  const shared = shareMemory();
  const freeing = viewMemory({ shared });
  const waiting = viewMemory({ shared });
  const thread = useThread(waiting, 3);
  waiting.control.noteRefusal();
  freeing.control.memoryCameFree();
  waiting.control.wantMemory(3);
  assert.equal(wasTold(waiting, thread), true);
  // It tries again, in vain; nothing was freed since.
  waiting.control.noteRefusal();
  waiting.control.wantMemory(3);
  assert.equal(wasTold(waiting, thread), false);
  freeing.control.memoryCameFree();
  assert.equal(wasTold(waiting, thread), true);
});

test("what a thread takes back itself is no reason to try again", () => {
  const waiting = viewMemory();
  const thread = useThread(waiting, 3);
  waiting.control.noteRefusal();
  waiting.control.memoryCameFree();
  waiting.control.wantMemory(3);
  assert.equal(wasTold(waiting, thread), false);
  // But what it frees while it waits is.
  waiting.control.memoryCameFree();
  assert.equal(wasTold(waiting, thread), true);
});

test("a charge taken back tells the others, and not who took it back", () => {
  const shared = shareMemory();
  const failing = viewMemory({ shared });
  const other = viewMemory({ shared });
  const [own, others] = [useThread(failing, 3), useThread(other, 4)];
  for (const [view, slot] of [[failing, 3], [other, 4]] as const) {
    view.control.noteRefusal();
    view.control.wantMemory(slot);
  }
  failing.control.chargeTakenBack();
  assert.equal(wasTold(failing, own), false);
  assert.equal(wasTold(other, others), true);
  // It still waits for what others free.
  other.control.memoryCameFree();
  assert.equal(wasTold(failing, own), true);
});

test("an attempt that fails tells those who have waited since, and no others", () => {
  const shared = shareMemory();
  const trying = viewMemory({ shared });
  const waiting = viewMemory({ shared });
  const [own, before, since] = [2, 3, 4].map((slot) =>
    sleepingThread(waiting, slot)
  ) as [number, number, number];
  trying.control.noteRefusal();
  trying.control.wantMemory(2);
  waiting.control.noteRefusal();
  waiting.control.wantMemory(3);

  /** Frees in an attempt; who was told. */
  const attempt = (placed: boolean, meanwhile: () => void): boolean[] => {
    trying.control.beginAttempt();
    // One in the other is a part of it.
    trying.control.beginAttempt();
    meanwhile();
    trying.control.memoryCameFree();
    trying.control.endAttempt(false);
    assert.equal(wasTold(waiting, before), false, "not before its end");
    trying.control.endAttempt(placed);
    return [own, before, since].map((thread) => wasTold(waiting, thread));
  };
  assert.deepEqual(attempt(false, () => {}), [false, false, false]);
  assert.deepEqual(
    attempt(false, () => {
      waiting.control.noteRefusal();
      waiting.control.wantMemory(4);
    }),
    [false, true, true],
  );
  assert.deepEqual(attempt(true, () => {}), [true, false, false]);
});
