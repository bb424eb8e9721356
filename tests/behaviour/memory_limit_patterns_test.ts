// What the patterns keep doing while others have filled the context's memory:
// each pipe has a guaranteed minimum, so that small messages get through.
import assert from "node:assert/strict";
import {
  Dealer,
  Pair,
  Pull,
  Push,
  Reply,
  Request,
  Router,
  Subscriber,
  XPublisher,
} from "../../mod.ts";
import {
  expectMessage,
  expectNothing,
  poke,
  receiveTexts,
  sendUntilFull,
} from "../support/messages.ts";
import { type Scenario, scenario, TRANSPORTS } from "../support/scenario.ts";
import { until } from "../support/wait.ts";

const MIB = 1024 * 1024;
const limited = { context: { memoryLimit: 8 * MIB }, timeoutMs: 90_000 };

/** Bodies that use up the memory: large pieces first, then the rest. */
const FILLINGS = [300_000, 100_000, 33_000, 20_000, 1000, 0];

/** Sockets that use up the memory of their context, and give it back. */
class Filler {
  readonly #lanes: {
    push: Push;
    pull: Pull;
    body: Uint8Array;
    queued: number;
  }[] = [];

  /** Fills a context. */
  static async fill(s: Scenario): Promise<Filler> {
    const filler = new Filler();
    // A lane for each size: one that was refused memory waits for some.
    for (const size of FILLINGS) {
      const push = s.open(Push, { sendHighWaterMark: 0 });
      const pull = s.open(Pull, { receiveHighWaterMark: 0 });
      await s.join(push, pull, "inproc");
      const body = new Uint8Array(size);
      filler.#lanes.push({ push, pull, body, queued: 0 });
    }
    await filler.again();
    const { memoryUsedBytes } = s.context.statistics;
    assert.ok(memoryUsedBytes > 7 * MIB, `only ${memoryUsedBytes} bytes`);
    return filler;
  }

  /** Takes what has come free. */
  async again(): Promise<void> {
    for (const lane of this.#lanes) {
      const { push, body } = lane;
      lane.queued += await sendUntilFull(push, 1_000_000, () => body);
    }
  }

  /** Gives everything back. */
  async empty(): Promise<void> {
    for (const lane of this.#lanes) {
      for (; lane.queued > 0; lane.queued -= 1) await lane.pull.receive();
    }
  }
}

