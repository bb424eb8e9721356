// What a kqueue is told, call by call: over a stub, so on every system. The
// contract that it keeps with that is tested in the poller_*_test.ts files.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { errnoNumber, KQUEUE_LAYOUTS } from "../../../ffi/mod.ts";
import { KqueuePoller } from "../../../src/poller/kqueue_poller.ts";
import type { PollHandle, Trigger } from "../../../src/poller/poller.ts";
import {
  ADD,
  type Call,
  CLEAR,
  DELETE,
  EOF,
  type Fields,
  KqueueStub,
  RECEIPT,
} from "../ffi/kqueue_stub.ts";

const ENOMEM = errnoNumber("ENOMEM");

/** A poller over a stub, and descriptors that note what they are told. */
class Stage {
  readonly stub: KqueueStub;
  readonly poller: KqueuePoller;
  readonly log: string[] = [];

  constructor(trigger: Trigger) {
    this.stub = new KqueueStub();
    this.poller = new KqueuePoller({ trigger, library: this.stub.source });
    this.stub.calls.length = 0;
  }

  tryAdd(): { fd: number; handle: PollHandle | number } {
    const fd = this.stub.descriptor();
    const told = (what: string) => (): void => void this.log.push(what);
    const events = { inEvent: told("in"), outEvent: told("out") };
    return { fd, handle: this.poller.add(fd, events) };
  }

  add(): { fd: number; handle: PollHandle } {
    const { fd, handle } = this.tryAdd();
    assert.ok(typeof handle !== "number", `add: ${handle}`);
    return { fd, handle };
  }

  /** The calls since the last time, as text. */
  takeCalls(): string[] {
    return this.stub.calls.splice(0).map((call) => this.#text(call));
  }

  /** The filters of one descriptor that the stub has. */
  known(fd: number): string[] {
    return this.stub.known.filter((name) => name.startsWith(`${fd} `))
      .map((name) => name.split(" ")[1] as string);
  }

  #text({ changes, time }: Call): string {
    const texts = changes.map(({ ident, filter, flags }) => {
      const sign = (flags & ADD) !== 0
        ? "+"
        : (flags & DELETE) !== 0
        ? "-"
        : "";
      const name = this.stub.nameOf(ident, filter).split(" ")[1];
      const marks = ((flags & CLEAR) !== 0 ? " clear" : "") +
        ((flags & RECEIPT) !== 0 ? " receipt" : "");
      return `${sign}${name}${marks}`;
    });
    return `${texts.join(", ")}${time === null ? " for ever" : ""}`;
  }
}

function testStage(
  trigger: Trigger,
  name: string,
  body: (stage: Stage) => void,
): void {
  test(`${trigger}: ${name}`, () => {
    const stage = new Stage(trigger);
    try {
      body(stage);
    } finally {
      stage.poller.close();
      stage.stub.close();
    }
  });
}

/** Refuses to add the filter for one direction. */
function refusing(
  stage: Stage,
  direction: "read" | "write" | "both",
  errno: string,
): void {
  const { EVFILT_READ, EVFILT_WRITE } = stage.stub.layout;
  stage.stub.refuse = ({ filter, flags }: Fields) => {
    if ((flags & ADD) === 0) return 0;
    const isRead = filter === EVFILT_READ;
    if (!isRead && filter !== EVFILT_WRITE) return 0;
    const isMeant = direction === "both" || (direction === "read") === isRead;
    return isMeant ? errnoNumber(errno) : 0;
  };
}

