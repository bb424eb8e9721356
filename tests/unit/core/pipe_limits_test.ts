import assert from "node:assert/strict";
import { test } from "node:test";
import { defaultOptions } from "../../../src/base/options.ts";
import type { SocketOptions } from "../../../src/base/options.ts";
import { SocketType } from "../../../src/base/socket_type.ts";
import type { SocketTypeName } from "../../../src/base/socket_type.ts";
import {
  conflatesReceiving,
  conflatesSending,
  pipeFlags,
  pipeLimits,
} from "../../../src/core/pipe_limits.ts";
import { createPipePair, Pipe } from "../../../src/core/pipe.ts";
import {
  closePipe,
  Kernel,
  NOTHING_ALIVE,
  readAllTexts,
  SinkLog,
  writeTexts,
} from "../../support/kernel.ts";

const NAMES = Object.keys(SocketType) as SocketTypeName[];

function optionsOf(
  type: SocketTypeName,
  changes: Partial<SocketOptions> = {},
): SocketOptions {
  return { ...defaultOptions(SocketType[type]), ...changes };
}

test("which types keep only the newest message, and in which direction", () => {
  const sending = ["PUSH", "PUB", "DEALER"];
  const receiving = ["PULL", "SUB", "DEALER"];
  for (const type of NAMES) {
    const on = optionsOf(type, { conflate: true });
    assert.equal(conflatesSending(on), sending.includes(type), type);
    assert.equal(conflatesReceiving(on), receiving.includes(type), type);
    const off = optionsOf(type);
    assert.equal(conflatesSending(off), false, type);
    assert.equal(conflatesReceiving(off), false, type);
    assert.equal(pipeFlags(off), 0, type);
  }
});

/** A pipe between a socket with these options (first) and its session. */
function openFor(options: SocketOptions) {
  const kernel = new Kernel();
  const thread = kernel.thread();
  const record = createPipePair(
    thread.memory,
    [thread.mailbox, thread.mailbox],
    pipeLimits(options),
  );
  const [firstSink, secondSink] = [new SinkLog(), new SinkLog()];
  const ends = {
    first: new Pipe(thread, record, 0, firstSink),
    second: new Pipe(thread, record, 1, secondSink, true),
    firstSink,
    secondSink,
  };
  return { kernel, ends };
}

/** How many messages an end takes until it is full, at most 100. */
function capacity(pipe: Pipe): number {
  let count = 0;
  while (count < 100 && pipe.checkWrite()) {
    assert.ok(writeTexts(pipe, `${count}`));
    count += 1;
  }
  pipe.flush();
  return count;
}

test("each direction has the mark of its own option; 0 is none", () => {
  for (const [send, receive] of [[3, 7], [7, 3], [0, 5], [5, 0]] as const) {
    const { kernel, ends } = openFor(optionsOf("DEALER", {
      sendHighWaterMark: send,
      receiveHighWaterMark: receive,
    }));
    assert.equal(capacity(ends.first), send || 100, "what the socket sends");
    assert.equal(capacity(ends.second), receive || 100, "what it receives");
    closePipe(kernel, ends);
    assert.deepEqual(kernel.counts(), NOTHING_ALIVE);
  }
});

test("the flags conflate the queue of the right direction", () => {
  for (
    const [type, toSession, toSocket] of [
      ["PUSH", 1, 10],
      ["PULL", 10, 1],
      ["DEALER", 1, 1],
      ["PAIR", 10, 10],
    ] as const
  ) {
    const { kernel, ends } = openFor(optionsOf(type, { conflate: true }));
    for (const pipe of [ends.first, ends.second]) {
      for (let n = 0; n < 10; n += 1) writeTexts(pipe, `${n}`);
      pipe.flush();
    }
    const [down, up] = [readAllTexts(ends.second), readAllTexts(ends.first)];
    assert.equal(down.length, toSession, `${type} sends`);
    assert.equal(up.length, toSocket, `${type} receives`);
    assert.deepEqual([down.at(-1), up.at(-1)], [["9"], ["9"]]);
    closePipe(kernel, ends);
    assert.deepEqual(kernel.counts(), NOTHING_ALIVE);
  }
});
