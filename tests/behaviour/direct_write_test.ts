// Messages that go to the connection at once, since the thread has slept, among
// those that go through the queue: nobody can tell which went which way.
import assert from "node:assert/strict";
import { Dealer, Pull, Push, Reply, Request } from "../../mod.ts";
import { expectMessage, receiveTexts, texts } from "../support/messages.ts";
import { scenario, WIRE_TRANSPORTS } from "../support/scenario.ts";
import { seededRandom } from "../support/seed.ts";
import { until } from "../support/wait.ts";

for (const transport of WIRE_TRANSPORTS) {
  scenario(
    `over ${transport} messages keep their order whichever way they go`,
    async (s) => {
      const random = seededRandom(`direct writes over ${transport}`);
      const [a, b] = [s.open(Dealer), s.open(Dealer)];
      await s.join(a, b, transport);
      let [sent, received] = [0, 0];
      const body = (n: number): string[] => [`${n}`, "x".repeat(n * 37 % 9001)];
      const send = async (): Promise<void> => {
        if (random.chance(0.5)) await a.send(body(sent++));
        else a.sendSync(body(sent++));
      };
      for (let round = 0; round < 150; round += 1) {
        // One message after a rest goes directly, those behind it are queued.
        const burst = random.chance(0.6) ? 1 : random.between(2, 30);
        for (let n = 0; n < burst; n += 1) await send();
        while (received < sent) {
          const parts = random.chance(0.5)
            ? await b.receive()
            : b.receiveSync();
          assert.deepEqual(texts(parts), body(received++));
        }
        await b.send(`${round}`);
        await expectMessage(a, `${round}`);
      }
    },
  );

  scenario(
    `over ${transport} a peer that does not read gets every octet later`,
    async (s) => {
      const push = s.open(Push, { sendBufferSize: 4096 });
      const pull = s.open(Pull, { receiveHighWaterMark: 1 });
      pull.receiveBufferSize = 4096;
      await s.join(pull, push, transport);
      let sent = 0;
      const body = (n: number): string => `${n} `.repeat(700);
      for (; sent < 300; sent += 1) {
        // Who does nothing for a while has rested: the next one goes directly.
        const start = performance.now();
        const rest = sent % 5 === 0 ? 11 : 0;
        await until(() => performance.now() - start >= rest, "a rest");
        await push.send(body(sent));
      }
      for (let n = 0; n < sent; n += 1) await expectMessage(pull, body(n));
    },
  );

  scenario(
    `over ${transport} a socket that closes behind a message delivers it`,
    async (s) => {
      const pull = s.open(Pull);
      const endpoint = await s.bind(pull, transport);
      for (let n = 0; n < 20; n += 1) {
        const push = s.openPlain(Push);
        push.connect(endpoint);
        await push.send(`${n} connects`);
        await expectMessage(pull, `${n} connects`);
        await push.send(`${n} direct`);
        if (n % 2 > 0) await push.send(`${n} queued`);
        push.close();
        await expectMessage(pull, `${n} direct`);
        if (n % 2 > 0) await expectMessage(pull, `${n} queued`);
      }
    },
  );

  scenario(
    `over ${transport} a peer that goes and comes back gets nothing twice`,
    async (s) => {
      const push = s.open(Push, { reconnectInterval: 1 });
      let pull = s.open(Pull);
      const endpoint = await s.join(pull, push, transport);
      let next = 0;
      for (let life = 0; life < 8; life += 1) {
        for (let n = 0; n < 20; n += 1) {
          await push.send(`${next++}`);
          // Some were on their way to the life before.
          await until(async () => {
            const [text] = await receiveTexts(pull);
            return Number(text) === next - 1;
          }, `message ${next - 1}`);
        }
        await push.send(`${next++} lost`);
        pull.close();
        pull = s.open(Pull);
        await s.bindAgain(pull, endpoint);
        // What the former connection took is gone with it, so several are sent.
        let last = -1;
        const marker = next;
        await until(async () => {
          await push.send(`${next++}`);
          for (;;) {
            const parts = pull.tryReceive();
            if (parts === undefined) return last >= marker;
            const [text = ""] = texts(parts);
            assert.ok(parseInt(text) > last, `${text} after ${last}`);
            last = parseInt(text);
          }
        }, "what is sent after it came back");
      }
    },
  );

  scenario(
    `over ${transport} requests and replies, blocking and with promises`,
    async (s) => {
      const [req, rep] = [s.open(Request), s.open(Reply)];
      await s.join(rep, req, transport);
      for (let n = 0; n < 300; n += 1) {
        const parts = [`${n}`, "y".repeat(n * 31 % 9000)];
        if (n % 2 > 0) {
          req.sendSync(parts);
          assert.deepEqual(texts(rep.receiveSync()), parts);
          rep.sendSync(parts);
          assert.deepEqual(texts(req.receiveSync()), parts);
        } else {
          await req.send(parts);
          await expectMessage(rep, ...parts);
          await rep.send(parts);
          await expectMessage(req, ...parts);
        }
      }
    },
  );
}
