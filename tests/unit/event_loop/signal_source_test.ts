import assert from "node:assert/strict";
import { test } from "node:test";
import type { LoopHost } from "../../../src/event_loop/loop_host.ts";
import type { SignalEvent } from "../../../src/event_loop/mod.ts";
import { SignalBoard } from "../../../src/event_loop/signal_board.ts";
import {
  BoardSignals,
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
