import assert from "node:assert/strict";
import { Pair } from "../../mod.ts";
import {
  bounce,
  expectFull,
  expectMessage,
  expectNothing,
  receiveTexts,
  sendUntilFull,
} from "../support/messages.ts";
import { scenario, TRANSPORTS } from "../support/scenario.ts";
import { until } from "../support/wait.ts";

/** A refused inproc connection may be gone already. */
function disconnectQuietly(pair: Pair, endpoint: string): void {
  try {
    pair.disconnect(endpoint);
  } catch (error) {
    assert.equal((error as { code?: string }).code, "ENOENT");
  }
}

for (const transport of TRANSPORTS) {
  scenario(`test_pair_${transport}: two PAIRs bounce messages`, async (s) => {
    const [one, two] = [s.open(Pair), s.open(Pair)];
    await s.join(one, two, transport);
    await bounce(two, one);
    await bounce(one, two);
  });

  scenario(`a PAIR over ${transport} has one peer at a time`, async (s) => {
    const [one, two] = [s.open(Pair), s.open(Pair)];
    const endpoint = await s.join(one, two, transport);
    await bounce(two, one);
    const third = s.open(Pair, { sendHighWaterMark: 1 });
    third.connect(endpoint);
    // The third may queue a message or not, but it goes nowhere, and the first
    // two are not disturbed.
    await sendUntilFull(third, 1);
    await bounce(two, one);
    await bounce(one, two);
    await expectNothing(one);
    await expectNothing(third);
  });

  scenario(
    `a PAIR over ${transport} takes another peer after the first left`,
    async (s) => {
      const [one, two] = [s.open(Pair), s.open(Pair)];
      const endpoint = await s.join(one, two, transport);
      await bounce(two, one);
      two.close();
      // Not writable any more means that the slot is free again.
      await until(() => !one.writable, "the first peer's leaving");
      // The old connection may need a moment to go, and until then newcomers are
      // turned away.
      const next = s.open(Pair, { reconnectInterval: 10 });
      await until(async () => {
        // Over inproc there is no second try but a second connect.
        if (transport === "inproc" && !next.writable) {
          if (next.lastEndpoint !== null) disconnectQuietly(next, endpoint);
          next.connect(endpoint);
        } else if (next.lastEndpoint === null) next.connect(endpoint);
        if (next.writable) await next.send("hello");
        return one.readable;
      }, "the next peer to be taken");
      await next.send("last");
      await until(
        async () => (await receiveTexts(one))[0] === "last",
        "the last hello",
      );
      await bounce(one, next);
    },
  );

  scenario(
    `a PAIR over ${transport} without a peer refuses to send`,
    async (s) => {
      const one = s.open(Pair);
      await s.bind(one, transport);
      assert.equal(one.writable, false);
      await expectFull(one);
      const two = s.open(Pair);
      two.connect(one.lastEndpoint ?? "");
      await until(() => one.writable, "the peer");
      await one.send("now");
      await expectMessage(two, "now");
    },
  );
}

scenario("test_pair_tcp: connects by name", async (s) => {
  const [one, two] = [s.open(Pair), s.open(Pair)];
  const endpoint = await s.bind(one, "tcp");
  two.connect(endpoint.replace("127.0.0.1", "localhost"));
  await bounce(two, one);
});

scenario("test_pair_ipc: a path that does not fit is refused", async (s) => {
  const pair = s.open(Pair);
  const address = `ipc:///tmp/${"x".repeat(200)}`;
  await assert.rejects(() => pair.bind(address), { code: "ENAMETOOLONG" });
  assert.throws(() => pair.connect(address), { code: "ENAMETOOLONG" });
  assert.equal(pair.lastEndpoint, null);
});

for (const transport of TRANSPORTS) {
  scenario(
    `a PAIR over ${transport} delivers what was sent before close`,
    async (s) => {
      const one = s.open(Pair);
      const two = s.open(Pair, { linger: 10_000 });
      await s.join(one, two, transport);
      await bounce(two, one);
      for (let n = 0; n < 100; n += 1) await two.send([`${n}`, "tail"]);
      two.close();
      for (let n = 0; n < 100; n += 1) await expectMessage(one, `${n}`, "tail");
    },
  );
}
