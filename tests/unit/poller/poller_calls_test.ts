// What pollers ask of the system, counted at the seam to C.
import assert from "node:assert/strict";
import { closeSync, openSync } from "node:fs";
import { describe } from "node:test";
import { errnoNumber, host } from "../../../ffi/mod.ts";
import { EpollPoller } from "../../../src/poller/epoll_poller.ts";
import { NO_MEMORY_PAUSE_MS } from "../../../src/poller/poller.ts";
import { testUnless } from "../../support/skip.ts";
import {
  type Backend,
  BACKENDS,
  type Case,
  forEveryBackend,
  Stage,
} from "./contract.ts";
import { failWith, Faults, waitCall } from "./faults.ts";

const EPOLL_CTL_DEL = 2;

/** The calls that `body` makes, by their names. */
function callsOf(
  backend: Backend,
  body: () => void,
): Readonly<Record<string, number>> {
  const faults = new Faults(backend);
  const counts = faults.count();
  try {
    body();
  } finally {
    faults.restore();
  }
  return Object.fromEntries(counts);
}

const calls: Record<string, Case> = {
  "interest that is toggled within a turn costs no call": (stage) => {
    const { backend } = stage;
    const [a] = stage.pair();
    const watched = stage.add(a).want(true, false);
    stage.turns(2);
    const toggled = callsOf(backend, () => {
      for (let n = 0; n < 50; n++) {
        watched.want(false, false).want(true, true).want(true, false);
      }
      assert.equal(stage.poller.wait(0), 0);
    });
    assert.deepEqual(toggled, { [waitCall(backend)]: 1 });
  },
  "a change of interest costs one call at most": (stage) => {
    const { backend } = stage;
    const all = Array.from({ length: 20 }, () => stage.add(stage.pair()[0]));
    stage.turns(2);
    const changed = callsOf(backend, () => {
      for (const watched of all) {
        for (let n = 0; n < 5; n++) watched.want(true, true).want(false, false);
        watched.want(true, false);
      }
      assert.equal(stage.poller.wait(0), 0);
    });
    // kqueue takes the changes along with the wait, poll and select have them
    // in their sets, and edge-triggered the kernel knows all from the start.
    const expected = backend.name === "epoll, level"
      ? { epoll_ctl: all.length, epoll_wait: 1 }
      : { [waitCall(backend)]: 1 };
    assert.deepEqual(changed, expected);
  },
  "a turn without changes is one call, whatever it brings": (stage) => {
    const { backend } = stage;
    const all = Array.from({ length: 20 }, () => {
      const watched = stage.add(stage.pair()[0]).want(false, true);
      return watched;
    });
    stage.turns(2);
    const turn = callsOf(backend, () => {
      assert.equal(stage.poller.wait(1000), all.length);
    });
    assert.deepEqual(turn, { [waitCall(backend)]: 1 });
  },
};

forEveryBackend("calls", calls);

/** A test of epoll alone, on a stage of that trigger. */
function withEpoll(
  trigger: "level" | "edge",
  body: (stage: Stage, faults: Faults) => void,
): () => void {
  return () => {
    const backend = BACKENDS.find(({ name }) => name === `epoll, ${trigger}`);
    const stage = new Stage(backend as Backend);
    const faults = new Faults(stage.backend);
    try {
      body(stage, faults);
    } finally {
      faults.restore();
      stage.end();
    }
  };
}

/** Opens a regular file with that number, which is free. */
function fileWith(number: number): number[] {
  const open: number[] = [];
  do {
    open.push(openSync(new URL(import.meta.url), "r"));
  } while (!open.includes(number) && open.length < 50);
  assert.ok(open.includes(number), `${number} is not used again`);
  return open;
}

describe("epoll's refusals", () => {
  const obstacle = host.os === "linux" ? null : "epoll is Linux'";

  testUnless(
    obstacle,
    "of a number that became a regular file's are not asked for again",
    withEpoll("level", (stage) => {
      const { poller, backend } = stage;
      const [a] = stage.pair();
      const watched = stage.add(a).want(true, false);
      stage.turns();
      stage.close(a);
      const open = fileWith(a);
      try {
        watched.want(true, true);
        const counts = callsOf(backend, () => {
          for (let n = 0; n < 5; n++) {
            assert.equal(poller.wait(2 * NO_MEMORY_PAUSE_MS), 0);
            assert.equal(poller.strained, false);
          }
        });
        assert.deepEqual(counts, { epoll_ctl: 1, epoll_wait: 5 });
      } finally {
        for (const fd of open) closeSync(fd);
      }
    }),
  );

  for (const trigger of ["level", "edge"] as const) {
    testUnless(
      obstacle,
      `of a removal are made good for, ${trigger}`,
      withEpoll(trigger, (stage, faults) => {
        const { poller } = stage;
        assert.ok(poller instanceof EpollPoller);
        const [a] = stage.pair();
        const silent = { inEvent() {}, outEvent() {} };
        const first = poller.add(a, silent, true);
        assert.ok(typeof first !== "number");
        poller.setInterest(first, true, false);
        poller.wait(0);
        let refusals = 0;
        faults.replace("epoll_ctl", (real) => (...args) => {
          if (args[1] !== EPOLL_CTL_DEL || refusals > 0) return real(...args);
          refusals++;
          return failWith("ENOMEM");
        });
        poller.remove(first);
        assert.equal(refusals, 1);
        // What is exclusive in the kernel cannot be modified.
        const second = poller.add(a, silent, true);
        assert.ok(typeof second !== "number", `add: ${second}`);
        assert.equal(poller.add(a, silent), -errnoNumber("EEXIST"));
      }),
    );
  }
});
