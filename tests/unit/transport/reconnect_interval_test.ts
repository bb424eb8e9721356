import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { defaultOptions } from "../../../src/base/options.ts";
import { SocketType } from "../../../src/base/socket_type.ts";
import { nextReconnectInterval } from "../../../src/transport/reconnect_interval.ts";

function options(reconnectInterval: number, reconnectMaxInterval: number) {
  return {
    ...defaultOptions(SocketType.PUSH),
    reconnectInterval,
    reconnectMaxInterval,
  };
}

/** The waits of so many failures in a row. */
function waits(interval: number, max: number, count: number): number[] {
  const result: number[] = [];
  let last = 0;
  for (let n = 0; n < count; n += 1) {
    const next = nextReconnectInterval(options(interval, max), last, 12345);
    result.push(next.waitMs);
    last = next.nextMs;
  }
  return result;
}

describe("reconnect interval", () => {
  test("without a maximum it is spread over once to twice its length", () => {
    for (const random of [0, 1, 99, 100, 101, 0xffffffff]) {
      const { waitMs, nextMs } = nextReconnectInterval(
        options(100, 0),
        0,
        random,
      );
      assert.ok(waitMs >= 100 && waitMs < 200, `${waitMs}`);
      assert.equal(nextMs, 0, "and does not grow");
    }
  });

  test("with a maximum it doubles up to there", () => {
    assert.deepEqual(waits(100, 1000, 6), [100, 200, 400, 800, 1000, 1000]);
  });

  test("a maximum below the interval holds", () => {
    assert.deepEqual(waits(100, 30, 3), [30, 30, 30]);
  });

  test("doubling ends at what a timer can be", () => {
    const last = waits(1_000_000_000, 2 ** 31 - 1, 5).at(-1);
    assert.equal(last, 2 ** 31 - 1);
  });

  test("an interval of 1 ms is possible", () => {
    assert.deepEqual(waits(1, 0, 2), [1, 1]);
    assert.deepEqual(waits(1, 8, 5), [1, 2, 4, 8, 8]);
  });
});
