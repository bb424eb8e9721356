import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import {
  closeFd,
  errnoNumber,
  host,
  openForEvents,
  openLibc,
  openSocketPair,
  receive,
  send,
} from "../../../ffi/mod.ts";
import {
  EventLoop,
  EventLoopError,
  type Interest,
  type Watch,
  ZmqError,
} from "../../../src/event_loop/mod.ts";
import {
  LOOP_KINDS,
  refusal,
  turnUntil,
  withLoop,
  withPair,
} from "../../support/event_loops.ts";
import { testUnless } from "../../support/skip.ts";
import { leakFree } from "../../support/leaks.ts";

const BYTE = new Uint8Array([1]);
const scratch = new Uint8Array(16);

function drain(watch: Watch): void {
  while (receive(watch.fd, scratch, 0, scratch.length) > 0);
  watch.inputExhausted();
}

const CASES: Record<string, (loop: EventLoop) => void> = {
  "tells that a descriptor can be read, as long as it can": (loop) =>
    withPair((near, far) => {
      const log: number[] = [];
      using watch = loop.watch(near, { readable: (w) => log.push(w.fd) });
      assert.equal(loop.runOnce(0), 0);
      send(far, BYTE, 0, 1);
      assert.equal(loop.runOnce(1000), 1);
      assert.equal(loop.runOnce(1000), 1, "again: nobody read");
      drain(watch);
      assert.equal(loop.runOnce(0), 0);
      send(far, BYTE, 0, 1);
      assert.equal(loop.runOnce(1000), 1);
      assert.deepEqual(log, [near, near, near]);
      assert.deepEqual(watch.interest, { read: true, write: false });
    }),
  "tells what is of interest only": (loop) =>
    withPair((near, far) => {
      const log: string[] = [];
      using watch = loop.watch(near, {
        readable: () => log.push("in"),
        writable: () => log.push("out"),
      }, { write: true });
      send(far, BYTE, 0, 1);
      loop.runOnce(1000);
      assert.deepEqual(log.splice(0), ["out"]);
      watch.setInterest({ read: true });
      loop.runOnce(1000);
      assert.deepEqual(log.splice(0), ["out", "in"], "the other one stays");
      watch.setInterest({ read: false, write: false });
      assert.equal(loop.runOnce(0), 0);
      assert.deepEqual(log, []);
    }),
  "takes an interest that is given as it is": (loop) =>
    withPair((near, far) => {
      const log: string[] = [];
      const handlers = {
        readable: () => log.push("in"),
        writable: () => log.push("out"),
      };
      send(far, BYTE, 0, 1);
      // What is not named is of no interest, although there is a handler.
      for (
        const [interest, told] of [
          [{}, []],
          [{ read: true }, ["in"]],
          [{ write: true }, ["out"]],
          [{ read: undefined }, []],
          [undefined, ["out", "in"]],
        ] as const
      ) {
        using watch = loop.watch(near, handlers, interest as Interest);
        assert.equal(loop.runOnce(0), told.length);
        assert.deepEqual(log.splice(0), told);
        assert.equal(watch.interest.read, told.includes("in" as never));
        assert.equal(watch.interest.write, told.includes("out" as never));
      }
      for (const wrong of [null, 1, { read: 1 }, { write: null }] as never[]) {
        assert.throws(() => loop.watch(near, handlers, wrong), TypeError);
        using watch = loop.watch(near, handlers);
        assert.throws(() => watch.setInterest(wrong), TypeError);
      }
      assert.throws(() => loop.watch(near, null as never), TypeError);
      assert.throws(() => loop.watch(near, {}, {}, null as never), TypeError);
      assert.equal(loop.load, 0);
    }),
  "calls handlers as methods, and keeps what is given with a descriptor": (
    loop,
  ) =>
    withPair((near) => {
      class Connection {
        told = 0;
        writable(watch: Watch<string>): void {
          this.told++;
          assert.equal(watch.data, "mine");
        }
      }
      const connection = new Connection();
      const options = { data: "mine" };
      using watch = loop.watch(near, connection, { write: true }, options);
      assert.equal(watch.data.length, 4);
      assert.equal(loop.runOnce(1000), 1);
      assert.equal(connection.told, 1);
    }),
  "is silent about what was closed, in the same turn too": (loop) =>
    withPair((a, b) =>
      withPair((c, d) => {
        const watches: Watch[] = [];
        let told = 0;
        const closeAll = () => {
          told++;
          for (const watch of watches) watch.close();
        };
        for (const fd of [a, b, c, d]) {
          watches.push(loop.watch(fd, { writable: closeAll }));
        }
        assert.equal(loop.load, 4);
        loop.runOnce(1000);
        assert.equal(told, 1);
        assert.equal(loop.load, 0);
        assert.equal(loop.runOnce(0), 0);
        watches[0]?.close();
        assert.equal(watches[0]?.active, false);
      })
    ),
  "goes on when a callback throws, and says so after the turn": (loop) =>
    withPair((a, b) => {
      const failures = [new Error("first"), new Error("second")];
      let told = 0;
      const fail = (watch: Watch) => {
        watch.close();
        throw failures[told++];
      };
      loop.watch(a, { writable: fail });
      loop.watch(b, { writable: fail });
      const thrown = refusal(() => loop.run()) as unknown as AggregateError;
      assert.ok(thrown instanceof AggregateError);
      assert.deepEqual(thrown.errors, failures);
      loop.setTimer(0, () => {
        throw failures[0];
      });
      assert.equal(refusal(() => loop.run()), failures[0]);
      assert.equal(loop.runOnce(0), 0);
    }),
  "refuses what is no open descriptor": (loop) => {
    for (const fd of [-1, -2147483649, 2 ** 31, 999_999]) {
      const error = refusal(() => loop.watch(fd, {}));
      assert.ok(error instanceof EventLoopError && error instanceof ZmqError);
      assert.equal(error.code, "EBADF", String(fd));
      assert.equal(error.fd, fd);
      assert.equal(error.call, "EventLoop.watch");
      assert.match(
        error.message ?? "",
        new RegExp(`^EventLoop.watch: descriptor ${fd} .*${error.code}`),
      );
    }
    for (const fd of [1.5, NaN, "3", null, undefined]) {
      assert.throws(() => loop.watch(fd as number, {}), TypeError);
      assert.throws(() => loop.unwatch(fd as number), TypeError);
    }
    assert.equal(loop.load, 0);
  },
  "refuses a closed descriptor": (loop) => {
    let number = -1;
    withPair((near) => number = near);
    const error = refusal(() => loop.watch(number, {}));
    assert.equal(error.code, "EBADF");
  },
  "refuses a descriptor that is watched": (loop) =>
    withPair((near) => {
      const first = loop.watch(near, {});
      const error = refusal(() => loop.watch(near, {}));
      assert.equal(error.code, "EEXIST");
      assert.equal(error.fd, near);
      assert.match(error.message ?? "", /is watched already/);
      first.close();
      loop.watch(near, {}).close();
    }),
  "refuses a regular file": (loop) => {
    const fd = openForEvents(fileURLToPath(import.meta.url));
    try {
      const error = refusal(() => loop.watch(fd, {}));
      assert.equal(error.code, "EPERM");
      assert.equal(error.fd, fd);
      assert.match(error.message ?? "", /regular file/);
      assert.equal(loop.load, 0);
    } finally {
      closeFd(fd);
    }
  },
  "refuses to forget what it does not know": (loop) =>
    withPair((near) => {
      const error = refusal(() => loop.unwatch(near));
      assert.equal(error.code, "ENOENT");
      assert.equal(error.call, "EventLoop.unwatch");
      assert.equal(error.fd, near);
      assert.equal(refusal(() => loop.unwatch(-1)).code, "EBADF");
      const watch = loop.watch(near, {});
      loop.unwatch(near);
      assert.equal(watch.active, false);
      const closed = refusal(() => watch.setInterest({ read: true }));
      assert.equal(closed.code, "EBADF");
      assert.equal(closed.call, "Watch.setInterest");
      assert.equal(closed.fd, near);
      assert.equal(refusal(() => loop.unwatch(near)).code, "ENOENT");
    }),
  "is woken, and tells it once per turn": (loop) => {
    let told = 0;
    const source = loop.onWake(() => told++);
    for (let n = 0; n < 3; n++) {
      assert.equal(EventLoop.wake(structuredClone(loop.wakeHandle)), true);
    }
    assert.equal(loop.runOnce(-1), 1);
    assert.equal(told, 1);
    source.close();
    EventLoop.wake(loop.wakeHandle);
    assert.equal(loop.runOnce(-1), 0, "woken, and nobody to tell");
  },
  "stops, from inside and from before": (loop) => {
    loop.stop();
    loop.run();
    let turns = 0;
    loop.setTicker(1, () => {
      if (++turns === 3) loop.stop();
    });
    loop.run();
    assert.equal(turns, 3);
  },
  "cannot run inside itself": (loop) => {
    loop.setTimer(0, () => {
      assert.equal(refusal(() => loop.run()).code, "EBUSY");
      assert.equal(refusal(() => loop.runOnce()).call, "EventLoop.runOnce");
      loop.stop();
    });
    loop.run();
  },
  "closes in the middle of a turn": (loop) =>
    withPair((near, far) => {
      const log: string[] = [];
      for (const fd of [near, far]) {
        loop.watch(fd, {
          writable: () => {
            log.push("out");
            loop.close();
          },
        });
      }
      loop.setTimer(0, () => {
        log.push("timer");
        // Due when the turn ends.
        loop.setTimer(0, () => log.push("late"));
      });
      loop.run();
      assert.deepEqual(log, ["timer", "out"]);
      loop.close();
      for (
        const [method, call] of [
          ["run", () => loop.run()],
          ["runOnce", () => loop.runOnce()],
          ["watch", () => loop.watch(near, {})],
          ["setTimer", () => loop.setTimer(1, () => {})],
          ["onWake", () => loop.onWake(() => {})],
        ] as const
      ) {
        const error = refusal(call);
        assert.equal(error.code, "EBADF");
        assert.equal(error.call, `EventLoop.${method}`);
      }
      assert.equal(EventLoop.wake(loop.wakeHandle), false);
      assert.equal(loop.load, 0);
    }),
  "tells a broken connection to who only writes": (loop) => {
    for (const interest of [{ write: true }, { read: true }]) {
      const pair = new Int32Array(2);
      assert.equal(openSocketPair(pair), 0);
      const [near, far] = pair as unknown as [number, number];
      const much = new Uint8Array(64 * 1024);
      while (send(near, much, 0, much.length) > 0);
      let told = 0;
      const writable = (w: Watch): void => {
        told++;
        w.outputExhausted();
      };
      const watch = loop.watch(near, { writable }, interest);
      while (loop.runOnce(0) > 0);
      told = 0;
      assert.equal(loop.runOnce(10), 0, "nothing can be written");
      closeFd(far);
      loop.runOnce(1000);
      assert.ok(told > 0);
      watch.close();
      closeFd(near);
    }
  },
};

