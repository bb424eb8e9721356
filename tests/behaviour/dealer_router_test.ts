import assert from "node:assert/strict";
import { Context, Dealer, Request, Router } from "../../mod.ts";
import {
  drain,
  expectFromIdle,
  expectFull,
  expectMessage,
  expectNothing,
  receiveTexts,
  sendUntilFull,
  texts,
} from "../support/messages.ts";
import { scenario, TRANSPORTS, WIRE_TRANSPORTS } from "../support/scenario.ts";
import { until, within } from "../support/wait.ts";

for (const transport of TRANSPORTS) {
  scenario(
    `test_spec_dealer: DEALER over ${transport} sends round and takes from all`,
    async (s) => {
      const dealer = s.open(Dealer);
      const endpoint = await s.bind(dealer, transport);
      const peers = [];
      for (let n = 0; n < 5; n += 1) {
        const peer = s.open(Dealer);
        peer.connect(endpoint);
        await peer.send(`${n}`);
        peers.push(peer);
      }
      const seen = new Set<string>();
      for (let n = 0; n < 5; n += 1) {
        seen.add((await receiveTexts(dealer))[0] ?? "");
      }
      assert.equal(seen.size, 5);
      for (let n = 0; n < 10; n += 1) await dealer.send(["turn", `${n}`]);
      for (const peer of peers) {
        const [, first] = await receiveTexts(peer);
        const [, second] = await receiveTexts(peer);
        assert.equal(Number(second) - Number(first), 5);
      }
    },
  );

  scenario(
    `test_spec_dealer: DEALER over ${transport} waits without a peer`,
    async (s) => {
      const dealer = s.open(Dealer);
      await s.bind(dealer, transport);
      await expectFull(dealer);
    },
  );

  scenario(
    `test_spec_router: ROUTER over ${transport} takes fairly and names the sender`,
    async (s) => {
      const router = s.open(Router);
      const endpoint = await s.bind(router, transport);
      const dealers = [];
      for (let n = 0; n < 5; n += 1) {
        const dealer = s.open(Dealer, { routingId: `peer-${n}` });
        dealer.connect(endpoint);
        await dealer.send(["M", `${n}`]);
        dealers.push(dealer);
      }
      const seen = new Set<string>();
      for (let n = 0; n < 5; n += 1) {
        const [id = "", mark, body] = await receiveTexts(router);
        assert.equal(mark, "M");
        assert.equal(id, `peer-${body}`);
        seen.add(id);
      }
      assert.equal(seen.size, 5);
      for (let n = 4; n >= 0; n -= 1) {
        await router.send([`peer-${n}`, "", `${n}`]);
      }
      for (const [n, dealer] of dealers.entries()) {
        await expectMessage(dealer, "", `${n}`);
      }
    },
  );

  scenario(
    `test_router_mandatory: over ${transport} an unknown peer is an error only if asked for`,
    async (s) => {
      const router = s.open(Router);
      const endpoint = await s.bind(router, transport);
      await router.send(["UNKNOWN", "DATA"]);
      await router.send("only an id");
      router.mandatory = true;
      router.sendTimeout = 0;
      await assert.rejects(() => router.send(["UNKNOWN", "DATA"]), {
        code: "EHOSTUNREACH",
      });
      const dealer = s.open(Dealer, { routingId: "X" });
      dealer.connect(endpoint);
      await dealer.send("Hello");
      await expectMessage(router, "X", "Hello");
      await router.send(["X", "Hello"]);
      await expectMessage(dealer, "Hello");
      await assert.rejects(() => router.send(["Y", "lost"]), {
        code: "EHOSTUNREACH",
      });
      await router.send(["X", "still fine"]);
      await expectMessage(dealer, "still fine");
      dealer.close();
      await until(async () => {
        try {
          await router.send(["X", "gone?"]);
          return false;
        } catch (error) {
          assert.equal((error as { code?: string }).code, "EHOSTUNREACH");
          return true;
        }
      }, "the router to forget X");
    },
  );

  scenario(
    `test_router_mandatory_hwm: over ${transport} a full peer is EAGAIN`,
    async (s) => {
      const router = s.open(Router, { mandatory: true, sendHighWaterMark: 1 });
      const dealer = s.open(Dealer, {
        routingId: "X",
        receiveHighWaterMark: 1,
      });
      await s.join(router, dealer, transport);
      await dealer.send("Hello");
      await expectMessage(router, "X", "Hello");
      const body = "x".repeat(transport === "inproc" ? 65_536 : 2_000_000);
      const sent = await sendUntilFull(router, 50, () => ["X", body]);
      assert.ok(sent >= 1 && sent < 20, `${sent} messages went`);
      for (let n = 0; n < sent; n += 1) {
        assert.equal((await receiveTexts(dealer))[0]?.length, body.length);
      }
      await router.send(["X", "room"]);
      await expectMessage(dealer, "room");
    },
  );

  scenario(
    `ROUTER over ${transport} drops for a full peer and serves the others`,
    async (s) => {
      const router = s.open(Router, { sendHighWaterMark: 2 });
      const endpoint = await s.bind(router, transport);
      const slow = s.open(Dealer, {
        routingId: "slow",
        receiveHighWaterMark: 2,
      });
      const fast = s.open(Dealer, {
        routingId: "fast",
        receiveHighWaterMark: 2,
      });
      for (const dealer of [slow, fast]) {
        dealer.connect(endpoint);
        await dealer.send("hello");
        await router.receive();
      }
      const body = "x".repeat(transport === "inproc" ? 10 : 500_000);
      for (let n = 0; n < 50; n += 1) {
        await router.send(["slow", `${n}`, body]);
        await router.send(["fast", `${n}`]);
        await expectMessage(fast, `${n}`);
      }
      let last = -1;
      let count = 0;
      while (slow.readable) {
        const [number, rest] = await receiveTexts(slow);
        assert.ok(Number(number) > last);
        assert.equal(rest?.length, body.length);
        last = Number(number);
        count += 1;
      }
      assert.ok(count >= 2 && count < 50, `${count} of 50`);
    },
  );

  scenario(
    `test_probe_router: over ${transport} a probe introduces a DEALER`,
    async (s) => {
      const router = s.open(Router);
      const dealer = s.open(Dealer, { routingId: "X", probeRouter: true });
      await s.join(router, dealer, transport);
      await expectMessage(router, "X", "");
      await router.send(["X", "Hello"]);
      await expectMessage(dealer, "Hello");
      await expectNothing(router);
    },
  );

  scenario(
    `test_probe_router: over ${transport} a probe introduces a ROUTER`,
    async (s) => {
      const server = s.open(Router, { mandatory: true });
      const client = s.open(Router, { routingId: "X", probeRouter: true });
      await s.join(server, client, transport);
      await expectMessage(server, "X", "");
      await server.send(["X", "Hello"]);
      const [, body] = await receiveTexts(client);
      assert.equal(body, "Hello");
    },
  );

  scenario(
    `test_router_handover: over ${transport} a newcomer takes the name over`,
    async (s) => {
      const router = s.open(Router, { handover: true, mandatory: true });
      const endpoint = await s.bind(router, transport);
      const first = s.open(Dealer, { routingId: "X" });
      first.connect(endpoint);
      await first.send("Hello");
      await expectMessage(router, "X", "Hello");
      const second = s.open(Dealer, { routingId: "X" });
      second.connect(endpoint);
      await second.send("Hello");
      await expectMessage(router, "X", "Hello");
      await router.send(["X", "for the second"]);
      await expectMessage(second, "for the second");
      await expectNothing(first);
    },
  );

  scenario(
    `test_router_handover: over ${transport} without it the first keeps the name`,
    async (s) => {
      const router = s.open(Router, { mandatory: true });
      const endpoint = await s.bind(router, transport);
      const first = s.open(Dealer, { routingId: "X" });
      first.connect(endpoint);
      await first.send("Hello");
      await expectMessage(router, "X", "Hello");
      const second = s.open(Dealer, { routingId: "X" });
      second.connect(endpoint);
      await second.send("ignored");
      // A third, known peer shows that the router has seen to the second.
      const third = s.open(Dealer, { routingId: "Y" });
      third.connect(endpoint);
      await third.send("Hello");
      await expectMessage(router, "Y", "Hello");
      await router.send(["X", "for the first"]);
      await expectMessage(first, "for the first");
      await expectNothing(second);
      await expectNothing(router);
    },
  );

  scenario(
    `test_connect_rid: over ${transport} the connecter names its peer`,
    async (s) => {
      const client = s.open(Router, { mandatory: true });
      const servers = [];
      for (const name of ["alpha", "beta"]) {
        const server = s.open(Router, { routingId: `real-${name}` });
        const endpoint = await s.bind(server, transport);
        client.connect(endpoint, { routingId: name });
        servers.push({ name, server });
      }
      for (const { name, server } of servers) {
        await client.send([name, "hello"]);
        const [id = "", text] = await server.receive();
        assert.deepEqual(texts([text ?? new Uint8Array(0)]), ["hello"]);
        await server.send([id, "back"]);
        await expectMessage(client, name, "back");
      }
    },
  );
}

