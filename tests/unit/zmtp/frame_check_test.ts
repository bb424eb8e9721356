import assert from "node:assert/strict";
import { test } from "node:test";
import { readBodyLength } from "../../../src/base/frame_header.ts";
import { checkFrame } from "../../../src/zmtp/frame_check.ts";

const COMMAND_MAX = 100;

/** Judges a header as it would arrive. */
function judge(header: number[], messageMax = -1): string | null {
  const bytes = Uint8Array.from(header);
  const flags = bytes[0] as number;
  return checkFrame(flags, readBodyLength(bytes, 0), messageMax, COMMAND_MAX);
}

test("headers that are accepted", () => {
  const table: number[][] = [
    [0, 0],
    [1, 0],
    [0, 255],
    [3, 0, 0, 0, 0, 0, 0, 0, 0], // long although short would do
    [2, 0, 0, 0, 0, 0, 0, 1, 0],
    [2, 0, 0x1f, 255, 255, 255, 255, 255, 255],
    [4, 2],
    [4, 100],
    [6, 0, 0, 0, 0, 0, 0, 0, 50],
  ];
  for (const header of table) assert.equal(judge(header), null, `${header}`);
});

test("headers that are refused, each with its reason", () => {
  const table: [number[], string][] = [
    [[5, 10], "ERR_ZMTP_MORE_ON_COMMAND"],
    [[7, 0, 0, 0, 0, 0, 0, 0, 10], "ERR_ZMTP_MORE_ON_COMMAND"],
    [[4, 0], "ERR_ZMTP_MALFORMED_COMMAND_UNSPECIFIED"],
    [[4, 1], "ERR_ZMTP_MALFORMED_COMMAND_UNSPECIFIED"],
    [[4, 101], "ERR_ZMTP_COMMAND_TOO_LARGE"],
    [[6, 0, 0, 0, 1, 0, 0, 0, 0], "ERR_ZMTP_COMMAND_TOO_LARGE"],
    [[2, 0, 0x20, 0, 0, 0, 0, 0, 0], "ERR_ZMTP_FRAME_TOO_LARGE"],
    [[3, 0x7f, 255, 255, 255, 255, 255, 255, 255], "ERR_ZMTP_FRAME_TOO_LARGE"],
    [[2, 0x80, 0, 0, 0, 0, 0, 0, 0], "ERR_ZMTP_FRAME_TOO_LARGE"],
    [[2, 255, 255, 255, 255, 255, 255, 255, 255], "ERR_ZMTP_FRAME_TOO_LARGE"],
    [[6, 255, 255, 255, 255, 255, 255, 255, 255], "ERR_ZMTP_FRAME_TOO_LARGE"],
  ];
  for (const [header, expected] of table) {
    assert.equal(judge(header), expected, `${header}`);
  }
});

test("any reserved bit is refused, whatever else is right", () => {
  for (let flags = 8; flags < 256; flags++) {
    const header = [flags, 0, 0, 0, 0, 0, 0, 0, 2];
    assert.equal(judge(header), "ERR_ZMTP_RESERVED_FLAGS", `${flags}`);
  }
});

test("the bound of messages is met exactly, and commands have their own", () => {
  assert.equal(judge([0, 10], 10), null);
  assert.equal(judge([0, 11], 10), "ERR_ZMTP_FRAME_TOO_LARGE");
  assert.equal(judge([1, 11], 10), "ERR_ZMTP_FRAME_TOO_LARGE");
  assert.equal(judge([0, 1], 0), "ERR_ZMTP_FRAME_TOO_LARGE");
  assert.equal(judge([0, 0], 0), null);
  assert.equal(judge([4, 50], 10), null);
});