for (const { name, options, obstacle } of LOOP_KINDS) {
  describe(`an event loop over ${name}`, () => {
    for (const [title, body] of Object.entries(CASES)) {
      testUnless(obstacle, title, withLoop(options, body));
    }
    testUnless(
      obstacle,
      "opens nothing that it does not close",
      leakFree(() => {
        for (let n = 0; n < 20; n++) {
          using loop = new EventLoop(options);
          if (options.poller !== undefined) {
            assert.equal(loop.poller, options.poller);
          }
          assert.equal(loop.trigger, options.trigger ?? "level");
          loop.setTimer(0, () => {});
          loop.runOnce(0);
        }
      }),
    );
  });
}

test("what is no callback is refused at the call", () => {
  using loop = new EventLoop();
  const wrong = "no function" as unknown as () => void;
  for (
    const [method, call] of Object.entries({
      watch: () => loop.watch(0, { readable: wrong }),
      setTimer: () => loop.setTimer(1, wrong),
      setTicker: () => loop.setTicker(1, wrong),
      onSignal: () => loop.onSignal("SIGUSR2", wrong),
      onProcessExit: () => loop.onProcessExit(1, wrong),
      onFileChange: () => loop.onFileChange(".", wrong),
      onWake: () => loop.onWake(wrong),
      runOnce: () => loop.runOnce(NaN),
    })
  ) {
    assert.throws(call, new RegExp(`^TypeError: EventLoop.${method}: `));
  }
  assert.equal(loop.load, 0);
});

