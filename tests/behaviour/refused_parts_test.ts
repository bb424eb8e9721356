// Parts that turn out to be bad while a message is under way: the send fails,
// and nothing of the message reaches anybody.
import assert from "node:assert/strict";
import {
  Dealer,
  Pair,
  Publisher,
  Pull,
  Push,
  Router,
  Subscriber,
} from "../../mod.ts";
import { expectMessage, receiveTexts } from "../support/messages.ts";
import {
  type Scenario,
  scenario,
  type Transport,
  TRANSPORTS,
} from "../support/scenario.ts";
import { within } from "../support/wait.ts";

/** Bytes that were transferred to somebody else. */
function detached(): Uint8Array {
  const bytes = new Uint8Array(10);
  bytes.buffer.transfer();
  return bytes;
}

/** An address that nobody is bound to yet. */
async function vacant(s: Scenario, transport: Transport): Promise<string> {
  const probe = s.open(Pull);
  const address = await s.bind(probe, transport);
  await probe.unbind(address);
  probe.close();
  return address;
}

for (const transport of TRANSPORTS) {
  scenario(`a detached part is refused over ${transport}`, async (s) => {
    const [one, two] = [s.open(Pair), s.open(Pair)];
    await s.join(one, two, transport);
    assert.throws(() => one.trySend(detached()), TypeError);
    await assert.rejects(async () => await one.send(["a", detached(), "c"]), {
      name: "TypeError",
    });
    assert.throws(
      () => one.sendSync([new DataView(new ArrayBuffer(0)), detached()]),
      TypeError,
    );
    await one.send("next");
    await expectMessage(two, "next");
    await one.send([new Uint8Array(0), "empty is not detached"]);
    await expectMessage(two, "", "empty is not detached");
  });

  scenario(
    `a Message released while its send waits takes back the whole message over ${transport}`,
    async (s) => {
      const push = s.open(Push, { sendHighWaterMark: 1 });
      const address = await vacant(s, transport);
      push.connect(address);
      await push.send("queued");
      const part = s.context.allocate(50);
      const refused = assert.rejects(
        push.send(["one", part, "three"]),
        /released/,
      );
      part.release();
      const pull = s.open(Pull);
      await s.bindAgain(pull, address);
      await expectMessage(pull, "queued");
      await within(refused, "the send to be refused");
      await push.send(["next", "n2"]);
      assert.deepEqual(await receiveTexts(pull), ["next", "n2"]);
    },
  );
}

scenario("a refused part leaves nothing with any subscriber", async (s) => {
  const pub = s.open(Publisher);
  const address = await s.bind(pub, "inproc");
  const subs = [s.open(Subscriber), s.open(Subscriber)];
  for (const sub of subs) {
    sub.subscribe();
    sub.connect(address);
  }
  const part = s.context.allocate(40);
  part.release();
  assert.throws(() => pub.trySend(["topic", part]), TypeError);
  assert.throws(() => pub.trySend(["topic", detached()]), TypeError);
  await pub.send(["topic", "good"]);
  for (const sub of subs) await expectMessage(sub, "topic", "good");
});

scenario("a refused part leaves a ROUTER at the beginning", async (s) => {
  const router = s.open(Router, { mandatory: true });
  const dealer = s.open(Dealer, { routingId: "peer" });
  await s.join(router, dealer, "tcp");
  await dealer.send("here");
  await router.receive();
  const part = s.context.allocate(40);
  part.release();
  assert.throws(() => router.trySend(["peer", "a", part]), TypeError);
  await router.send(["peer", "good"]);
  await expectMessage(dealer, "good");
});

scenario("a socket closed while its message is converted", async (s) => {
  const address = s.address("inproc");
  for (const how of ["send", "sendSync", "trySend"] as const) {
    const push = s.open(Push);
    await push.bind(address);
    const part = {
      toString() {
        push.close();
        return "late";
      },
    };
    const call = async () => await push[how](part as never);
    await within(assert.rejects(call, { code: "EBADF" }), `${how} to fail`);
  }
});

scenario("a small buffer may be used again while its send waits", async (s) => {
  const push = s.open(Push);
  const buffer = new Uint8Array(128).fill(1);
  const waiting = push.send([buffer, "x"]);
  buffer.fill(2);
  const pull = s.open(Pull);
  await s.join(push, pull, "inproc");
  await waiting;
  const [received] = await pull.receive();
  assert.deepEqual(Array.from(received), Array(128).fill(1));
});
