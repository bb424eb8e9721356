import assert from "node:assert/strict";
import { Dealer, Pull, Push } from "../../mod.ts";
import {
  expectFull,
  expectMessage,
  receiveTexts,
} from "../support/messages.ts";
import {
  type Scenario,
  scenario,
  WIRE_TRANSPORTS,
} from "../support/scenario.ts";
import type { Transport } from "../support/scenario.ts";
import { RawServer } from "../support/raw_zmtp.ts";
import { until } from "../support/wait.ts";

/** An endpoint that was bound a moment ago and is not now. */
async function vacant(s: Scenario, transport: Transport): Promise<string> {
  const pull = s.open(Pull);
  const endpoint = await s.bind(pull, transport);
  await pull.unbind(endpoint);
  pull.close();
  return endpoint;
}

for (const transport of WIRE_TRANSPORTS) {
  scenario(
    `test_immediate: by default half go to a ${transport} peer that is not there`,
    async (s) => {
      const push = s.open(Push);
      const pull = s.open(Pull);
      const nobody = await vacant(s, transport);
      const endpoint = await s.bind(pull, transport);
      push.connect(nobody);
      push.connect(endpoint);
      for (let n = 0; n < 10; n += 1) await push.send(`${n}`);
      // Every other message, whichever of the two was first.
      const first = Number((await receiveTexts(pull))[0]);
      assert.ok(first <= 1);
      for (let n = 1; n < 5; n += 1) {
        await expectMessage(pull, `${first + 2 * n}`);
      }
    },
  );

  scenario(
    `test_immediate: with it all go to the ${transport} peer that is there`,
    async (s) => {
      const push = s.open(Push, { immediate: true });
      const pull = s.open(Pull);
      const nobody = await vacant(s, transport);
      const endpoint = await s.bind(pull, transport);
      push.connect(nobody);
      push.connect(endpoint);
      for (let n = 0; n < 10; n += 1) await push.send(`${n}`);
      for (let n = 0; n < 10; n += 1) await expectMessage(pull, `${n}`);
    },
  );

  scenario(
    `test_immediate: over ${transport} EAGAIN while the peer is away`,
    async (s) => {
      const back = s.open(Dealer);
      const endpoint = await s.bind(back, transport);
      const front = s.open(Dealer, { immediate: true, reconnectInterval: 10 });
      front.connect(endpoint);
      await front.send("there");
      await expectMessage(back, "there");
      back.close();
      await until(() => !front.writable, "the loss to be noticed");
      await expectFull(front, "away");
      const again = s.open(Dealer);
      await s.bindAgain(again, endpoint);
      await front.send("back");
      await expectMessage(again, "back");
      await again.send("answer");
      await expectMessage(front, "answer");
    },
  );
}

scenario(
  "without immediate the queue waits for the next connection",
  async (s) => {
    const server = await RawServer.listen();
    s.defer(() => server.close());
    const push = s.open(Push, { reconnectInterval: 10 });
    push.connect(server.endpoint);
    const first = await server.accept();
    await first.handshake("PULL");
    await push.send("there");
    assert.deepEqual(await first.readTexts(), ["there"]);
    first.close();
    // The next connection shows that the loss of the first was noticed.
    const second = await server.accept();
    for (let n = 0; n < 100; n += 1) await push.send([`${n}`, "x".repeat(n)]);
    second.close();
    const third = await server.accept();
    await third.handshake("PULL");
    for (let n = 0; n < 100; n += 1) {
      assert.deepEqual(await third.readTexts(), [`${n}`, "x".repeat(n)]);
    }
  },
);

scenario(
  "with immediate a new connection starts with an empty queue",
  async (s) => {
    const server = await RawServer.listen();
    s.defer(() => server.close());
    const push = s.open(Push, { immediate: true, reconnectInterval: 10 });
    push.connect(server.endpoint);
    const first = await server.accept();
    await first.handshake("PULL");
    await push.send("there");
    assert.deepEqual(await first.readTexts(), ["there"]);
    first.close();
    const second = await server.accept();
    await until(() => !push.writable, "the loss to be noticed");
    await expectFull(push, "to nobody");
    await second.handshake("PULL");
    await push.send("to the second");
    assert.deepEqual(await second.readTexts(), ["to the second"]);
  },
);
