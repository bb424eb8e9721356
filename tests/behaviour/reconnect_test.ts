import assert from "node:assert/strict";
import { createServer, type Server, type Socket as TcpSocket } from "node:net";
import { Dealer, Pair, Pull, Push, Subscriber, XPublisher } from "../../mod.ts";
import {
  bounce,
  expectMessage,
  poke,
  receiveTexts,
} from "../support/messages.ts";
import {
  type Scenario,
  scenario,
  type Transport,
  WIRE_TRANSPORTS,
} from "../support/scenario.ts";
import { until } from "../support/wait.ts";

for (const transport of WIRE_TRANSPORTS) {
  scenario(
    `a connection over ${transport} comes back each time its peer does`,
    async (s) => {
      const front = s.open(Dealer, { reconnectInterval: 10 });
      let back = s.open(Dealer);
      const endpoint = await s.join(back, front, transport);
      for (let n = 0; n < 10; n += 1) {
        await front.send(`to ${n}`);
        await expectMessage(back, `to ${n}`);
        await back.send(`back ${n}`);
        await expectMessage(front, `back ${n}`);
        back.close();
        back = s.open(Dealer);
        await s.bindAgain(back, endpoint);
        // What is sent into the old connection may be lost: say hello until it
        // is heard, on the new one.
        await until(async () => {
          await front.send("hello");
          return back.readable;
        }, "the new connection");
        await front.send("end of hellos");
        await until(
          async () => (await receiveTexts(back))[0] === "end of hellos",
          "the end of the hellos",
        );
      }
    },
  );

  scenario(
    `test_reconnect_ivl: over ${transport} -1 means that it never comes back`,
    async (s) => {
      const { front, back, endpoint } = await once(s, transport, -1);
      back.close();
      await until(() => !front.writable, "the loss to be noticed");
      const again = s.open(Pair);
      await s.bindAgain(again, endpoint);
      // Somebody else gets through, so the binder was ready all the time.
      const third = s.open(Pair);
      third.connect(endpoint);
      await bounce(third, again);
      assert.equal(front.writable, false);
      third.close();
      await until(() => !again.writable, "the third to leave");
      front.connect(endpoint);
      await bounce(front, again);
    },
  );

  scenario(
    `subscriptions over ${transport} come back with the connection`,
    async (s) => {
      const sub = s.open(Subscriber, { reconnectInterval: 10 });
      sub.subscribe("a", "b", "c");
      sub.unsubscribe("b");
      let pub = s.open(XPublisher);
      const endpoint = await s.join(pub, sub, transport);
      for (let n = 0; n < 5; n += 1) {
        const receiving = receiveTexts(sub);
        const topics = [await receiveTexts(pub), await receiveTexts(pub)]
          .flat();
        assert.deepEqual(topics.sort(), ["\x01a", "\x01c"]);
        await pub.send("b");
        await pub.send(`c${n}`);
        assert.deepEqual(await receiving, [`c${n}`]);
        pub.close();
        pub = s.open(XPublisher);
        await s.bindAgain(pub, endpoint);
      }
      // In any order, but each of them once.
      const topics: string[] = [];
      await until(async () => {
        poke(sub);
        if (pub.readable) topics.push(...await receiveTexts(pub));
        return topics.length === 2;
      }, "the last publisher's topics");
      assert.deepEqual(topics.sort(), ["\x01a", "\x01c"]);
    },
  );
}

async function once(
  s: Scenario,
  transport: Transport,
  reconnectInterval: number,
): Promise<{ front: Pair; back: Pair; endpoint: string }> {
  const back = s.open(Pair);
  const front = s.open(Pair, { reconnectInterval, immediate: true });
  const endpoint = await s.join(back, front, transport);
  await bounce(front, back);
  return { front, back, endpoint };
}

/** A TCP server that hangs up on everybody and remembers when they came. */
async function rejecting(
  s: Scenario,
): Promise<{ port: number; times: number[]; server: Server }> {
  const times: number[] = [];
  const server = createServer((socket: TcpSocket) => {
    times.push(performance.now());
    socket.on("error", () => {});
    socket.destroy();
  });
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", () => resolve());
  });
  s.defer(() => new Promise((resolve) => server.close(() => resolve())));
  const address = server.address();
  if (address === null || typeof address === "string") {
    throw new Error("No address");
  }
  return { port: address.port, times, server };
}

scenario(
  "without a maximum the interval stays within once and twice itself",
  async (s) => {
    const { port, times } = await rejecting(s);
    const push = s.open(Push, { reconnectInterval: 100 });
    push.connect(`tcp://127.0.0.1:${port}`);
    await until(() => times.length >= 6, "six attempts");
    push.close();
    for (let n = 1; n < 6; n += 1) {
      const gap = (times[n] ?? 0) - (times[n - 1] ?? 0);
      assert.ok(gap > 95 && gap < 400, `${gap} ms between attempts`);
    }
  },
);

scenario(
  "a queue that waits for its peer keeps its order over attempts",
  async (s) => {
    const { port, times, server } = await rejecting(s);
    const push = s.open(Push, { reconnectInterval: 10 });
    push.connect(`tcp://127.0.0.1:${port}`);
    for (let n = 0; n < 500; n += 1) await push.send(`${n}`);
    await until(() => times.length >= 5, "five attempts");
    await new Promise<void>((resolve) => server.close(() => resolve()));
    const pull = s.open(Pull);
    await s.bindAgain(pull, `tcp://127.0.0.1:${port}`);
    for (let n = 0; n < 500; n += 1) await expectMessage(pull, `${n}`);
  },
);