for (const transport of TRANSPORTS) {
  for (const size of [10, 5000, 32_700, MIB]) {
    scenario(
      `a conflating PULL over ${transport} ends with the last value that was taken at the limit, of ${size}`,
      async (s) => {
        const push = s.open(Push, { conflate: true });
        const pull = s.open(Pull, { conflate: true });
        await s.join(pull, push, transport);
        await push.send("old");
        await expectMessage(pull, "old");
        await push.send("stale");
        const filler = await Filler.fill(s);
        const rest = "x".repeat(size);
        let last = "stale";
        push.sendTimeout = 0;
        for (let n = 0; n < 200; n += 1) {
          try {
            await push.send(`${n} ${rest}`);
            last = `${n} ${rest}`;
          } catch (error) {
            assert.equal((error as { code?: string }).code, "EAGAIN");
          }
          if (n % 5 === 0) await filler.again();
        }
        await filler.empty();
        let received = "nothing";
        await until(
          async () => {
            while (pull.readable) [received = ""] = await receiveTexts(pull);
            return received === last;
          },
          "the last value",
          3000,
        ).catch(() => {});
        assert.equal(received.slice(0, 9), last.slice(0, 9));
        assert.ok(received === last, "is torn");
        push.sendTimeout = 10_000;
        await push.send("after");
        await expectMessage(pull, "after");
        await expectNothing(pull);
      },
      limited,
    );
  }

  scenario(
    `REQ and REP over ${transport} go on at the limit`,
    async (s) => {
      const filler = await Filler.fill(s);
      const [request, reply] = [s.open(Request), s.open(Reply)];
      await s.join(reply, request, transport);
      for (let n = 0; n < 500; n += 1) {
        await request.send([`question ${n}`, "x".repeat(n)]);
        await expectMessage(reply, `question ${n}`, "x".repeat(n));
        await reply.send([`answer ${n}`, "y".repeat(n)]);
        await expectMessage(request, `answer ${n}`, "y".repeat(n));
        if (n % 50 === 0) await filler.again();
      }
      // A question that does not fit waits, and the turn is not lost.
      const large = "z".repeat(MIB);
      request.sendTimeout = 100;
      await assert.rejects(() => request.send(large), { code: "EAGAIN" });
      request.sendTimeout = 10_000;
      const asking = request.send(large);
      await filler.empty();
      await asking;
      await expectMessage(reply, large);
      await reply.send(large);
      await expectMessage(request, large);
    },
    limited,
  );

  scenario(
    `over ${transport}, a message that does not fit does not hold up one that does`,
    async (s) => {
      const filler = await Filler.fill(s);
      const [one, two] = [s.open(Dealer), s.open(Dealer)];
      await s.join(one, two, transport);
      await one.send("before");
      await expectMessage(two, "before");
      one.sendTimeout = 100;
      await assert.rejects(() => one.send("z".repeat(MIB)), {
        code: "EAGAIN",
      });
      await one.send("small");
      await expectMessage(two, "small");
      await filler.empty();
    },
    limited,
  );

  scenario(
    `ROUTER over ${transport} learns and finds its peers at the limit`,
    async (s) => {
      const router = s.open(Router, { mandatory: true });
      const endpoint = await s.bind(router, transport);
      const filler = await Filler.fill(s);
      const dealers: Dealer[] = [];
      for (let n = 0; n < 20; n += 1) {
        // As long as an identity may be.
        const dealer = s.open(Dealer, { routingId: `${n}`.padEnd(255, "-") });
        dealer.connect(endpoint);
        dealers.push(dealer);
      }
      await filler.again();
      for (const [n, dealer] of dealers.entries()) {
        await dealer.send(`from ${n}`);
      }
      const seen = new Set<number>();
      for (const _ of dealers) {
        const [id = "", text] = await receiveTexts(router);
        assert.equal(id, `${parseInt(id)}`.padEnd(255, "-"));
        assert.equal(text, `from ${parseInt(id)}`);
        seen.add(parseInt(id));
      }
      assert.equal(seen.size, dealers.length);
      for (const [n, dealer] of dealers.entries()) {
        await router.send([`${n}`.padEnd(255, "-"), `to ${n}`]);
        await expectMessage(dealer, `to ${n}`);
      }
      await filler.empty();
    },
    limited,
  );

  scenario(
    `subscriptions over ${transport} are not lost at the limit`,
    async (s) => {
      const pub = s.open(XPublisher, { sendHighWaterMark: 0 });
      const sub = s.open(Subscriber, { receiveHighWaterMark: 0 });
      const endpoint = await s.bind(pub, transport);
      const filler = await Filler.fill(s);
      const topics = Array.from(
        { length: 2000 },
        (_, n) => `topic ${n} `.padEnd(200, "-"),
      );
      // Half of them before there is a pipe, half of them into it.
      sub.subscribe(...topics.slice(0, 1000));
      sub.connect(endpoint);
      const known = new Set<string>();
      await until(() => (poke(sub), pub.readable), "a subscription");
      sub.subscribe(...topics.slice(1000));
      await filler.again();
      await filler.empty();
      await until(
        async () => {
          poke(sub);
          while (pub.readable) {
            const [topic = ""] = await receiveTexts(pub);
            assert.equal(topic[0], "\x01");
            known.add(topic.slice(1));
          }
          return known.size === topics.length;
        },
        "all subscriptions",
        10_000,
      );
      for (const topic of topics) await pub.send(topic);
      for (const topic of topics) await expectMessage(sub, topic);
    },
    limited,
  );

  scenario(
    `a PAIR over ${transport} made at the limit carries small messages`,
    async (s) => {
      const filler = await Filler.fill(s);
      const [one, two] = [s.open(Pair), s.open(Pair)];
      await s.join(one, two, transport);
      for (let n = 0; n < 500; n += 1) {
        await one.send([`${n}`, "x".repeat(n)]);
        await expectMessage(two, `${n}`, "x".repeat(n));
        if (n % 50 === 0) await filler.again();
      }
      await filler.empty();
    },
    limited,
  );
}
