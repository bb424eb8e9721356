import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
  constants,
  getSockOptInt,
  interfaces,
  localAddress,
} from "../../../ffi/mod.ts";
import { parseEndpoint } from "../../../src/base/endpoint.ts";
import { defaultOptions } from "../../../src/base/options.ts";
import type { SocketOptions } from "../../../src/base/options.ts";
import { SocketType } from "../../../src/base/socket_type.ts";
import type { Listening } from "../../../src/core/binder.ts";
import { localEndpoint } from "../../../src/transport/tcp/tcp_address.ts";
import { TcpBinder } from "../../../src/transport/tcp/tcp_binder.ts";
import { leakCheck, openDescriptors } from "../../support/leaks.ts";
import { testUnless } from "../../support/skip.ts";

const leaks = leakCheck();
await leaks.before();

const loopback = interfaces().find((entry) => entry.address === "127.0.0.1")
  ?.name;

function listen(
  hostPort: string,
  changes: Partial<SocketOptions> = {},
): Listening {
  const endpoint = parseEndpoint(`tcp://${hostPort}`, "bind");
  const options = { ...defaultOptions(SocketType.PAIR), ...changes };
  return new TcpBinder().listen(endpoint, options);
}

/** How many sockets this process has open; 0 where there is no /proc. */
function openSockets(): number {
  return [...openDescriptors().values()]
    .filter((target) => target.startsWith("socket:")).length;
}

describe("tcp binder", () => {
  test("names the port that it found, and wildcards resolved", () => {
    for (
      const [asked, found] of [
        ["127.0.0.1:*", /^tcp:\/\/127\.0\.0\.1:[1-9]\d*$/],
        ["*:*", /^tcp:\/\/0\.0\.0\.0:[1-9]\d*$/],
        ["*:0", /^tcp:\/\/0\.0\.0\.0:[1-9]\d*$/],
      ] as const
    ) {
      const { fd, endpoint, discard } = listen(asked);
      assert.match(endpoint, found);
      assert.equal(endpoint, localEndpoint(fd));
      discard();
      assert.equal(localAddress(fd), null, "closed");
    }
  });

  test("two ephemeral ports differ", () => {
    const [first, second] = [listen("127.0.0.1:*"), listen("127.0.0.1:*")];
    assert.notEqual(first.endpoint, second.endpoint);
    first.discard();
    second.discard();
  });

  test("a port that is taken is refused, and nothing stays open", () => {
    const first = listen("127.0.0.1:*");
    const hostPort = first.endpoint.slice("tcp://".length);
    const before = openSockets();
    for (let n = 0; n < 3; n += 1) {
      assert.throws(() => listen(hostPort), { code: "EADDRINUSE" });
    }
    assert.equal(openSockets(), before);
    first.discard();
    const again = listen(hostPort);
    assert.equal(again.endpoint, first.endpoint, "and free at once");
    again.discard();
  });

  test("an address of nobody here is refused", () => {
    assert.throws(() => listen("192.0.2.254:*"), { code: "EADDRNOTAVAIL" });
  });

  testUnless(
    loopback === undefined && "the machine has no loopback interface",
    "an interface by its name",
    () => {
      const { endpoint, discard } = listen(`${loopback}:*`);
      assert.match(endpoint, /^tcp:\/\/127\.0\.0\.1:/);
      discard();
    },
  );

  testUnless(
    constants.SO_BINDTODEVICE < 0 && "the system knows no such option",
    "an interface option that names none is refused, and leaves nothing open",
    () => {
      const before = openSockets();
      const options = { interface: "no-such-dev0" };
      // Some users may not restrict their sockets at all.
      assert.throws(
        () => listen("127.0.0.1:*", options),
        ({ code }) => code === "ENODEV" || code === "EPERM",
      );
      assert.equal(openSockets(), before);
    },
  );

  test("buffer sizes are set before it listens", () => {
    const size = 20_000;
    const tuned = listen("127.0.0.1:*", { receiveBufferSize: size });
    const usual = listen("127.0.0.1:*");
    const { SOL_SOCKET, SO_RCVBUF } = constants;
    const is = getSockOptInt(tuned.fd, SOL_SOCKET, SO_RCVBUF);
    // Linux doubles what it is told.
    assert.ok(is >= size && is <= 2 * size, `${is}`);
    assert.notEqual(is, getSockOptInt(usual.fd, SOL_SOCKET, SO_RCVBUF));
    tuned.discard();
    usual.discard();
  });
});

test("leaves nothing behind", leaks.after);
