import assert from "node:assert/strict";
import { describe, test } from "node:test";
import process from "node:process";
import {
  closeFd,
  errnoNumber,
  EV_ADD,
  EV_CLEAR,
  EV_DELETE,
  EV_EOF,
  EV_ERROR,
  host,
  Kqueue,
  KQUEUE_LAYOUTS,
  type KqueueSystem,
  monotonicMs,
  nativeKqueueLayout,
  openSocketPair,
  receive,
  send,
  triggerKqueue,
  UnsupportedPlatformError,
  userEventTarget,
  wake,
} from "../../../ffi/mod.ts";
import { testUnless } from "../../support/skip.ts";
import { KqueueStub } from "./kqueue_stub.ts";
import { leakCheck } from "../../support/leaks.ts";

const leaks = leakCheck();
await leaks.before();

const hasKqueue = nativeKqueueLayout(host.os) !== null;
const library = hasKqueue
  ? null
  : process.env["PUREZMQ_KQUEUE_LIBRARY"] || null;
const obstacle = hasKqueue || library !== null
  ? null
  : "this system has no kqueue and PUREZMQ_KQUEUE_LIBRARY names no library";

const byte = new Uint8Array([1]);

/** A queue and two connected sockets, closed at the end. */
function withQueue(
  body: (queue: Kqueue, left: number, right: number) => void,
  capacity = 8,
): () => void {
  return () => {
    const fds = new Int32Array(2);
    assert.equal(openSocketPair(fds), 0);
    const queue = Kqueue.open(library, capacity);
    assert.ok(queue.fd >= 0, `kqueue: ${queue.fd}`);
    try {
      body(queue, fds[0] as number, fds[1] as number);
    } finally {
      queue.close();
      for (const fd of fds) closeFd(fd);
    }
  };
}

const cases: Record<string, () => void> = {
  "takes changes and gives events in one call": withQueue(
    (queue, left, right) => {
      const { EVFILT_READ, EVFILT_WRITE } = queue.layout;
      const { events } = queue;
      send(right, byte, 0, 1);
      assert.ok(queue.append(left, EVFILT_READ, EV_ADD, 2 ** 40 + 5));
      assert.ok(queue.append(right, EVFILT_WRITE, EV_ADD, 7));
      assert.equal(queue.pending, 2);
      assert.equal(queue.wait(1000), 2);
      assert.equal(queue.pending, 0);
      const read = events.filter(0) === EVFILT_READ ? 0 : 1;
      const write = 1 - read;
      assert.equal(events.ident(read), left);
      assert.equal(events.udata(read), 2 ** 40 + 5);
      assert.equal(events.data(read), 1, "a byte to read");
      assert.equal(events.flags(read) & (EV_EOF | EV_ERROR), 0);
      assert.equal(events.filter(write), EVFILT_WRITE);
      assert.equal(events.udata(write), 7);
      assert.ok(queue.append(right, EVFILT_WRITE, EV_DELETE, 7));
      assert.equal(queue.wait(0), 1);
      assert.equal(events.ident(0), left);
      receive(left, byte, 0, 1);
      assert.equal(queue.wait(0), 0);
    },
  ),
  "tells an edge once, and the end": withQueue((queue, left, right) => {
    queue.append(left, queue.layout.EVFILT_READ, EV_ADD | EV_CLEAR, 1);
    send(right, byte, 0, 1);
    assert.equal(queue.wait(1000), 1);
    assert.equal(queue.wait(0), 0);
    send(right, byte, 0, 1);
    assert.equal(queue.wait(1000), 1);
    closeFd(right);
    assert.equal(queue.wait(1000), 1);
    assert.notEqual(queue.events.flags(0) & EV_EOF, 0);
  }),
  "answers changes that are applied at once, and takes no event": withQueue(
    (queue, left, right) => {
      const { EVFILT_READ, EVFILT_WRITE } = queue.layout;
      send(right, byte, 0, 1);
      queue.append(left, EVFILT_READ, EV_ADD | EV_CLEAR, 1);
      queue.append(left, EVFILT_WRITE, EV_DELETE, 2);
      queue.append(1_000_000, EVFILT_READ, EV_ADD, 3);
      assert.equal(queue.apply(), 3);
      assert.equal(queue.pending, 0);
      const { answers } = queue;
      assert.deepEqual([0, 1, 2].map((i) => answers.data(i)), [
        0,
        errnoNumber("ENOENT"),
        errnoNumber("EBADF"),
      ]);
      assert.deepEqual([0, 1, 2].map((i) => answers.udata(i)), [1, 2, 3]);
      assert.equal(queue.wait(0), 1, "the edge is still there");
      assert.equal(queue.apply(), 0, "nothing to change");
    },
  ),
  "applies what comes after a place in the list": withQueue((queue, left) => {
    const { EVFILT_READ, EVFILT_WRITE } = queue.layout;
    queue.append(left, EVFILT_READ, EV_ADD, 1);
    queue.append(left, EVFILT_WRITE, EV_ADD, 2);
    assert.equal(queue.apply(1), 1);
    assert.equal(queue.pending, 1);
    queue.truncate(0);
    assert.equal(queue.wait(0), 1);
    assert.equal(queue.events.udata(0), 2);
  }),
  "refuses a change for which there is no room": withQueue((queue, left) => {
    const { EVFILT_WRITE } = queue.layout;
    assert.ok(queue.append(left, EVFILT_WRITE, EV_ADD, 1));
    assert.ok(queue.append(left, EVFILT_WRITE, EV_DELETE, 1));
    assert.equal(queue.append(left, EVFILT_WRITE, EV_ADD, 1), false);
    assert.equal(queue.pending, 2);
    assert.equal(queue.wait(0), 0);
  }, 2),
  "is woken by its user event": withQueue((queue) => {
    assert.equal(queue.addUserEvent(9), 0);
    assert.equal(queue.wait(0), 0);
    assert.equal(triggerKqueue(queue.fd), 0);
    assert.equal(wake(userEventTarget(queue.fd)), 0);
    assert.equal(queue.wait(-1), 1);
    assert.equal(queue.events.filter(0), queue.layout.EVFILT_USER);
    assert.equal(queue.wait(0), 0, "one event for both");
  }),
  "waits as long as it was asked to": withQueue((queue) => {
    const start = monotonicMs();
    assert.equal(queue.wait(20.5), 0);
    assert.ok(monotonicMs() - start >= 20.5);
  }),
};

