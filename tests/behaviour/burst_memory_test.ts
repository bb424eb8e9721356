// What a burst of traffic took from the system goes back to it.
import assert from "node:assert/strict";
import process from "node:process";
import { Pull, Push } from "../../mod.ts";
import { scenario, WIRE_TRANSPORTS } from "../support/scenario.ts";
import { until } from "../support/wait.ts";

const MIB = 1024 * 1024;
const PIECES = 1024;

/** How far from where it began resident memory may stay. */
const TOLERANCE = 1.2;

for (const transport of WIRE_TRANSPORTS) {
  scenario(
    `resident memory returns after a burst of 1 GiB over ${transport}`,
    async (s) => {
      const push = s.open(Push, { sendHighWaterMark: 0 });
      const pull = s.open(Pull, { receiveHighWaterMark: 0 });
      await s.join(push, pull, transport);

      const send = (value: number): void => {
        const message = s.context.allocate(MIB);
        message.bytes.fill(value);
        push.sendSync(message);
      };
      const receive = (value: number): void => {
        const [message] = pull.receiveMessageSync();
        assert.equal(message.size, MIB);
        assert.equal(message.bytes[MIB - 1], value);
        message.release();
      };

      // What every program with traffic has: code, stacks, a first message.
      for (let n = 0; n < 20; n += 1) send(n);
      for (let n = 0; n < 20; n += 1) receive(n);
      const before = process.memoryUsage.rss();

      for (let n = 0; n < PIECES; n += 1) send(n % 256);
      const high = process.memoryUsage.rss();
      assert.ok(high > before + PIECES * MIB / 2, `${high / MIB} MiB`);
      for (let n = 0; n < PIECES; n += 1) receive(n % 256);
      await until(
        () => process.memoryUsage.rss() < before * TOLERANCE,
        `resident memory to be near ${before / MIB} MiB`,
        30_000,
      );
    },
    { timeoutMs: 120_000 },
  );
}
