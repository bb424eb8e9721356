// Sockets that move between the main thread and a Worker in mid-conversation:
// nothing is lost, doubled or reordered, and no peer notices.
import assert from "node:assert/strict";
import {
  type Moving,
  moving,
  type Transport,
  TRANSPORTS,
  type Traveller,
} from "../support/moving.ts";
import { until } from "../support/wait.ts";
import { test } from "node:test";
import { leakCheck } from "../support/leaks.ts";

const leaks = leakCheck();
await leaks.before();

/** Numbered messages `prefix-from` to `prefix-(to - 1)`. */
function numbered(prefix: string, from: number, to: number): string[][] {
  const messages: string[][] = [];
  for (let n = from; n < to; n += 1) messages.push([`${prefix}-${n}`, "tail"]);
  return messages;
}

async function sendAll(
  socket: Traveller,
  messages: readonly string[][],
): Promise<void> {
  for (const message of messages) await socket.send(...message);
}

/** Waits until a publisher knows of the subscription to a topic. */
async function settled(
  publisher: Traveller,
  subscriber: Traveller,
  topic: string,
): Promise<void> {
  await subscriber.set("receiveTimeout", 20);
  await until(async () => {
    await publisher.send(topic, "probe");
    return await subscriber.receive().then(() => true, () => false);
  }, `the subscription to ${topic}`);
  await subscriber.set("receiveTimeout", 10_000);
  await publisher.send(topic, "settled");
  await until(
    async () => (await subscriber.receive())[1] === "settled",
    "the end of probing",
  );
}

