import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
  acceptSocket,
  bindSocket,
  closeFd,
  connectSocket,
  constants,
  interfaceIndex,
  interfaces,
  listenSocket,
  localAddress,
  openSocket,
  parseSockaddr,
  sockaddrIn,
  sockaddrIn6,
} from "../../../ffi/mod.ts";
import { parseEndpoint } from "../../../src/base/endpoint.ts";
import {
  bindAddress,
  interfaceAddress,
  isSelfConnection,
  literalAddress,
  localEndpoint,
  lookedUpAddress,
  peerEndpoint,
  type TcpAddress,
} from "../../../src/transport/tcp/tcp_address.ts";
import { testUnless } from "../../support/skip.ts";
import { until } from "../../support/wait.ts";
import { leakCheck } from "../../support/leaks.ts";

const leaks = leakCheck();
await leaks.before();

const V4 = constants.AF_INET;
const V6 = constants.AF_INET6;

/** An address as text: family, host, scope and port. */
function shown(address: TcpAddress | null): string | null {
  if (address === null) return null;
  const parsed = parseSockaddr(address.sockaddr);
  assert.ok(parsed !== null, "a sockaddr of a known family");
  const family = parsed.family === "inet" ? V4 : V6;
  assert.equal(address.family, family, "the family is the sockaddr's");
  return `${parsed.address}%${parsed.scopeId} ${parsed.port}`;
}

const all = interfaces();
const loopback = all.find((entry) => entry.address === "127.0.0.1");
const linkLocal = all.find((entry) => entry.scopeId > 0);
const noIpv6 = !all.some((entry) => entry.address === "::1") &&
  "the machine has no IPv6";

describe("tcp address: literals", () => {
  test("of IPv4, whatever the option ipv6 says", () => {
    for (const ipv6 of [false, true]) {
      const address = literalAddress("192.0.2.7", "", 65535, ipv6);
      assert.deepEqual(address, {
        family: V4,
        sockaddr: sockaddrIn("192.0.2.7", 65535),
      });
    }
  });

  test("of IPv6, only with the option", () => {
    for (const host of ["::1", "2001:db8::7", "::", "::ffff:192.0.2.7"]) {
      assert.equal(literalAddress(host, "", 80, false), null, host);
      assert.deepEqual(literalAddress(host, "", 80, true), {
        family: V6,
        sockaddr: sockaddrIn6(host, 80),
      });
    }
  });

  test("names and half addresses are none", () => {
    for (const host of ["localhost", "lo", "*", "", "1.2.3", "256.0.0.1"]) {
      assert.equal(literalAddress(host, "", 1, true), null, host);
    }
    for (const host of ["1::2::3", "[::1]", ":1", "12345::"]) {
      assert.equal(literalAddress(host, "", 1, true), null, host);
    }
  });

  test("a zone is the number of an interface", () => {
    const address = literalAddress("fe80::1", "7", 80, true);
    assert.equal(shown(address), "fe80::1%7 80");
  });

  testUnless(
    loopback === undefined && "the machine has no loopback interface",
    "or the name of one",
    () => {
      const name = loopback?.name ?? "";
      const address = literalAddress("fe80::1", name, 80, true);
      assert.equal(shown(address), `fe80::1%${interfaceIndex(name)} 80`);
    },
  );

  test("an address in a zone that does not exist is none", () => {
    // Else the zone is lost in silence, and another address is meant. libzmq
    // refuses it (EINVAL).
    for (const zone of ["no-such-zone", "0x1", "1.0", "1e0", "-1"]) {
      assert.equal(literalAddress("fe80::1", zone, 80, true), null, zone);
    }
    assert.equal(literalAddress("::1", "4294967297", 80, true), null);
  });
});

describe("tcp address: what a look-up gives", () => {
  test("both families, with and without a zone", () => {
    assert.equal(shown(lookedUpAddress("127.0.0.1", 9)), "127.0.0.1%0 9");
    assert.equal(shown(lookedUpAddress("::1", 9)), "::1%0 9");
    assert.equal(shown(lookedUpAddress("fe80::2%3", 9)), "fe80::2%3 9");
    assert.equal(lookedUpAddress("localhost", 9), null);
  });
});

/** Where a bind of this text would be. */
function bindTo(hostPort: string, ipv6 = false): string | null {
  const endpoint = parseEndpoint(`tcp://${hostPort}`, "bind");
  assert.equal(endpoint.protocol, "tcp");
  return shown(bindAddress(endpoint as never, ipv6));
}

