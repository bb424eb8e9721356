import assert from "node:assert/strict";
import { test } from "node:test";
import { monotonicMs, threadAlive } from "../../../ffi/mod.ts";
import type { LoopHost } from "../../../src/event_loop/loop_host.ts";
import type {
  EventLoopError,
  SignalEvent,
} from "../../../src/event_loop/mod.ts";
import {
  HELPER_TID,
  SignalBoard,
} from "../../../src/event_loop/signal_board.ts";
import {
  BoardSignals,
  HelperFeed,
  type SignalFeed,
} from "../../../src/event_loop/signal_source.ts";

const loop = {
  poller: { wakeTarget: -1 },
  tell: <T>(callback: (argument: T) => void, argument: T) => callback(argument),
  sourceOpened: () => {},
  sourceClosed: () => {},
} as unknown as LoopHost;

test("a signal that comes as soon as somebody listens is told", () => {
  const board = new SignalBoard();
  board.count(10);
  const feed: SignalFeed = {
    board,
    listen: () => board.count(10),
    end: () => {},
    close: () => {},
  };
  const signals = new BoardSignals(loop, feed, "call");
  const told: SignalEvent[] = [];
  signals.watch(10, (event) => told.push(event), "call");
  signals.turn();
  signals.turn();
  assert.deepEqual(told, [{ signal: told[0]?.signal, count: 1 }]);
  signals.close();
});

const workers = new URL("../../support/workers/", import.meta.url);

test("a signal thread that cannot be loaded is told of at once", () => {
  const missing = new URL("nowhere.ts", workers).href;
  assert.throws(() => new HelperFeed(missing, "SIGUSR2", "call"), (error) => {
    const { code, signal, cause } = error as EventLoopError;
    assert.deepEqual([code, signal], ["EMTHREAD", "SIGUSR2"]);
    assert.match(String(cause), /nowhere/);
    return true;
  });
});

test("a signal thread that died is not waited for", () => {
  const url = new URL("dying_signal_worker.ts", workers).href;
  const feed = new HelperFeed(url, "SIGUSR2", "call");
  feed.listen(10, "call");
  const tid = Atomics.load(feed.board.words, HELPER_TID);
  const startMs = monotonicMs();
  // Without a turn of the event loop, which would be told of its end.
  while (threadAlive(tid)) assert.ok(monotonicMs() - startMs < 10_000);
  const diedMs = monotonicMs();
  for (let n = 0; n < 3; n++) {
    assert.throws(() => feed.listen(12, "call"), { code: "EMTHREAD" });
    feed.end(12);
  }
  feed.close();
  const took = monotonicMs() - diedMs;
  assert.ok(took < 5000, `took ${took} ms`);
});