for (const transport of TRANSPORTS) {
  moving(`a PAIR over ${transport} moves with what is queued`, async (m) => {
    const here = await m.open("Pair");
    const mover = await m.open("Pair");
    await m.join(here, mover, transport);
    await sendAll(here, numbered("in", 0, 50));
    await sendAll(mover, numbered("out", 0, 50));
    await mover.move();
    await sendAll(here, numbered("in", 50, 100));
    await sendAll(mover, numbered("out", 50, 100));
    assert.deepEqual(await mover.receiveAll(60), numbered("in", 0, 60));
    await mover.move();
    assert.deepEqual(await mover.receiveAll(40), numbered("in", 60, 100));
    assert.deepEqual(await here.receiveAll(100), numbered("out", 0, 100));
  });

  moving(`a PAIR over ${transport} moves at its binding end`, async (m) => {
    const mover = await m.open("Pair");
    const here = await m.open("Pair");
    await m.join(mover, here, transport);
    await sendAll(here, numbered("in", 0, 20));
    await mover.expect("in-0", "tail");
    await mover.move();
    await sendAll(mover, numbered("out", 0, 20));
    assert.deepEqual(await mover.receiveAll(19), numbered("in", 1, 20));
    assert.deepEqual(await here.receiveAll(20), numbered("out", 0, 20));
  });

  moving(`big messages over ${transport} move with a PAIR`, async (m) => {
    const here = await m.open("Pair");
    const mover = await m.open("Pair");
    await m.join(here, mover, transport);
    const big = (n: number) => [`${n}`, `${n % 10}`.repeat(100_000 + n)];
    for (let n = 0; n < 8; n += 1) await here.send(...big(n));
    await mover.expect(...big(0));
    await mover.move();
    for (let n = 1; n < 8; n += 1) await mover.expect(...big(n));
    for (let n = 0; n < 4; n += 1) await mover.send(...big(n));
    await mover.move();
    for (let n = 0; n < 4; n += 1) await here.expect(...big(n));
  });

  moving(`a PULL over ${transport} keeps all its peers in turn`, async (m) => {
    const pull = await m.open("Pull");
    const endpoint = await m.bind(pull, transport);
    const pushes: Traveller[] = [];
    for (let n = 0; n < 3; n += 1) {
      const push = await m.open("Push");
      await push.connect(endpoint);
      await sendAll(push, numbered(`push${n}`, 0, 20));
      pushes.push(push);
    }
    // Whoever was heard once is in the fair queue.
    const received = await pull.receiveAll(10);
    await pull.move();
    received.push(...await pull.receiveAll(30));
    await pull.move();
    for (const [n, push] of pushes.entries()) {
      await sendAll(push, numbered(`push${n}`, 20, 30));
    }
    received.push(...await pull.receiveAll(50));
    for (let n = 0; n < 3; n += 1) {
      const own = received.filter(([head]) => head?.startsWith(`push${n}-`));
      assert.deepEqual(own, numbered(`push${n}`, 0, 30));
    }
  });

  moving(`a PUSH over ${transport} goes on with the next peer`, async (m) => {
    const push = await m.open("Push");
    const pulls = [await m.open("Pull"), await m.open("Pull")];
    for (const pull of pulls) await push.connect(await m.bind(pull, transport));
    for (let n = 0; n < 20; n += 1) {
      await push.send(`${n}`);
      if (n % 3 === 2) await push.move();
    }
    for (const [at, pull] of pulls.entries()) {
      for (let n = at; n < 20; n += 2) await pull.expect(`${n}`);
    }
  });

  moving(`a full PUSH over ${transport} hears of room elsewhere`, async (m) => {
    const pull = await m.open("Pull", { receiveHighWaterMark: 4 });
    const push = await m.open("Push", { sendHighWaterMark: 4 });
    await m.join(pull, push, transport);
    await push.set("sendTimeout", 0);
    const sent: string[][] = [];
    const fill = async () => {
      const body = "x".repeat(transport === "tcp" ? 60_000 : 10);
      for (;;) {
        const message = [`${sent.length}`, body];
        if (await push.ask({ verb: "trySend", parts: message }) !== true) break;
        sent.push(message);
      }
    };
    await pull.look();
    await fill();
    for (let round = 0; round < 4; round += 1) {
      const handle = await push.leave();
      for (const message of sent.splice(0)) await pull.expect(...message);
      await push.arrive(handle);
      await until(async () => {
        await fill();
        return sent.length >= 4;
      }, "room");
    }
  });

  moving(`a SUB over ${transport} keeps its subscriptions`, async (m) => {
    const xpub = await m.open("XPublisher", { verbosity: "allSubs" });
    const sub = await m.open("Subscriber");
    await m.join(xpub, sub, transport);
    await sub.subscribe("a");
    await sub.subscribe("b");
    await xpub.expect("\x01a");
    await xpub.expect("\x01b");
    for (const topic of ["a1", "c1", "b1", "a2"]) await xpub.send(topic);
    await sub.move();
    await sub.expect("a1");
    await sub.expect("b1");
    await sub.unsubscribe("b");
    // Had the SUB said it all again, this would not come next.
    await xpub.expect("\x00b");
    for (const topic of ["b2", "c2", "a3"]) await xpub.send(topic);
    await sub.move();
    await sub.expect("a2");
    await sub.expect("a3");
    await sub.subscribe("c");
    await xpub.expect("\x01c");
    await xpub.send("c3");
    await sub.expect("c3");
  });

  moving(`an XSUB over ${transport} keeps its subscriptions`, async (m) => {
    const xpub = await m.open("XPublisher", { verbosity: "allSubsUnsubs" });
    const xsub = await m.open("XSubscriber");
    await m.join(xpub, xsub, transport);
    await xsub.send("\x01a");
    await xsub.send("\x01a");
    await xpub.expect("\x01a");
    await xpub.expect("\x01a");
    await xpub.send("a1");
    await xsub.send("upstream", "before");
    await xsub.move();
    await xsub.send("upstream", "after");
    await xsub.send("\x00a");
    await xsub.expect("a1");
    // Two were made: only the second end goes out.
    await xsub.send("\x00a");
    await xpub.expect("upstream", "before");
    await xpub.expect("upstream", "after");
    await xpub.expect("\x00a");
    await xsub.send("\x01z");
    await xpub.expect("\x01z");
  });

  moving(`an XPUB over ${transport} keeps what it has to tell`, async (m) => {
    const xpub = await m.open("XPublisher", { welcomeMessage: "welcome" });
    const sub = await m.open("Subscriber");
    const endpoint = await m.join(xpub, sub, transport);
    for (const topic of ["welcome", "a", "b"]) await sub.subscribe(topic);
    await until(() => xpub.look(), "subscriptions");
    await xpub.expect("\x01welcome");
    await xpub.move();
    await xpub.expect("\x01a");
    await xpub.expect("\x01b");
    await xpub.move();
    await xpub.send("a1");
    await sub.expect("welcome");
    // Moving does not welcome anybody again.
    await sub.expect("a1");
    const late = await m.open("Subscriber");
    await late.subscribe("welcome");
    await xpub.move();
    await late.connect(endpoint);
    await until(async () => {
      await xpub.look();
      await late.set("receiveTimeout", 10);
      return await late.receive().then(() => true, () => false);
    }, "a welcome from the other thread");
    await sub.close();
    await xpub.expect("\x00a");
    await xpub.expect("\x00b");
  });

  moving(`a DEALER over ${transport} is who it was`, async (m) => {
    const router = await m.open("Router");
    const dealer = await m.open("Dealer", {
      routingId: "me",
      probeRouter: true,
    });
    await m.join(router, dealer, transport);
    await router.expect("me", "");
    await sendAll(router, numbered("in", 0, 10).map((it) => ["me", ...it]));
    await dealer.move();
    // No second probe comes before this.
    await dealer.send("hello");
    await router.expect("me", "hello");
    await router.send("me", "last");
    assert.deepEqual(await dealer.receiveAll(10), numbered("in", 0, 10));
    await dealer.move();
    await dealer.expect("last");
  });

  moving(`a ROUTER over ${transport} knows its peers`, async (m) => {
    const router = await m.open("Router", { mandatory: true });
    const named = await m.open("Dealer", { routingId: "named" });
    const nameless = await m.open("Dealer");
    const endpoint = await m.bind(router, transport);
    await named.connect(endpoint);
    await nameless.connect(endpoint);
    await named.send("1");
    await router.expect("named", "1");
    await nameless.send("2");
    const [id = ""] = await router.receive();
    await nameless.send("3");
    await named.send("4");
    await router.move();
    await router.send("named", "to named");
    await router.send(id, "to nameless");
    await named.expect("to named");
    await nameless.expect("to nameless");
    const rest = await router.receiveAll(2);
    const byText = rest.sort((a, b) => (a[1] ?? "") < (b[1] ?? "") ? -1 : 1);
    assert.deepEqual(byText, [[id, "3"], ["named", "4"]]);
    // The counter of made-up ids has moved as well.
    const late = await m.open("Dealer");
    await late.connect(endpoint);
    await late.send("5");
    const [lateId = ""] = await router.receive();
    assert.notEqual(lateId, id);
    const count = (text: string) =>
      [...text.slice(1)].reduce((sum, it) => sum * 256 + it.charCodeAt(0), 0);
    assert.equal(lateId.length, 5);
    assert.equal(count(lateId), (count(id) + 1) % 2 ** 32);
    await router.move();
    await router.set("sendTimeout", 0);
    await assert.rejects(router.send("nobody", "x"), { code: "EHOSTUNREACH" });
  });

  moving(`a REQ over ${transport} moves while it waits`, async (m) => {
    const rep = await m.open("Reply");
    const req = await m.open("Request", { correlate: true });
    await m.join(rep, req, transport);
    for (let n = 0; n < 6; n += 1) {
      await req.send(`question ${n}`, "part");
      await rep.expect(`question ${n}`, "part");
      if (n % 2 === 0) await rep.send(`answer ${n}`);
      await req.move();
      await req.set("sendTimeout", 0);
      await assert.rejects(req.send("too soon"), { code: "EFSM" });
      await req.set("sendTimeout", 10_000);
      if (n % 2 === 1) await rep.send(`answer ${n}`);
      await req.expect(`answer ${n}`);
      await req.move();
      await req.set("receiveTimeout", 0);
      await assert.rejects(req.receive(), { code: "EFSM" });
      await req.set("receiveTimeout", 10_000);
    }
  });

  moving(`a REP over ${transport} moves while it owes`, async (m) => {
    const rep = await m.open("Reply");
    const endpoint = await m.bind(rep, transport);
    const asking = [
      await m.open("Request"),
      await m.open("Request"),
      await m.open("Dealer"),
    ];
    for (const socket of asking) await socket.connect(endpoint);
    for (let n = 0; n < 4; n += 1) {
      await asking[0]?.send("0");
      await asking[1]?.send("1");
      await asking[2]?.send("hop", "", "2");
      for (let answered = 0; answered < 3; answered += 1) {
        const [who] = await rep.receive();
        await rep.move();
        await rep.set("receiveTimeout", 0);
        await assert.rejects(rep.receive(), { code: "EFSM" });
        await rep.set("receiveTimeout", 10_000);
        await rep.send(`for ${who}`);
      }
      await asking[0]?.expect("for 0");
      await asking[1]?.expect("for 1");
      await asking[2]?.expect("hop", "", "for 2");
    }
  });

  moving(`peers that come over ${transport} meanwhile are met`, async (m) => {
    const pull = await m.open("Pull");
    const endpoint = await m.bind(pull, transport);
    for (let n = 0; n < 5; n += 1) {
      const handle = await pull.leave();
      const push = await m.open("Push");
      await push.connect(endpoint);
      await push.send(`early ${n}`);
      await pull.arrive(handle);
      await pull.expect(`early ${n}`);
      const gone = await pull.leave();
      await push.send(`late ${n}`);
      await push.set("linger", -1);
      await push.close();
      await pull.arrive(gone);
      await pull.expect(`late ${n}`);
    }
  });

  moving(`a moved socket over ${transport} closes like any`, async (m) => {
    for (let n = 0; n < 10; n += 1) {
      const pull = await m.open("Pull");
      const push = await m.open("Push", { linger: -1 });
      await m.join(pull, push, transport);
      await sendAll(push, numbered("x", 0, 20));
      await push.move();
      await push.send("last");
      await push.close();
      await pull.move();
      assert.deepEqual(await pull.receiveAll(20), numbered("x", 0, 20));
      await pull.expect("last");
      await pull.close();
    }
    await m.atRest();
  });

  moving(`a REQ over ${transport} moves 200 times`, async (m) => {
    const rep = await m.open("Reply");
    const req = await m.open("Request");
    await m.join(rep, req, transport);
    for (let n = 0; n < 100; n += 1) {
      await req.send(`${n}`);
      await req.move();
      await rep.expect(`${n}`);
      await rep.send(`${n}!`);
      await req.expect(`${n}!`);
      await req.move();
    }
  });

  moving(
    `a DEALER over ${transport} moves 200 times under traffic`,
    async (m) => {
      await bounceUnderTraffic(m, transport);
    },
  );
}

