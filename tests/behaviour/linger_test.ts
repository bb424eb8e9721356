import assert from "node:assert/strict";
import { Context, Dealer, Pull, Push, Subscriber } from "../../mod.ts";
import { drain, expectMessage, receiveTexts } from "../support/messages.ts";
import { freeTcpPort } from "../support/ports.ts";
import {
  type Scenario,
  scenario,
  type Transport,
  TRANSPORTS,
  WIRE_TRANSPORTS,
} from "../support/scenario.ts";
import { until, within } from "../support/wait.ts";

scenario(
  "linger is -1 by default, 0 where the context is not blocky",
  async (s) => {
    assert.equal(s.openPlain(Push).linger, -1);
    const context = new Context({ blocky: false });
    const push = new Push({ context });
    assert.equal(push.linger, 0);
    push.close();
    await within(context.terminate(), "termination");
  },
);

for (const transport of TRANSPORTS) {
  scenario(
    `linger -1 over ${transport} delivers all after close`,
    async (s) => {
      const push = s.openPlain(Push);
      const pull = s.open(Pull);
      await s.join(pull, push, transport);
      for (let n = 0; n < 1000; n += 1) {
        await push.send([`${n}`, "x".repeat(500)]);
      }
      push.close();
      for (let n = 0; n < 1000; n += 1) {
        assert.equal((await receiveTexts(pull))[0], `${n}`);
      }
    },
  );
}

/** An address that nobody is bound to, to be bound later. */
async function vacant(s: Scenario, transport: Transport): Promise<string> {
  return transport === "tcp"
    ? `tcp://127.0.0.1:${await freeTcpPort()}`
    : s.address(transport);
}

for (const transport of WIRE_TRANSPORTS) {
  scenario(
    `linger over ${transport} waits for a peer that comes late`,
    async (s) => {
      const address = await vacant(s, transport);
      const context = new Context();
      const push = new Push({ context, linger: 10_000, reconnectInterval: 10 });
      push.connect(address);
      for (let n = 0; n < 10; n += 1) await push.send(`${n}`);
      push.close();
      const ending = context.terminate();
      const pull = s.open(Pull);
      await s.bindAgain(pull, address);
      for (let n = 0; n < 10; n += 1) await expectMessage(pull, `${n}`);
      await within(ending, "termination after delivery");
    },
  );

  scenario(
    `linger 0 over ${transport} ends at once, whatever is queued`,
    async (s) => {
      const address = await vacant(s, transport);
      const context = new Context();
      const push = new Push({ context, linger: 0 });
      push.connect(address);
      for (let n = 0; n < 100; n += 1) await push.send("x".repeat(10_000));
      push.close();
      const start = performance.now();
      await within(context.terminate(), "termination");
      assert.ok(performance.now() - start < 2000);
    },
  );
}

scenario("linger 300 gives up after 300 ms, not before", async (s) => {
  const context = new Context();
  const push = new Push({ context, linger: 300 });
  push.connect(s.address("ipc"));
  await push.send("nobody will read this");
  push.close();
  const start = performance.now();
  await within(context.terminate(), "termination");
  const took = performance.now() - start;
  assert.ok(took >= 290 && took < 3000, `took ${took} ms`);
});

scenario("the linger that counts is the one at close", async (s) => {
  const context = new Context();
  const push = new Push({ context });
  push.connect(s.address("ipc"));
  await push.send("nobody will read this");
  push.linger = 0;
  push.close();
  await within(context.terminate(), "termination", 3000);
});

scenario("linger ends when a peer that did not read reads on", async (s) => {
  const pull = s.open(Pull, { receiveHighWaterMark: 5 });
  const endpoint = await s.bind(pull, "tcp");
  const context = new Context();
  const push = new Push({ context, sendHighWaterMark: 0 });
  push.connect(endpoint);
  for (let n = 0; n < 300; n += 1) {
    await push.send([`${n}`, "x".repeat(50_000)]);
  }
  push.close();
  let ended = false;
  const ending = context.terminate().then(() => ended = true);
  for (let n = 0; n < 300; n += 1) {
    assert.equal((await receiveTexts(pull))[0], `${n}`);
    if (n === 100) assert.equal(ended, false);
  }
  await within(ending, "termination after delivery");
});

scenario(
  "a peer that never reads holds linger 200 up no longer than that",
  async (s) => {
    const pull = s.open(Pull, { receiveHighWaterMark: 1 });
    const endpoint = await s.bind(pull, "tcp");
    const context = new Context();
    const push = new Push({ context, sendHighWaterMark: 0, linger: 200 });
    push.connect(endpoint);
    for (let n = 0; n < 200; n += 1) await push.send("x".repeat(100_000));
    push.close();
    const start = performance.now();
    await within(context.terminate(), "termination");
    assert.ok(performance.now() - start < 2000);
    // What came through is whole.
    while (pull.readable) {
      assert.equal((await receiveTexts(pull))[0]?.length, 100_000);
    }
  },
);

scenario(
  "disconnect still delivers what was queued for that peer",
  async (s) => {
    const push = s.openPlain(Push);
    const pull = s.open(Pull);
    const endpoint = await s.join(pull, push, "tcp");
    for (let n = 0; n < 100; n += 1) await push.send(`${n}`);
    push.disconnect(endpoint);
    for (let n = 0; n < 100; n += 1) await expectMessage(pull, `${n}`);
  },
);

scenario("unread messages of a closed socket hold nobody up", async (s) => {
  const context = new Context();
  const pull = new Pull({ context });
  await pull.bind("tcp://127.0.0.1:*");
  const push = s.open(Push, { linger: 0 });
  push.connect(pull.lastEndpoint ?? "");
  for (let n = 0; n < 500; n += 1) await push.send("x".repeat(1000));
  await until(() => pull.readable, "the first message");
  pull.close();
  await within(context.terminate(), "termination", 3000);
});

scenario("a SUB's topics do not make it linger", async (s) => {
  const context = new Context();
  const sub = new Subscriber({ context });
  sub.subscribe("a", "b");
  sub.connect(s.address("ipc"));
  sub.close();
  await within(context.terminate(), "termination", 3000);
});

scenario("what was sent before both ends closed is counted once", async (s) => {
  const one = s.open(Dealer);
  const two = s.open(Dealer, { linger: 5000 });
  const endpoint = await s.join(one, two, "tcp");
  for (let n = 0; n < 50; n += 1) await two.send(`${n}`);
  two.close();
  await expectMessage(one, "0");
  const three = s.open(Dealer);
  three.connect(endpoint);
  await three.send("marker");
  let seen = 0;
  await until(async () => {
    const [text] = await receiveTexts(one);
    if (text !== "marker") {
      seen += 1;
      assert.equal(text, `${seen}`);
    }
    return seen === 49;
  }, "all of the first fifty");
  await drain(one);
});