describe("a kqueue poller", () => {
  test("is woken by a user event of its own queue", () => {
    const stub = new KqueueStub();
    const poller = new KqueuePoller({ library: stub.source });
    assert.deepEqual(stub.calls[0]?.changes, [{
      ident: 0,
      filter: KQUEUE_LAYOUTS.freebsd.EVFILT_USER,
      flags: ADD | CLEAR | RECEIPT,
      fflags: 0,
      data: 0,
      udata: 0x7fffffff,
    }]);
    stub.makeReady("0 user");
    assert.equal(poller.wait(-1), 0);
    assert.ok(poller.wakeTarget < -1);
    poller.close();
  });

  test("is woken by a pipe where there are no user events", () => {
    const stub = new KqueueStub(KQUEUE_LAYOUTS.openbsd);
    const poller = new KqueuePoller({ library: stub.source });
    const [{ filter, flags } = { filter: 0, flags: 0 }] =
      stub.calls[0]?.changes ?? [];
    // Not EV_CLEAR: a pipe that was full would have no further edge.
    assert.deepEqual([filter, flags], [-1, ADD | RECEIPT]);
    assert.ok(poller.wakeTarget >= 0);
    poller.close();
  });

  testStage("level", "hands changes over with the wait", (stage) => {
    const { poller, stub } = stage;
    const { fd, handle } = stage.add();
    assert.deepEqual(stage.takeCalls(), [], "no interest yet");
    poller.setInterest(handle, true, true);
    poller.wait(-1);
    assert.deepEqual(stage.takeCalls(), ["+read, +write for ever"]);
    poller.setInterest(handle, false, false);
    poller.setInterest(handle, true, true);
    poller.wait(0);
    assert.deepEqual(stage.takeCalls(), [""], "toggled back");
    poller.setInterest(handle, false, true);
    stub.makeReady(`${fd} write`);
    assert.equal(poller.wait(0), 1);
    assert.deepEqual(stage.takeCalls(), ["-read"]);
    assert.deepEqual(stage.log, ["out"]);
    poller.remove(handle);
    assert.deepEqual(stage.takeCalls(), ["-write receipt"]);
    assert.deepEqual(stage.known(fd), []);
  });

  testStage("level", "repeats what a failed wait leaves in doubt", (stage) => {
    const { poller, stub } = stage;
    const { fd, handle } = stage.add();
    poller.setInterest(handle, true, true);
    poller.wait(0);
    poller.setInterest(handle, true, false);
    for (const afterChanges of [false, true]) {
      stub.failures.push({ errno: "ENOMEM", afterChanges });
      poller.wait(0);
      assert.equal(poller.strained, true);
    }
    stage.takeCalls();
    poller.wait(0);
    // Both are said, until it is known that both were heard.
    assert.deepEqual(stage.takeCalls(), ["+read, -write"]);
    assert.deepEqual(stage.known(fd), ["read"]);
    poller.wait(0);
    assert.deepEqual(stage.takeCalls(), [""]);
    poller.remove(handle);
    assert.deepEqual(stage.takeCalls(), ["-read receipt"], "no doubt is left");
    assert.deepEqual(stage.known(fd), []);
  });

  testStage("level", "asks again for a change without memory", (stage) => {
    const { poller, stub } = stage;
    const { fd, handle } = stage.add();
    poller.setInterest(handle, true, false);
    stub.refuse = () => ENOMEM;
    poller.wait(1);
    assert.equal(poller.strained, true);
    stub.refuse = () => 0;
    stage.takeCalls();
    poller.wait(0);
    assert.deepEqual(stage.takeCalls(), ["+read"]);
    assert.deepEqual(stage.known(fd), ["read"]);
    assert.equal(poller.strained, false);
  });

  testStage("level", "tells of a filter that is refused", (stage) => {
    const { poller } = stage;
    const { handle } = stage.add();
    refusing(stage, "write", "EPIPE");
    poller.setInterest(handle, true, true);
    assert.equal(poller.wait(0), 1);
    assert.deepEqual(stage.log, ["out"], "a write tells why");
  });

  testStage("edge", "adds both filters at once, and no more", (stage) => {
    const { poller, stub } = stage;
    const { fd, handle } = stage.add();
    assert.deepEqual(stage.takeCalls(), [
      "+read clear receipt, +write clear receipt",
    ]);
    stub.makeReady(`${fd} read`);
    assert.equal(poller.wait(0), 0, "no interest");
    poller.setInterest(handle, true, false);
    for (let n = 0; n < 3; n++) assert.equal(poller.wait(1000), 1);
    poller.inputExhausted(handle);
    assert.equal(poller.wait(0), 0);
    assert.deepEqual(stage.takeCalls(), ["", "", "", "", ""]);
    poller.remove(handle);
    assert.deepEqual(stage.takeCalls(), ["-read receipt, -write receipt"]);
  });

  testStage("edge", "tells an end behind a short read, and once", (stage) => {
    const { poller, stub } = stage;
    const { fd, handle } = stage.add();
    poller.setInterest(handle, true, false);
    stub.makeReady(`${fd} read`, { flags: ADD | CLEAR | EOF });
    const told = Array.from({ length: 3 }, () => {
      const count = poller.wait(0);
      poller.inputExhausted(handle);
      return count;
    });
    assert.deepEqual(told, [1, 1, 0]);
  });

  for (
    const [refused, accepted, errno] of [
      // A pipe whose other end is closed; a queue, which is never written to.
      ["write", "read", "EPIPE"],
      ["write", "read", "EBADF"],
      ["write", "read", "EINVAL"],
      ["read", "write", "EINVAL"],
    ] as const
  ) {
    const name = `takes a descriptor without ${refused} filter, ${errno}`;
    testStage("edge", name, (stage) => {
      const { poller, stub } = stage;
      refusing(stage, refused, errno);
      const { fd, handle } = stage.add();
      assert.equal(poller.load, 1);
      assert.deepEqual(stage.known(fd), [accepted]);
      const direction = { read: "in", write: "out" } as const;
      poller.setInterest(handle, true, true);
      // A call tells why it has no filter.
      assert.equal(poller.wait(0), 1);
      assert.deepEqual(stage.log.splice(0), [direction[refused]]);
      if (refused === "read") poller.inputExhausted(handle);
      else poller.outputExhausted(handle);
      assert.equal(poller.wait(0), 0);
      stub.makeReady(`${fd} ${accepted}`);
      assert.equal(poller.wait(0), 1);
      assert.deepEqual(stage.log, [direction[accepted]]);
      poller.remove(handle);
      assert.deepEqual(stage.known(fd), []);
    });
  }

  testStage("edge", "refuses what has neither filter", (stage) => {
    refusing(stage, "both", "EINVAL");
    assert.equal(stage.tryAdd().handle, -errnoNumber("EINVAL"));
    assert.equal(stage.poller.load, 0);
    stage.stub.refuse = () => 0;
    stage.add();
  });

  for (const direction of ["read", "write"] as const) {
    const name = `leaves nothing when there is no memory to ${direction}`;
    testStage("edge", name, (stage) => {
      refusing(stage, direction, "ENOMEM");
      const { fd, handle } = stage.tryAdd();
      assert.equal(handle, -ENOMEM);
      assert.deepEqual(stage.known(fd), []);
      assert.equal(stage.poller.load, 0);
    });
  }

  testStage("edge", "leaves nothing when adding fails halfway", (stage) => {
    stage.stub.failures.push({ errno: "ENOMEM", afterChanges: true });
    const { fd, handle } = stage.tryAdd();
    assert.equal(handle, -ENOMEM);
    assert.deepEqual(stage.known(fd), []);
  });
});