/** A DEALER sends back what comes, some here and some there. */
async function bounceUnderTraffic(
  m: Moving,
  transport: Transport,
): Promise<void> {
  const [moves, perVisit] = [200, 25];
  const total = moves * perVisit;
  const peer = await m.open("Dealer");
  const mover = await m.open("Dealer");
  await m.join(peer, mover, transport);
  const socket = m.main.socket(peer.key);
  const body = new Uint8Array(40);
  const sending = (async () => {
    for (let n = 0; n < total; n += 1) {
      await socket.send([new TextEncoder().encode(`${n}`), body]);
    }
  })();
  const receiving = (async () => {
    for (let n = 0; n < total; n += 1) {
      const [number] = await socket.receive();
      assert.equal(new TextDecoder().decode(number), `${n}`);
    }
  })();
  const visiting = (async () => {
    for (let n = 0; n < moves; n += 1) {
      await mover.move();
      await mover.ask({ verb: "bounce", count: perVisit });
    }
  })();
  await Promise.all([sending, receiving, visiting]);
  assert.equal(await peer.look(), false);
}

for (const transport of [...TRANSPORTS, "shm"] as const) {
  moving(`a PUB over ${transport} keeps its subscribers`, async (m) => {
    const pub = await m.open("Publisher");
    const sub = await m.open("Subscriber");
    const other = await m.open("Subscriber");
    const endpoint = await m.join(pub, sub, transport);
    await other.connect(endpoint);
    await sub.subscribe("a");
    await other.subscribe("b");
    await settled(pub, sub, "a");
    await settled(pub, other, "b");
    for (let n = 0; n < 10; n += 1) {
      await pub.send(`a${n}`);
      await pub.send(`b${n}`);
      await pub.move();
    }
    for (let n = 0; n < 10; n += 1) {
      await sub.expect(`a${n}`);
      await other.expect(`b${n}`);
    }
  });

  moving(`a SUB over ${transport} keeps its publisher`, async (m) => {
    const pub = await m.open("Publisher");
    const sub = await m.open("Subscriber");
    await m.join(pub, sub, transport);
    await sub.subscribe("a");
    await settled(pub, sub, "a");
    for (let n = 0; n < 10; n += 1) {
      await pub.send(`a${n}`);
      await pub.send(`b${n}`);
      await sub.move();
      await sub.expect(`a${n}`);
    }
    await sub.subscribe("b");
    await settled(pub, sub, "b");
    await sub.move();
    await pub.send("a", "end");
    await sub.expect("a", "end");
  });
}