describe("tcp address: where to bind", () => {
  test("* is all interfaces of the family that is allowed", () => {
    assert.equal(bindTo("*:5555"), "0.0.0.0%0 5555");
    assert.equal(bindTo("*:5555", true), "::%0 5555");
  });

  test("* as a port is any free one", () => {
    assert.equal(bindTo("*:*"), "0.0.0.0%0 0");
    assert.equal(bindTo("127.0.0.1:*"), "127.0.0.1%0 0");
    assert.equal(bindTo("127.0.0.1:0"), "127.0.0.1%0 0");
  });

  test("addresses, IPv6 ones with brackets or without", () => {
    assert.equal(bindTo("127.0.0.1:80"), "127.0.0.1%0 80");
    assert.equal(bindTo("127.0.0.1:80", true), "127.0.0.1%0 80");
    assert.equal(bindTo("[::1]:80", true), "::1%0 80");
    assert.equal(bindTo("::1:80", true), "::1%0 80");
    assert.equal(bindTo("[fe80::1%5]:80", true), "fe80::1%5 80");
  });

  test("an IPv6 address without the option is no device", () => {
    for (const host of ["[::1]", "[::]", "[fe80::1%1]"]) {
      assert.throws(() => bindTo(`${host}:80`), { code: "ENODEV" }, host);
    }
  });

  test("a name that is nobody's is no device", () => {
    assert.throws(() => bindTo("no-such-host.invalid:80"), (error) => {
      const { code } = error as { code?: string };
      // Without any name server the system asks to try again.
      return code === "ENODEV" || code === "EAGAIN";
    });
  });

  test("a name that resolves", () => {
    assert.equal(bindTo("localhost:80"), "127.0.0.1%0 80");
    const any = bindTo("localhost:80", true) ?? "";
    assert.ok(["127.0.0.1%0 80", "::1%0 80"].includes(any), any);
  });

  test("each interface by its name: its IPv4 address, if it has one", () => {
    for (const { name } of all) {
      const own = all.filter((entry) => entry.name === name);
      const v4 = own.filter((entry) => entry.family === "inet");
      for (const ipv6 of [false, true]) {
        const found = shown(interfaceAddress(name, 80, ipv6));
        const [wanted] = v4.length > 0 ? v4 : ipv6 ? own : [];
        assert.equal(
          found,
          wanted ? `${wanted.address}%${wanted.scopeId} 80` : null,
          name,
        );
      }
    }
    assert.equal(interfaceAddress("no-such-device", 80, true), null);
    assert.equal(interfaceAddress("", 80, true), null);
  });

  testUnless(
    loopback === undefined && "the machine has no loopback interface",
    "an interface's name goes before the look-up of a host",
    () => {
      assert.equal(bindTo(`${loopback?.name}:80`), "127.0.0.1%0 80");
    },
  );
});

/** A socket of the address' family, bound to it. */
function bound(address: TcpAddress): number {
  const fd = openSocket(address.family);
  assert.ok(fd >= 0);
  assert.equal(bindSocket(fd, address.sockaddr), 0);
  return fd;
}

/** Both ends of a connection, and its listener. */
async function connection(address: TcpAddress): Promise<number[]> {
  const listening = bound(address);
  assert.equal(listenSocket(listening, 1), 0);
  const client = openSocket(address.family);
  connectSocket(client, localAddress(listening) as Uint8Array);
  let server = -1;
  await until(() => {
    server = acceptSocket(listening);
    return server >= 0;
  }, "the connection");
  return [client, server, listening];
}

describe("tcp address: of descriptors", () => {
  const any = literalAddress("127.0.0.1", "", 0, false) as TcpAddress;

  test("both ends say the same of each other", async () => {
    const [client = -1, server = -1, listening = -1] = await connection(any);
    assert.match(localEndpoint(client), /^tcp:\/\/127\.0\.0\.1:[1-9]\d*$/);
    assert.equal(localEndpoint(client), peerEndpoint(server));
    assert.equal(peerEndpoint(client), localEndpoint(server));
    assert.equal(localEndpoint(listening), localEndpoint(server));
    assert.notEqual(localEndpoint(client), localEndpoint(server));
    assert.equal(isSelfConnection(client), false);
    assert.equal(isSelfConnection(server), false);
    for (const fd of [client, server, listening]) closeFd(fd);
  });

  testUnless(noIpv6, "IPv6 addresses are in brackets", async () => {
    const six = literalAddress("::1", "", 0, true) as TcpAddress;
    const [client = -1, server = -1, listening = -1] = await connection(six);
    assert.match(localEndpoint(listening), /^tcp:\/\/\[::1\]:[1-9]\d*$/);
    assert.equal(localEndpoint(client), peerEndpoint(server));
    for (const fd of [client, server, listening]) closeFd(fd);
  });

  testUnless(
    linkLocal === undefined && "no interface has a link-local address",
    "a link-local address keeps its zone, and can be bound to again",
    () => {
      const { address, name, scopeId } = linkLocal as NonNullable<
        typeof linkLocal
      >;
      const there = literalAddress(address, name, 0, true) as TcpAddress;
      const first = bound(there);
      const endpoint = localEndpoint(first);
      closeFd(first);
      assert.ok(endpoint.startsWith(`tcp://[${address}%${scopeId}]:`));
      const again = parseEndpoint(endpoint, "bind") as never;
      const second = bound(bindAddress(again, true));
      assert.equal(localEndpoint(second), endpoint);
      closeFd(second);
    },
  );

  test("a connection to itself is found out", async () => {
    const fd = bound(any);
    // Both sides of a simultaneous open are one socket.
    connectSocket(fd, localAddress(fd) as Uint8Array);
    await until(() => isSelfConnection(fd), "the connection to itself");
    assert.equal(localEndpoint(fd), peerEndpoint(fd));
    closeFd(fd);
  });

  test("without a connection there is no peer, and no self", () => {
    const fd = bound(any);
    assert.equal(peerEndpoint(fd), "tcp://");
    assert.equal(isSelfConnection(fd), false);
    closeFd(fd);
    assert.equal(localEndpoint(-1), "tcp://");
    assert.equal(isSelfConnection(-1), false);
  });
});

test("leaves nothing behind", leaks.after);
