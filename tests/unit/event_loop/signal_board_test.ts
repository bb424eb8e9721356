import assert from "node:assert/strict";
import { test } from "node:test";
import { EventLoop } from "../../../src/event_loop/mod.ts";
import { SignalBoard } from "../../../src/event_loop/signal_board.ts";

test("a board counts each signal and wakes who sits at it", () => {
  using loop = new EventLoop();
  using other = new EventLoop();
  const board = new SignalBoard();
  const view = new SignalBoard(board.buffer);
  const seat = view.takeSeat(loop.wakeHandle.target);
  const second = view.takeSeat(other.wakeHandle.target);
  assert.notEqual(seat, second);
  for (let n = 0; n < 3; n++) board.count(12);
  board.count(15);
  assert.deepEqual([12, 15, 1].map((n) => view.countOf(n)), [3, 1, 0]);
  // Both block for ever if nobody woke them.
  loop.runOnce(-1);
  other.runOnce(-1);
  view.leaveSeat(seat);
  assert.equal(view.takeSeat(loop.wakeHandle.target), seat, "free again");
  view.leaveSeat(seat);
  view.leaveSeat(second);
});

test("a board has a place for many, and then none", () => {
  const board = new SignalBoard();
  const seats = Array.from({ length: 256 }, () => board.takeSeat(-1));
  assert.equal(new Set(seats).size, 256);
  assert.equal(board.takeSeat(-1), -1);
});
