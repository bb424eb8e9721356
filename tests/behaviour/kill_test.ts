// Peers that die without a word.
import assert from "node:assert/strict";
import { Pull, Push } from "../../mod.ts";
import type { JsonChild } from "../support/json_child.ts";
import { receiveTexts } from "../support/messages.ts";
import { freeTcpPort } from "../support/ports.ts";
import { scenario, WIRE_TRANSPORTS } from "../support/scenario.ts";
import { seededRandom } from "../support/seed.ts";
import { until } from "../support/wait.ts";

const KILLS = 10;
/** Fewer, since nothing goes on while the only one starts again. */
const BOUND_KILLS = 5;
const FILLING = "x".repeat(3000);

/** What the sink has seen, checked message by message. */
class Sink {
  readonly counts = new Map<string, number>();
  #numbers = new Set<string>();

  take(parts: string[]): void {
    const [name = "", sequence, count, number = "", ...rest] = parts;
    assert.equal(parts.length, 7, `message of ${parts.length} parts`);
    assert.equal(count, "4", "the worker got a part of a message");
    assert.deepEqual(rest, [FILLING, "", "end"]);
    assert.equal(Number(sequence), this.counts.get(name) ?? 0);
    this.counts.set(name, Number(sequence) + 1);
    assert.equal(this.#numbers.has(number), false, `${number} came twice`);
    this.#numbers.add(number);
  }

  get total(): number {
    return this.#numbers.size;
  }
}

for (const transport of WIRE_TRANSPORTS) {
  scenario(
    `${KILLS} workers over ${transport} are killed at random: nothing twice, nothing in part`,
    async (s) => {
      const random = seededRandom(`killing workers over ${transport}`);
      const ventilator = s.open(Push, { sendHighWaterMark: 100 });
      const pull = s.open(Pull, { receiveHighWaterMark: 100 });
      const work = await s.bind(ventilator, transport);
      const results = await s.bind(pull, transport);
      const sink = new Sink();
      let running = true;
      const working = (async () => {
        for (let n = 0; running; n += 1) {
          await ventilator.send([`${n}`, FILLING, "", "end"]);
        }
      })().catch((error) => {
        if (running) throw error;
      });
      const collecting = (async () => {
        while (running) sink.take(await receiveTexts(pull));
      })().catch((error) => {
        if (running) throw error;
      });
      const failed = Promise.race([working, collecting]);
      const start = (name: string): JsonChild =>
        s.child("killed_worker.ts", work, results, name);

      const steady = start("steady");
      let victim = start("victim-0");
      for (let n = 0; n < KILLS; n += 1) {
        const point = random.below(400);
        await Promise.race([
          failed,
          until(
            () => (sink.counts.get(`victim-${n}`) ?? 0) > point,
            `${point} messages of victim ${n}: ${victim.errors}`,
          ),
        ]);
        victim.kill("SIGKILL");
        assert.equal(await victim.exited, "SIGKILL");
        const before = sink.counts.get("steady") ?? 0;
        victim = start(`victim-${n + 1}`);
        await Promise.race([
          failed,
          until(
            () => (sink.counts.get("steady") ?? 0) > before + 50,
            "traffic to go on",
          ),
        ]);
      }
      running = false;
      ventilator.close();
      pull.close();
      await Promise.all([working, collecting]);
      assert.equal(steady.errors, "");
      assert.ok(sink.total > KILLS * 50, `only ${sink.total} messages`);
    },
    { timeoutMs: 120_000 },
  );

  scenario(
    `a worker bound over ${transport} is killed at random and comes back: nothing twice, nothing in part`,
    async (s) => {
      const random = seededRandom(`killing bound workers over ${transport}`);
      const work = transport === "tcp"
        ? `tcp://127.0.0.1:${await freeTcpPort()}`
        : s.address(transport);
      const ventilator = s.open(Push, {
        sendHighWaterMark: 100,
        reconnectInterval: 10,
      });
      ventilator.connect(work);
      const pull = s.open(Pull, { receiveHighWaterMark: 100 });
      const results = await s.bind(pull, transport);
      const sink = new Sink();
      let running = true;
      const working = (async () => {
        for (let n = 0; running; n += 1) {
          await ventilator.send([`${n}`, FILLING, "", "end"]);
        }
      })().catch((error) => {
        if (running) throw error;
      });
      for (let n = 0; n < BOUND_KILLS; n += 1) {
        const name = `bound-${n}`;
        const victim = s.child(
          "killed_worker.ts",
          work,
          results,
          name,
          "binds",
        );
        const point = random.below(400);
        while ((sink.counts.get(name) ?? 0) <= point) {
          sink.take(await receiveTexts(pull));
        }
        victim.kill("SIGKILL");
        assert.equal(await victim.exited, "SIGKILL");
      }
      running = false;
      ventilator.close();
      await working;
      assert.ok(sink.total > BOUND_KILLS, `only ${sink.total} messages`);
    },
    { timeoutMs: 120_000 },
  );
}