describe("a kqueue", () => {
  for (const [name, body] of Object.entries(cases)) {
    testUnless(obstacle, name, body);
  }

  testUnless(obstacle, "fails when it is closed", () => {
    const queue = Kqueue.open(library);
    assert.equal(queue.close(), 0);
    assert.ok(queue.wait(0) < 0);
    assert.ok(triggerKqueue(queue.fd) < 0);
  });
});

testUnless(
  hasKqueue ? "this system has a kqueue" : null,
  "without a kqueue there is none to open or to wake",
  () => {
    assert.throws(() => Kqueue.open(), UnsupportedPlatformError);
    for (const name of ["/nowhere/libkqueue.so", "libc.so.6"]) {
      assert.throws(
        () => Kqueue.open(name),
        (error) =>
          error instanceof UnsupportedPlatformError &&
          error.message.includes(`"${name}"`) && error.cause !== undefined,
      );
    }
  },
);

test("a queue's wake target is no descriptor", () => {
  assert.deepEqual([0, 1, 1000].map(userEventTarget), [-2, -3, -1002]);
  // -1 stands for nothing to wake.
  assert.equal(wake(-1), -errnoNumber("EBADF"));
});

/** A test of the calls that a queue makes, for each layout. */
function testCalls(
  name: string,
  body: (queue: Kqueue, stub: KqueueStub) => void,
): void {
  for (const system of Object.keys(KQUEUE_LAYOUTS) as KqueueSystem[]) {
    test(`${name}, ${system}`, () => {
      const stub = new KqueueStub(KQUEUE_LAYOUTS[system]);
      const queue = Kqueue.open(stub.source, 4);
      try {
        body(queue, stub);
      } finally {
        queue.close();
        stub.close();
      }
    });
  }
}

