import assert from "node:assert/strict";
import { existsSync, readdirSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { Dealer, Pair, Publisher, Pull, Push } from "../../mod.ts";
import { bounce, expectFull, expectMessage } from "../support/messages.ts";
import { abstractIpcEndpoint, freeTcpPort } from "../support/ports.ts";
import { scenario, TRANSPORTS, WIRE_TRANSPORTS } from "../support/scenario.ts";
import { until, within } from "../support/wait.ts";

scenario(
  "test_last_endpoint: tells what was bound, wildcards resolved",
  async (s) => {
    const router = s.open(Pair);
    assert.equal(router.lastEndpoint, null);
    const port = await freeTcpPort();
    await router.bind(`tcp://127.0.0.1:${port}`);
    assert.equal(router.lastEndpoint, `tcp://127.0.0.1:${port}`);
    await router.bind("tcp://127.0.0.1:*");
    assert.match(router.lastEndpoint ?? "", /^tcp:\/\/127\.0\.0\.1:[1-9]\d*$/);
    await router.bind("tcp://127.0.0.1:0");
    assert.match(router.lastEndpoint ?? "", /^tcp:\/\/127\.0\.0\.1:[1-9]\d*$/);
    await router.bind("tcp://*:*");
    assert.match(router.lastEndpoint ?? "", /^tcp:\/\/0\.0\.0\.0:[1-9]\d*$/);
    await router.bind("inproc://named");
    assert.equal(router.lastEndpoint, "inproc://named");
    const path = `ipc://${s.folder()}/last`;
    await router.bind(path);
    assert.equal(router.lastEndpoint, path);
  },
);

scenario("lastEndpoint tells what was connected to, too", async (s) => {
  const one = s.open(Dealer);
  const two = s.open(Dealer);
  for (const transport of TRANSPORTS) {
    const endpoint = await s.join(one, two, transport);
    assert.equal(two.lastEndpoint, endpoint);
  }
});

for (
  const [address, ipv6] of [
    ["tcp://*:*", false],
    ["tcp://*:*", true],
    ["tcp://127.0.0.1:*", false],
    ["tcp://127.0.0.1:*", true],
    ["tcp://[::1]:*", true],
  ] as const
) {
  scenario(
    `test_unbind_wildcard: ${address} with ipv6 ${ipv6 ? "on" : "off"}`,
    async (s) => {
      const back = s.open(Dealer, { ipv6 });
      const front = s.open(Dealer, { ipv6 });
      await back.bind(address);
      const bound = back.lastEndpoint ?? "";
      assert.doesNotMatch(bound, /\*/);
      const target = bound.replace("//0.0.0.0:", "//127.0.0.1:")
        .replace("//[::]:", "//[::1]:");
      front.connect(target);
      await front.send("hello");
      await expectMessage(back, "hello");
      front.disconnect(front.lastEndpoint ?? "");
      await back.unbind(bound);
      await s.bindAgain(back, bound);
      front.connect(target);
      await front.send("again");
      await expectMessage(back, "again");
    },
  );
}

for (const transport of TRANSPORTS) {
  scenario(
    `test_term_endpoint: after unbind a ${transport} peer cannot be reached`,
    async (s) => {
      const push = s.open(Push);
      const pull = s.open(Pull);
      const endpoint = await s.join(push, pull, transport);
      await push.send("ABC");
      await expectMessage(pull, "ABC");
      await push.unbind(endpoint);
      if (transport !== "inproc") {
        await until(() => !push.writable, "the connection's end");
        await expectFull(push, "DEF");
      }
      await assert.rejects(() => push.unbind(endpoint), {
        code: "ENOENT",
        message: "No such endpoint",
        address: endpoint,
      });
    },
  );

  scenario(
    `test_term_endpoint: after disconnect a ${transport} peer cannot be reached`,
    async (s) => {
      const push = s.open(Push);
      const pull = s.open(Pull);
      const endpoint = await s.join(pull, push, transport);
      await push.send("ABC");
      await expectMessage(pull, "ABC");
      push.disconnect(endpoint);
      await expectFull(push, "DEF");
      assert.throws(() => push.disconnect(endpoint), {
        code: "ENOENT",
        message: "No such endpoint",
        address: endpoint,
      });
      push.connect(endpoint);
      await push.send("GHI");
      await expectMessage(pull, "GHI");
    },
  );
}

for (const address of ["tcp://127.0.0.1:*", "ipc://*"]) {
  scenario(
    `test_term_endpoint: ${address} cannot be unbound by the wildcard`,
    async (s) => {
      const push = s.open(Push);
      await push.bind(address);
      await assert.rejects(() => push.unbind(address), { code: "ENOENT" });
      await push.unbind(push.lastEndpoint ?? "");
      await push.bind(address);
    },
  );
}

scenario(
  "test_bind_after_connect_tcp: what was sent before the bind arrives",
  async (s) => {
    const port = await freeTcpPort();
    const dealer = s.open(Dealer, { reconnectInterval: 10 });
    dealer.connect(`tcp://127.0.0.1:${port}`);
    for (const text of ["A", "B", "C"]) await dealer.send(text);
    const back = s.open(Dealer);
    await back.bind(`tcp://127.0.0.1:${port}`);
    for (const text of ["A", "B", "C"]) await expectMessage(back, text);
    await back.send("answer");
    await expectMessage(dealer, "answer");
  },
);

scenario(
  "test_ipc_wildcard: ipc://* is a path of its own each time",
  async (s) => {
    const [one, two] = [s.open(Pair), s.open(Pair)];
    await one.bind("ipc://*");
    const endpoint = one.lastEndpoint ?? "";
    assert.match(endpoint, /^ipc:\/\/.+/);
    assert.doesNotMatch(endpoint, /\*/);
    await two.bind("ipc://*");
    assert.notEqual(two.lastEndpoint, endpoint);
    const three = s.open(Pair);
    three.connect(endpoint);
    await bounce(three, one);
    const path = endpoint.slice("ipc://".length);
    assert.equal(existsSync(path), true);
    one.close();
    await until(() => !existsSync(path), "the file to be removed");
  },
);

scenario("test_rebind_ipc: a path can be bound again at once", async (s) => {
  const address = s.address("ipc");
  for (let n = 0; n < 5; n += 1) {
    const [one, two] = [s.open(Pair), s.open(Pair)];
    await one.bind(address);
    two.connect(address);
    await bounce(two, one);
    await one.unbind(address);
    one.close();
    two.close();
  }
});

scenario(
  "test_rebind_ipc: a path left behind by someone who died is taken over",
  async (s) => {
    const folder = s.folder();
    const server = createServer();
    await new Promise<void>((resolve) =>
      server.listen(`${folder}/old`, resolve)
    );
    await new Promise<void>((resolve) => server.close(() => resolve()));
    const [one, two] = [s.open(Pair), s.open(Pair)];
    await s.bind(s.open(Pair), "ipc");
    await one.bind(`ipc://${folder}/old`);
    two.connect(`ipc://${folder}/old`);
    await bounce(two, one);
    assert.ok(readdirSync(folder).includes("old"));
  },
);

scenario(
  "a bind that finds the context full leaves no file",
  async (s) => {
    const folder = s.folder();
    const pair = s.open(Pair);
    const before = wildcardFolders();
    let bound = 0;
    await assert.rejects(async () => {
      for (;; bound += 1) await pair.bind(`ipc://${folder}/${bound}`);
    }, { code: "EMFILE" });
    await assert.rejects(() => pair.bind("ipc://*"), { code: "EMFILE" });
    await assert.rejects(() => pair.bind("tcp://127.0.0.1:*"), {
      code: "EMFILE",
    });
    assert.ok(bound > 0);
    assert.equal(readdirSync(folder).length, bound);
    assert.deepEqual(wildcardFolders(), before);
    assert.equal(pair.lastEndpoint, `ipc://${folder}/${bound - 1}`);
  },
  { context: { maxSockets: 4, maxConnections: 4 } },
);

/** Folders that `ipc://*` made. */
function wildcardFolders(): string[] {
  return readdirSync(tmpdir()).filter((name) =>
    existsSync(`${tmpdir()}/${name}/socket`)
  );
}

scenario("test_abstract_ipc: an @name needs no file", async (s) => {
  const address = abstractIpcEndpoint("bounce");
  const [one, two] = [s.open(Pair), s.open(Pair)];
  await one.bind(address);
  assert.equal(one.lastEndpoint, address);
  two.connect(address);
  await bounce(two, one);
  assert.equal(existsSync(address.slice("ipc://".length)), false);
  await one.unbind(address);
  await assert.rejects(() => s.open(Pair).bind("ipc://@"), { code: "EINVAL" });
});

scenario(
  "test_bind_src_address: a connection may say where it comes from",
  async (s) => {
    const back = s.open(Dealer);
    const endpoint = await s.bind(back, "tcp");
    const target = endpoint.slice("tcp://".length);
    for (const source of ["127.0.0.1:0", "127.0.0.2:0", "lo:0"]) {
      const front = s.open(Dealer);
      front.connect(`tcp://${source};${target}`);
      await front.send(source);
      await expectMessage(back, source);
      front.close();
    }
  },
);

scenario("the name of an interface stands for its address", async (s) => {
  const pull = s.open(Pull);
  await pull.bind("tcp://lo:*");
  assert.match(pull.lastEndpoint ?? "", /^tcp:\/\/127\.0\.0\.1:[1-9]\d*$/);
  const push = s.open(Push);
  push.connect(pull.lastEndpoint as string);
  await push.send("by name");
  await expectMessage(pull, "by name");
  await assert.rejects(() => s.open(Pull).bind("tcp://no-such-if0:*"), {
    code: "ENODEV",
  });
});

scenario("test_connect_resolve: names and literals connect", async (s) => {
  const pub = s.open(Publisher);
  for (
    const address of [
      "tcp://localhost:1234",
      "tcp://127.0.0.1:1234",
      "tcp://example.invalid:1234",
      "tcp://name-with-dash.invalid:1",
    ]
  ) {
    pub.connect(address);
    pub.disconnect(address);
  }
  pub.ipv6 = true;
  pub.connect("tcp://[::1]:1234");
  await Promise.resolve();
});

for (
  const [address, code] of [
    ["tcp://", "EINVAL"],
    ["tcp://foo bar:1234", "EINVAL"],
    ["tcp://localhost", "EINVAL"],
    ["tcp://localhost:", "EINVAL"],
    ["tcp://localhost:invalid", "EINVAL"],
    ["tcp://localhost:*", "EINVAL"],
    ["tcp://localhost:-1", "EINVAL"],
    ["in val id://1234", "EPROTONOSUPPORT"],
    ["foo://x", "EPROTONOSUPPORT"],
    ["foo-bar", "EINVAL"],
    ["", "EINVAL"],
    ["://x", "EINVAL"],
    ["tcp:/127.0.0.1:1", "EINVAL"],
  ] as const
) {
  scenario(
    `test_connect_resolve: connect to "${address}" is ${code} at once`,
    async (s) => {
      const dealer = s.open(Dealer);
      assert.throws(() => dealer.connect(address), { code, address });
      assert.equal(dealer.lastEndpoint, null);
      // Nothing was changed: the socket works.
      const other = s.open(Dealer);
      await s.join(other, dealer, "inproc");
      await bounce(dealer, other);
    },
  );
}

for (
  const [address, code] of [
    ["tcp://", "EINVAL"],
    ["tcp://127.0.0.1", "EINVAL"],
    ["tcp://127.0.0.1:port", "EINVAL"],
    ["tcp://127.0.0.1:65536", "EINVAL"],
    ["tcp://198.51.100.1:*", "EADDRNOTAVAIL"],
    ["ipc:///nowhere/at/all", "ENOENT"],
    ["foo://x", "EPROTONOSUPPORT"],
    ["foo-bar", "EINVAL"],
  ] as const
) {
  scenario(`bind to "${address}" is ${code} and changes nothing`, async (s) => {
    const dealer = s.open(Dealer);
    await assert.rejects(() => dealer.bind(address), { code, address });
    assert.throws(() => dealer.bindSync(address), { code, address });
    assert.equal(dealer.lastEndpoint, null);
    const other = s.open(Dealer);
    await s.join(dealer, other, "tcp");
    await bounce(dealer, other);
  });
}

scenario("an address in use is EADDRINUSE, for tcp and inproc", async (s) => {
  const [one, two] = [s.open(Pair), s.open(Pair)];
  for (const transport of ["tcp", "inproc"] as const) {
    const endpoint = await s.bind(one, transport);
    await assert.rejects(() => two.bind(endpoint), {
      code: "EADDRINUSE",
      message: "Address already in use",
      address: endpoint,
    });
  }
  assert.equal(two.lastEndpoint, null);
});

scenario("a socket bound to three transports serves all of them", async (s) => {
  const pull = s.open(Pull);
  for (const transport of TRANSPORTS) {
    const endpoint = await s.bind(pull, transport);
    const push = s.open(Push);
    push.connect(endpoint);
    await push.send(transport);
  }
  const seen = new Set<string>();
  for (let n = 0; n < 3; n += 1) {
    seen.add(String.fromCharCode(...(await pull.receive())[0] ?? []));
  }
  assert.deepEqual([...seen].sort(), ["inproc", "ipc", "tcp"]);
});

for (const transport of WIRE_TRANSPORTS) {
  scenario(
    `unbind of one ${transport} endpoint leaves the others alone`,
    async (s) => {
      const pull = s.open(Pull);
      const first = await s.bind(pull, transport);
      const second = await s.bind(pull, transport);
      const push = s.open(Push);
      push.connect(second);
      await push.send("before");
      await expectMessage(pull, "before");
      await pull.unbind(first);
      for (let n = 0; n < 100; n += 1) await push.send(`${n}`);
      for (let n = 0; n < 100; n += 1) await expectMessage(pull, `${n}`);
    },
  );
}

scenario(
  "bindSync and unbindSync do at once what bind and unbind do",
  async (s) => {
    const [one, two] = [s.open(Pair), s.open(Pair)];
    one.bindSync("tcp://127.0.0.1:*");
    const endpoint = one.lastEndpoint ?? "";
    two.connect(endpoint);
    await bounce(two, one);
    one.unbindSync(endpoint);
    const three = s.open(Pair);
    await until(() => {
      try {
        three.bindSync(endpoint);
        return true;
      } catch {
        return false;
      }
    }, "the port to be free");
    assert.throws(() => one.unbindSync(endpoint), { code: "ENOENT" });
  },
);

scenario(
  "a connection to IPv6 needs the option, and gets IPv4 as well",
  async (s) => {
    const back = s.open(Dealer, { ipv6: true });
    await back.bind("tcp://*:*");
    const port = /:(\d+)$/.exec(back.lastEndpoint ?? "")?.[1];
    for (const host of ["[::1]", "127.0.0.1"]) {
      const front = s.open(Dealer, { ipv6: true });
      front.connect(`tcp://${host}:${port}`);
      await front.send(host);
      await expectMessage(back, host);
    }
    const old = s.open(Dealer);
    assert.throws(() => old.bindSync("tcp://[::1]:*"));
  },
);

scenario("an unresolvable name is tried again and harms nobody", async (s) => {
  const dealer = s.open(Dealer, { reconnectInterval: 10 });
  dealer.connect("tcp://no-such-host.invalid:1");
  const other = s.open(Dealer);
  const endpoint = await s.bind(other, "tcp");
  dealer.connect(endpoint);
  // Round robin: half of them wait for the host that does not exist.
  await dealer.send("1");
  await dealer.send("2");
  await within(other.receive(), "one of the two");
});