moving("a conflating SUB moves with the newest message", async (m) => {
  const pub = await m.open("Publisher");
  const sub = await m.open("Subscriber", { conflate: true });
  await m.join(pub, sub, "inproc");
  await sub.subscribe("");
  await pub.ask({ verb: "look" });
  await pub.send("old");
  await pub.send("new");
  assert.equal(await sub.look(), true);
  await sub.move();
  await sub.expect("new");
  await pub.send("newer");
  await sub.expect("newer");
});

moving("a socket may be connected to itself and move", async (m) => {
  const dealer = await m.open("Dealer");
  await m.join(dealer, dealer, "inproc");
  for (let n = 0; n < 4; n += 1) {
    await dealer.send(`${n}`);
    await dealer.move();
    await dealer.send(`${n} again`);
    // Each end of the pipe is a peer to the other; they take turns.
    const heads = (await dealer.receiveAll(2)).map(([head]) => head);
    assert.deepEqual(heads.sort(), [`${n}`, `${n} again`]);
  }
});

moving("a connect that waits for its bind moves", async (m) => {
  const push = await m.open("Push");
  await push.connect("inproc://later");
  await push.send("1");
  await push.move();
  await push.send("2");
  const handle = await push.leave();
  const pull = await m.open("Pull");
  await pull.ask({ verb: "bind", endpoint: "inproc://later" });
  await pull.expect("1");
  await push.arrive(handle);
  await push.send("3");
  await pull.expect("2");
  await pull.expect("3");
});