describe("the calls of a kqueue", () => {
  testCalls("take changes and bring events at once", (queue, stub) => {
    const { EVFILT_READ, EVFILT_WRITE } = queue.layout;
    queue.append(7, EVFILT_READ, EV_ADD, 2 ** 40 + 5);
    queue.append(0x12345, EVFILT_WRITE, EV_ADD | EV_CLEAR, 9, 3);
    assert.equal(queue.wait(0), 0);
    assert.equal(queue.pending, 0);
    const [call] = stub.calls;
    assert.ok(call !== undefined && stub.calls.length === 1);
    assert.deepEqual(call.changes, [
      {
        ident: 7,
        filter: EVFILT_READ,
        flags: 1,
        fflags: 0,
        data: 0,
        udata: 2 ** 40 + 5,
      },
      {
        ident: 0x12345,
        filter: EVFILT_WRITE,
        flags: 0x21,
        fflags: 3,
        data: 0,
        udata: 9,
      },
    ]);
    assert.equal(call.bytes.length, 2 * queue.layout.size);
    assert.equal(call.eventsMax, 4);
    stub.makeReady("7 read", { data: 11, flags: EV_EOF });
    assert.equal(queue.wait(0), 1);
    const { events } = queue;
    assert.deepEqual(
      [events.ident(0), events.filter(0), events.data(0), events.udata(0)],
      [7, EVFILT_READ, 11, 2 ** 40 + 5],
    );
    assert.equal(events.flags(0), EV_EOF);
    assert.deepEqual(stub.calls[1]?.changes, []);
  });

  testCalls("say how long to wait", (queue, stub) => {
    for (const timeoutMs of [0, 20.5, 61_500, 5_000_000_000, -1, Infinity]) {
      queue.wait(timeoutMs);
    }
    assert.deepEqual(stub.calls.map(({ time }) => time), [
      [0, 0, 0, 0],
      // Never shorter than asked for.
      [0, 0, 21_000_000, 0],
      [61, 0, 500_000_000, 0],
      [2_147_483, 0, 647_000_000, 0],
      null,
      null,
    ]);
  });

  testCalls(
    "are repeated after a signal, without the changes",
    (queue, stub) => {
      queue.append(7, queue.layout.EVFILT_READ, EV_ADD, 1);
      stub.failures.push({ errno: "EINTR", afterChanges: true });
      assert.equal(queue.wait(10_000), 0);
      assert.deepEqual(stub.calls.map(({ changes }) => changes.length), [1, 0]);
      const [first, second] = stub.calls.map(({ time }) => {
        const [seconds = 0, , nanoseconds = 0] = time ?? [];
        return seconds * 1000 + nanoseconds / 1_000_000;
      });
      assert.equal(first, 10_000);
      assert.ok(second !== undefined && second <= 10_000 && second > 0);
    },
  );

  testCalls("keep the changes when they fail", (queue, stub) => {
    queue.append(7, queue.layout.EVFILT_READ, EV_ADD, 1);
    stub.failures.push({ errno: "ENOMEM", afterChanges: false });
    assert.equal(queue.wait(0), -errnoNumber("ENOMEM"));
    assert.equal(queue.pending, 1);
    assert.equal(queue.wait(0), 0);
    assert.deepEqual(stub.known, ["7 read"]);
  });

  testCalls("ask for a receipt of each change", (queue, stub) => {
    const { EVFILT_READ, EVFILT_WRITE, EV_RECEIPT } = queue.layout;
    queue.append(7, EVFILT_READ, EV_ADD, 1);
    queue.append(7, EVFILT_WRITE, EV_DELETE, 2);
    const answers = queue.apply();
    const [call] = stub.calls;
    assert.deepEqual(
      call?.changes.map(({ flags }) => flags),
      [EV_ADD | EV_RECEIPT, EV_DELETE | EV_RECEIPT],
    );
    // No room for an event, which would be lost.
    assert.equal(call?.eventsMax, 2);
    assert.deepEqual(call?.time, [0, 0, 0, 0]);
    const refusal = errnoNumber("ENOENT");
    if (EV_RECEIPT === 0) {
      // Only what failed is answered.
      assert.equal(answers, 1);
      assert.equal(queue.answers.data(0), refusal);
      return;
    }
    assert.equal(answers, 2);
    assert.deepEqual(
      [queue.answers.data(0), queue.answers.data(1)],
      [0, refusal],
    );
    assert.equal(queue.answers.flags(0), EV_ERROR);
  });
});

test("a change list is laid out byte by byte", () => {
  const stub = new KqueueStub(KQUEUE_LAYOUTS.darwin);
  const queue = Kqueue.open(stub.source, 4);
  queue.append(0x12345, -1, EV_ADD | EV_CLEAR, 0x0a0b0c0d0e, 0x1000000);
  queue.append(3, -2, EV_DELETE, 0);
  queue.wait(0);
  const hex = [...stub.calls[0]?.bytes ?? []]
    .map((byte) => byte.toString(16).padStart(2, "0")).join("");
  const zero = "0000000000000000";
  assert.equal(
    hex,
    `4523010000000000ffff210000000001${zero}0e0d0c0b0a000000` +
      `0300000000000000feff020000000000${zero}${zero}`,
  );
  queue.close();
});

test("leaves nothing behind", leaks.after);