/** Whether a mandatory ROUTER had a peer to send to. */
function routed(router: Router, parts: string[]): boolean {
  try {
    return router.trySend(parts);
  } catch (error) {
    assert.equal((error as { code?: string }).code, "EHOSTUNREACH");
    return false;
  }
}

for (const transport of WIRE_TRANSPORTS) {
  scenario(
    `test_connect_rid: over ${transport} the name holds with immediate, and for later connections`,
    async (s) => {
      const client = s.open(Router, {
        mandatory: true,
        immediate: true,
        reconnectInterval: 10,
      });
      const accepting = await s.bind(client, transport);
      let server = s.open(Router, { routingId: "real" });
      const endpoint = await s.bind(server, transport);
      client.connect(endpoint, { routingId: "alpha" });
      for (const greeting of ["hello", "hello again"]) {
        await until(() => routed(client, ["alpha", greeting]), "the peer");
        const [id = ""] = await server.receive();
        await server.send([id, "back"]);
        await expectMessage(client, "alpha", "back");
        server.close();
        await until(
          () => !routed(client, ["alpha", "lost"]),
          "the name to be free",
        );
        // Accepted connections are nobody's that was named.
        const dealer = s.open(Dealer, { routingId: "dealer" });
        dealer.connect(accepting);
        await dealer.send("x");
        await expectMessage(client, "dealer", "x");
        dealer.close();
        server = s.open(Router, { routingId: "real" });
        await s.bindAgain(server, endpoint);
      }
    },
  );
}