moving("a handle serves once, in its own context", async (m) => {
  const pair = await m.open("Pair");
  const handle = await pair.leave();
  await pair.arrive(structuredClone(handle));
  const again = { verb: "adopt", key: "x", kind: "Pair", handle } as const;
  await assert.rejects(m.main.obey(again), { code: "EINVAL" });
  const other = await m.open("Pair");
  const foreign = { ...await other.leave(), context: "another" };
  await assert.rejects(
    m.main.obey({ ...again, handle: foreign }),
    { code: "EINVAL" },
  );
  await other.arrive({ ...foreign, context: m.kernel.contextId } as never);
});

moving("a socket with a pending operation stays", async (m) => {
  const pair = await m.open("Pair");
  // For ever: only the peer that comes can end it.
  await pair.set("receiveTimeout", -1);
  const receiving = m.main.socket(pair.key).receive();
  assert.throws(() => m.main.socket(pair.key).detach(), { code: "EBUSY" });
  const peer = await m.open("Pair");
  await m.join(peer, pair, "inproc");
  await peer.send("x");
  assert.equal(String((await receiving)[0]), "x");
  await pair.move();
  await pair.send("y");
  await peer.expect("y");
});

moving("a socket that arrives after shutdown is closed", async (m) => {
  const pair = await m.open("Pair");
  await m.bind(pair, "tcp");
  await pair.move();
  await pair.move();
  const handle = await pair.leave();
  m.kernel.shutdown();
  await assert.rejects(pair.arrive(handle), { code: "ETERM" });
  await m.atRest();
});

test("leaves nothing behind", leaks.after);
