import assert from "node:assert/strict";
import { test } from "node:test";
import { TOPIC_BYTES_MAX } from "../../../../src/base/limits.ts";
import { XSub } from "../../../../src/pattern/pubsub/xsub.ts";
import {
  arrive,
  attach,
  drain,
  hostOf,
  octets,
  receiveAll,
  send,
} from "../../../support/fake_pipe.ts";

function xsubWith(): XSub {
  return new XSub(hostOf("XSUB"));
}

test("subscriptions go to every pipe, duplicates too", () => {
  const xsub = xsubWith();
  const pipes = [attach(xsub), attach(xsub)];
  send(xsub, "\x01A");
  send(xsub, "\x01A");
  send(xsub, "\x01");
  for (const pipe of pipes) {
    assert.deepEqual(pipe.commands, [
      "\x09SUBSCRIBEA",
      "\x09SUBSCRIBEA",
      "\x09SUBSCRIBE",
    ]);
    assert.deepEqual(pipe.outbound, []);
  }
});

test("a prefix that publishers refuse is refused, with all beside it", () => {
  const xsub = xsubWith();
  const pipe = attach(xsub);
  const tooLong = "\x01" + "x".repeat(TOPIC_BYTES_MAX + 1);
  const error = { code: "EMSGSIZE", message: /1048577 bytes.*1048576/ };
  assert.throws(() => send(xsub, tooLong), error);
  assert.throws(() => send(xsub, "\x01A", "rest", tooLong), error);
  assert.deepEqual([pipe.commands, pipe.outbound], [[], []]);
  assert.equal(xsub.topicCount, 0);
  send(xsub, tooLong.slice(0, -1));
  assert.equal(pipe.commands.length, 1);
  // Nobody asked for it, so there is nothing to take back.
  send(xsub, "\x00" + tooLong);
  assert.equal(pipe.commands.length, 1);
});

test("a cancel goes out when the last reference goes, and only then", () => {
  const xsub = xsubWith();
  const pipe = attach(xsub);
  send(xsub, "\x00A");
  send(xsub, "\x01A");
  send(xsub, "\x01A");
  send(xsub, "\x00A");
  assert.equal(pipe.commands.length, 2);
  send(xsub, "\x00A");
  send(xsub, "\x00A");
  assert.deepEqual(pipe.commands.slice(2), ["\x06CANCELA"]);
});

test("a new pipe hears of all subscriptions, each once", () => {
  const xsub = xsubWith();
  for (const topic of ["A", "AB", "B", "B", ""]) send(xsub, "\x01" + topic);
  send(xsub, "\x00A");
  const pipe = attach(xsub);
  assert.deepEqual([...pipe.commands].sort(), [
    "\x09SUBSCRIBE",
    "\x09SUBSCRIBEAB",
    "\x09SUBSCRIBEB",
  ]);
});

test("a hiccup makes the pipe hear of them again", () => {
  const xsub = xsubWith();
  const [pipe, other] = [attach(xsub), attach(xsub)];
  send(xsub, "\x01A");
  xsub.hiccuped(pipe);
  assert.deepEqual(pipe.commands, ["\x09SUBSCRIBEA", "\x09SUBSCRIBEA"]);
  assert.equal(other.commands.length, 1);
});

test("a hiccup makes a full pipe writable again", () => {
  const xsub = xsubWith();
  const pipe = attach(xsub);
  pipe.highWaterMark = 0;
  send(xsub, "dropped");
  pipe.highWaterMark = 1;
  xsub.hiccuped(pipe);
  send(xsub, "sent");
  assert.deepEqual(pipe.outbound, [["sent"]]);
});

test("subscriptions do not mind the high-water mark", () => {
  const xsub = xsubWith();
  const pipe = attach(xsub);
  pipe.highWaterMark = 0;
  for (let i = 0; i < 5000; i++) send(xsub, `\x01${i}`);
  assert.equal(pipe.commands.length, 5000);
  assert.equal(xsub.topicCount, 5000);
});

test("other messages go upstream to all, dropped where there is no room", () => {
  const xsub = xsubWith();
  const [full, free] = [attach(xsub), attach(xsub)];
  full.highWaterMark = 1;
  assert.equal(xsub.hasOut(), true);
  for (const text of ["1", "2"]) assert.equal(send(xsub, text, "\x01x"), true);
  assert.equal(send(xsub, ""), true);
  assert.deepEqual(drain(xsub, full), [["1", "\x01x"]]);
  assert.deepEqual(free.outbound, [["1", "\x01x"], ["2", "\x01x"], [""]]);
  send(xsub, "3");
  assert.deepEqual(full.outbound, [["3"]]);
  assert.deepEqual(full.commands, []);
});

test("behind a subscription each part may be one; the rest is a message", () => {
  const xsub = xsubWith();
  const pipe = attach(xsub);
  send(xsub, "\x01A", "\x01B", "\x00A");
  assert.deepEqual(pipe.commands, [
    "\x09SUBSCRIBEA",
    "\x09SUBSCRIBEB",
    "\x06CANCELA",
  ]);
  assert.deepEqual(pipe.outbound, []);
  send(xsub, "\x01C", "user", "message");
  assert.deepEqual(pipe.outbound, [["user", "message"]]);
});

test("XSUB filters nothing and receives fairly", () => {
  const xsub = xsubWith();
  const pipes = [attach(xsub), attach(xsub)];
  for (const pipe of pipes) {
    for (const text of ["1", "2"]) arrive(xsub, pipe, "unasked", text);
  }
  assert.equal(xsub.hasIn(), true);
  assert.deepEqual(
    receiveAll(xsub).map(([, text]) => text),
    ["1", "1", "2", "2"],
  );
});

test("subscribing by call is the same as by message", () => {
  const xsub = xsubWith();
  const pipe = attach(xsub);
  xsub.subscribe(octets("A"));
  send(xsub, "\x00A");
  assert.deepEqual(pipe.commands, ["\x09SUBSCRIBEA", "\x06CANCELA"]);
});

test("a terminated pipe hears nothing more", () => {
  const xsub = xsubWith();
  const pipe = attach(xsub);
  arrive(xsub, pipe, "unread");
  xsub.pipeTerminated(pipe);
  send(xsub, "\x01A");
  send(xsub, "user");
  assert.deepEqual(pipe.commands, []);
  assert.deepEqual(pipe.outbound, []);
  assert.deepEqual(receiveAll(xsub), []);
});