scenario(
  "test_issue_566: a hundred DEALERs of another context are known at once",
  async (s) => {
    const router = s.open(Router, { mandatory: true });
    const endpoint = await s.bind(router, "tcp");
    const other = new Context();
    const dealers: Dealer[] = [];
    try {
      for (let n = 0; n < 100; n += 1) {
        const dealer = new Dealer({
          context: other,
          routingId: `dealer-${n}`,
          linger: 0,
          receiveTimeout: 10_000,
        });
        dealers.push(dealer);
        dealer.connect(endpoint);
        let heard = false;
        const receiving = receiveTexts(dealer).finally(() => heard = true);
        await until(
          () => routed(router, [`dealer-${n}`, "Hello"]) || heard,
          `dealer ${n}`,
        );
        assert.deepEqual(await receiving, ["Hello"]);
        dealer.close();
      }
    } finally {
      for (const dealer of dealers) dealer.close();
      await within(other.terminate(), "termination of the other context");
    }
  },
);

for (const transport of WIRE_TRANSPORTS) {
  scenario(
    `a ROUTER over ${transport} knows a named peer again that came back`,
    async (s) => {
      const router = s.open(Router, { mandatory: true });
      const endpoint = await s.bind(router, transport);
      for (let n = 0; n < 10; n += 1) {
        const dealer = s.open(Dealer, { routingId: "same" });
        dealer.connect(endpoint);
        // The router may still hold the one before; then this one is ignored
        // until it comes again, so both are closed and opened as a client would.
        await dealer.send(`${n}`);
        await expectMessage(router, "same", `${n}`);
        await router.send(["same", `${n}`]);
        await expectMessage(dealer, `${n}`);
        dealer.close();
        await until(
          () => !routed(router, ["same", "gone?"]),
          "the router to forget it",
        );
      }
    },
  );
}

scenario("a ROUTER's id may be any 255 bytes", async (s) => {
  const router = s.open(Router);
  const endpoint = await s.bind(router, "tcp");
  const id = "é".repeat(127) + "x";
  const dealer = s.open(Dealer, { routingId: id });
  assert.equal(dealer.routingId, id);
  dealer.connect(endpoint);
  await dealer.send("hello");
  await expectMessage(router, id, "hello");
  await router.send([id, "back"]);
  await expectMessage(dealer, "back");
  const refused = s.open(Dealer);
  assert.throws(() => refused.routingId = "x".repeat(256), { code: "EINVAL" });
  assert.throws(() => refused.routingId = "", { code: "EINVAL" });
  assert.equal(refused.routingId, null);
});

scenario("a REQ's id is known to a ROUTER, too", async (s) => {
  const router = s.open(Router);
  const req = s.open(Request, { routingId: "asker" });
  await s.join(router, req, "tcp");
  await req.send("question");
  await expectMessage(router, "asker", "", "question");
});

scenario("a probing binder is heard when it is used", async (s) => {
  const binder = s.open(Dealer, { routingId: "binder", probeRouter: true });
  const router = s.open(Router);
  router.connect(await s.bind(binder, "tcp"));
  await expectFromIdle(binder, router, "binder", "");
});

scenario(
  "messages to a ROUTER's vanished peer are dropped, others arrive",
  async (s) => {
    const router = s.open(Router);
    const endpoint = await s.bind(router, "tcp");
    const stays = s.open(Dealer, { routingId: "stays" });
    stays.connect(endpoint);
    await stays.send("hello");
    await router.receive();
    for (let n = 0; n < 20; n += 1) {
      const leaves = s.open(Dealer, { routingId: `leaves-${n}` });
      leaves.connect(endpoint);
      await leaves.send("hello");
      await router.receive();
      leaves.close();
      for (let k = 0; k < 50; k += 1) {
        await router.send([`leaves-${n}`, "x".repeat(10_000)]);
      }
      await router.send(["stays", `${n}`]);
      await expectMessage(stays, `${n}`);
    }
    assert.equal(await drain(router), 0);
  },
);