test("options that this system does not have are refused", () => {
  const options = { poller: "devpoll" as "poll" };
  assert.equal(refusal(() => new EventLoop(options)).code, "EINVAL");
});

const SAME = "all sockets of this system have one identity";

function watchNumberAgain(loop: EventLoop): void {
  let former: Watch | undefined;
  let number = -1;
  withPair((near) => {
    number = near;
    former = loop.watch(near, { readable: () => assert.fail("closed") });
  });
  withPair((near, far) => {
    assert.equal(near, number);
    assert.equal(former?.active, true);
    let told = 0;
    const watch = loop.watch(near, { readable: () => told++ });
    send(far, BYTE, 0, 1);
    turnUntil(loop, () => told > 0, "the new one to be told");
    assert.equal(former?.active, false);
    former?.close();
    assert.equal(loop.load, 1);
    loop.unwatch(near);
    assert.equal(watch.active, false);
  });
}

for (const { name, options, obstacle } of LOOP_KINDS) {
  testUnless(
    obstacle ?? (host.os === "linux" ? null : SAME),
    `a number that is used again can be watched again, over ${name}`,
    withLoop(options, watchNumberAgain),
  );
}

test("what is no handle of a loop cannot be woken", () => {
  using loop = new EventLoop();
  const { gate, target } = loop.wakeHandle;
  for (
    const wrong of [
      {},
      null,
      undefined,
      1,
      { gate },
      { target },
      { gate: new SharedArrayBuffer(4), target },
      { gate: new Int32Array(gate), target },
    ] as never[]
  ) {
    assert.throws(() => EventLoop.wake(wrong), {
      name: "TypeError",
      message: /^EventLoop.wake: /,
    });
  }
});

