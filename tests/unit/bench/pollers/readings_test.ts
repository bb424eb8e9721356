import assert from "node:assert/strict";
import { test } from "node:test";
import { parsePeer, parseServer } from "../../../../bench/pollers/readings.ts";

test("a server's line is a reading or a refusal", () => {
  const reading = {
    connections: 1,
    setupCpuUs: 2,
    setupWallUs: 3,
    events: 4,
    turns: 5,
    cpuUs: 6,
    wallUs: 7,
  };
  assert.deepEqual(parseServer(`${JSON.stringify(reading)}\n`), reading);
  const refusal = { refused: "EMFILE", connections: 8 };
  assert.deepEqual(parseServer(JSON.stringify(refusal)), refusal);
});

test("a line without its figures is an error", () => {
  assert.throws(() => parseServer(""), SyntaxError);
  assert.throws(() => parseServer("null"), TypeError);
  assert.throws(() => parseServer(`{"connections":1}`), /No setupCpuUs/);
  assert.throws(() => parsePeer(`{"openedUs":null}`), /No openedUs/);
  assert.deepEqual(parsePeer(`{"openedUs":1.5}`), { openedUs: 1.5 });
});
