import assert from "node:assert/strict";
import { Pull, Push } from "../../mod.ts";
import { numberedBody, numberOf } from "../support/content.ts";
import {
  drain,
  expectFull,
  expectMessage,
  expectNothing,
  receiveTexts,
} from "../support/messages.ts";
import { scenario, TRANSPORTS } from "../support/scenario.ts";
import { until, within } from "../support/wait.ts";

const PEERS = 5;

for (const transport of TRANSPORTS) {
  scenario(
    `test_spec_pushpull: PUSH over ${transport} hands messages round`,
    async (s) => {
      const push = s.open(Push);
      const endpoint = await s.bind(push, transport);
      const pulls: Pull[] = [];
      for (let n = 0; n < PEERS; n += 1) {
        const pull = s.open(Pull);
        pull.connect(endpoint);
        pulls.push(pull);
      }
      // All are there when each of them was handed something.
      const got = pulls.map(() => 0);
      await until(async () => {
        if (push.writable) await push.send("warm-up");
        for (const [at, pull] of pulls.entries()) {
          got[at] = (got[at] ?? 0) + await drain(pull);
        }
        return got.every((count) => count > 0);
      }, "every PULL to be handed something");
      await push.send("end of warm-up");
      let ends = 0;
      await until(async () => {
        for (const pull of pulls) {
          while (pull.readable) {
            if ((await receiveTexts(pull))[0] === "end of warm-up") ends += 1;
          }
        }
        return ends === 1;
      }, "the end of the warm-up");
      for (let n = 0; n < 2 * PEERS; n += 1) await push.send(["job", `${n}`]);
      for (const pull of pulls) {
        const [, first] = await receiveTexts(pull);
        const [, second] = await receiveTexts(pull);
        assert.equal(Number(second) - Number(first), PEERS);
        await expectNothing(pull);
      }
    },
  );

  scenario(
    `test_spec_pushpull: PULL over ${transport} takes fairly from all`,
    async (s) => {
      const pull = s.open(Pull);
      const endpoint = await s.bind(pull, transport);
      const pushes = [];
      for (let n = 0; n < PEERS; n += 1) {
        const push = s.open(Push);
        push.connect(endpoint);
        await push.send(`hello ${n}`);
        pushes.push(push);
      }
      const hellos = new Set<string>();
      for (let n = 0; n < PEERS; n += 1) {
        hellos.add((await receiveTexts(pull))[0] ?? "");
      }
      assert.equal(hellos.size, PEERS);
      // A chatterbox must not keep the others from being heard.
      for (let n = 0; n < 500; n += 1) await pushes[0]?.send(["0", "x"]);
      for (let n = 1; n < PEERS; n += 1) await pushes[n]?.send([`${n}`, "x"]);
      const seen = new Set<string>();
      let taken = 0;
      while (seen.size < PEERS) {
        seen.add((await receiveTexts(pull))[0] ?? "");
        taken += 1;
        assert.ok(taken <= 500 + PEERS, "messages appeared from nowhere");
      }
      if (transport === "inproc") {
        assert.ok(taken <= 2 * PEERS, `waited ${taken} messages for all five`);
      }
    },
  );

  scenario(
    `test_spec_pushpull: PUSH over ${transport} waits without a peer`,
    async (s) => {
      const push = s.open(Push);
      const endpoint = await s.bind(push, transport);
      await expectFull(push);
      push.sendTimeout = 50;
      await assert.rejects(() => push.send("nobody"), { code: "EAGAIN" });
      push.sendTimeout = 10_000;
      const sent = push.send("somebody");
      const pull = s.open(Pull);
      pull.connect(endpoint);
      await expectMessage(pull, "somebody");
      await sent;
    },
  );

  scenario(
    `a PULL over ${transport} sees whole messages only when a PUSH leaves`,
    async (s) => {
      const pull = s.open(Pull);
      const endpoint = await s.bind(pull, transport);
      for (let round = 0; round < 10; round += 1) {
        const push = s.open(Push);
        push.connect(endpoint);
        for (let n = 0; n < 20; n += 1) {
          await push.send(["begin", "x".repeat(5000), "end"]);
        }
        // Linger 0: some of them may be lost, none may be cut.
        push.close();
      }
      const last = s.open(Push);
      last.connect(endpoint);
      await last.send("last");
      let count = 0;
      await until(async () => {
        const parts = await receiveTexts(pull);
        if (parts[0] === "last") return true;
        assert.deepEqual(parts.map((part) => part.length), [5, 5000, 3]);
        count += 1;
        return false;
      }, "the last message");
      assert.ok(count <= 200, `${count} messages of 200`);
    },
  );
}

scenario("PUSH cannot receive and PULL cannot send", async (s) => {
  const push = s.open(Push) as unknown as {
    receive?(): Promise<unknown>;
    readable: boolean;
  };
  const pull = s.open(Pull) as unknown as {
    send?(message: string): Promise<unknown>;
    writable: boolean;
  };
  assert.equal(push.readable, false);
  assert.equal(pull.writable, false);
  await Promise.resolve();
});

scenario("PUSH prefers peers with room over a full one", async (s) => {
  const push = s.open(Push, { sendHighWaterMark: 1 });
  const endpoint = await s.bind(push, "inproc");
  const lazy = s.open(Pull, { receiveHighWaterMark: 1 });
  const busy = s.open(Pull, { receiveHighWaterMark: 1 });
  lazy.connect(endpoint);
  busy.connect(endpoint);
  for (let n = 0; n < 4; n += 1) await push.send(numberedBody(n, 4));
  await expectFull(push);
  for (let n = 4; n < 100; n += 1) {
    await busy.receive();
    await push.send(numberedBody(n, 4));
  }
  await expectFull(push);
  assert.equal(await drain(lazy), 2);
});

scenario(
  "1 million 8-byte messages pass inproc on one thread in order",
  async (s) => {
    const push = s.open(Push, { sendHighWaterMark: 0 });
    const pull = s.open(Pull, { receiveHighWaterMark: 0 });
    await s.join(push, pull, "inproc");
    const COUNT = 1_000_000;
    const receiving = (async () => {
      for (let n = 0; n < COUNT; n += 1) {
        const [body] = await pull.receive();
        if (body === undefined || numberOf(body) !== n) {
          assert.fail(`message ${n} is ${body && numberOf(body)}`);
        }
      }
    })();
    for (let n = 0; n < COUNT; n += 1) await push.send(numberedBody(n, 8));
    await within(receiving, "the last message", 60_000);
  },
  { timeoutMs: 120_000 },
);