const notLinux = host.os === "linux" ? null : "the calls are Linux'";

/** Says that the process has no descriptor left. */
function hasNone(): number {
  openLibc().errno[0] = errnoNumber("EMFILE");
  return -1;
}

/** Has only descriptors left that select cannot wait for. */
function hasHighOnes(fds: Int32Array): number {
  fds.set([100_000, 100_001]);
  return 0;
}

for (
  const [poller, call, answer] of [
    ["epoll", "epoll_create1", hasNone],
    ["epoll", "eventfd", hasNone],
    ["poll", "pipe2", hasNone],
    ["select", "pipe2", hasNone],
    ["select", "pipe2", hasHighOnes],
  ] as const
) {
  testUnless(
    notLinux,
    `running out of descriptors: ${poller} when ${call} ${answer.name}`,
    () => {
      const table = openLibc().call as unknown as Record<string, unknown>;
      const real = table[call];
      table[call] = answer;
      try {
        const error = refusal(() => new EventLoop({ poller }));
        assert.ok(error instanceof EventLoopError);
        assert.equal(error.code, "EMFILE");
        assert.equal(error.call, "EventLoop");
        assert.ok(error.cause instanceof RangeError);
      } finally {
        table[call] = real;
      }
    },
  );
}

test("a wake listener that opens the next one waits for the next wake", () => {
  using loop = new EventLoop();
  let told = 0;
  const listen = (): void => {
    const listener = loop.onWake(() => {
      listener.close();
      told += 1;
      listen();
    });
  };
  listen();
  for (let wakes = 1; wakes <= 3; wakes += 1) {
    EventLoop.wake(loop.wakeHandle);
    turnUntil(loop, () => told === wakes, "the wake-up");
  }
});

test("what is no time-out is refused", () => {
  using loop = new EventLoop();
  for (const value of [{}, "abc", NaN]) {
    assert.throws(() => loop.runOnce(value as never), TypeError);
  }
});

test(
  "a loop that is refused leaves no descriptor",
  leakFree(() => {
    for (let n = 0; n < 50; n += 1) {
      assert.throws(() => new EventLoop({ workerUrl: "no address" }));
    }
  }),
);
