import assert from "node:assert/strict";
import { test } from "node:test";
import {
  acceptSocket,
  bindSocket,
  closeFd,
  connectSocket,
  constants,
  errnoNumber,
  host,
  listenSocket,
  localAddress,
  makeTempDir,
  openSocket,
  parseSockaddr,
  pathExists,
  peerAddress,
  POLLIN,
  POLLOUT,
  PollSet,
  receive,
  removeDir,
  send,
  sockaddrIn,
  sockaddrIn6,
  sockaddrUn,
  socketError,
  unlinkPath,
} from "../../../ffi/mod.ts";
import { leakCheck } from "../../support/leaks.ts";

const leaks = leakCheck();
await leaks.before();

function waitFor(fd: number, events: number): void {
  const set = new PollSet(1);
  set.set(0, fd, events);
  assert.equal(set.wait(1, 30_000), 1);
}

function assertConnects(family: number, address: Uint8Array | null): void {
  assert.ok(address !== null);
  const listener = openSocket(family);
  assert.ok(listener >= 0);
  assert.equal(bindSocket(listener, address), 0);
  assert.equal(listenSocket(listener, 10), 0);
  assert.equal(acceptSocket(listener), -errnoNumber("EAGAIN"));
  const bound = localAddress(listener) as Uint8Array;
  const client = openSocket(family);
  const result = connectSocket(client, bound);
  assert.ok(result === 0 || result === -errnoNumber("EINPROGRESS"));
  waitFor(listener, POLLIN);
  const server = acceptSocket(listener);
  assert.ok(server >= 0);
  waitFor(client, POLLOUT);
  assert.equal(socketError(client), 0);
  assert.deepEqual(peerAddress(client), bound);
  assert.deepEqual(
    parseSockaddr(peerAddress(server) as Uint8Array),
    parseSockaddr(localAddress(client) as Uint8Array),
  );
  const bytes = new Uint8Array([1, 2, 3]);
  assert.equal(send(client, bytes, 0, 3), 3);
  waitFor(server, POLLIN);
  assert.equal(receive(server, new Uint8Array(8), 0, 8), 3);
  for (const fd of [listener, client, server]) assert.equal(closeFd(fd), 0);
}

test("tcp over IPv4", () => {
  assertConnects(constants.AF_INET, sockaddrIn("127.0.0.1", 0));
});

function hasIpv6(): boolean {
  const fd = openSocket(constants.AF_INET6);
  if (fd < 0) return false;
  const result = bindSocket(fd, sockaddrIn6("::1", 0) as Uint8Array);
  closeFd(fd);
  return result === 0;
}

test("tcp over IPv6", { skip: !hasIpv6() && "no ::1 here" }, () => {
  assertConnects(constants.AF_INET6, sockaddrIn6("::1", 0));
});

test("unix domain sockets by path", () => {
  const directory = makeTempDir("/tmp/ffi-socket-");
  assert.ok(typeof directory === "string");
  const path = `${directory}/socket`;
  assertConnects(constants.AF_UNIX, sockaddrUn(path));
  assert.ok(pathExists(path));
  assert.equal(unlinkPath(path), 0);
  assert.equal(removeDir(directory), 0);
});

test("unix domain sockets by abstract name", {
  skip: host.os !== "linux" && "only Linux has abstract names",
}, () => {
  assertConnects(constants.AF_UNIX, sockaddrUn(`@ffi-socket-${host.pid}`));
});

test("a refused connection is reported once", () => {
  const free = openSocket(constants.AF_INET);
  assert.equal(bindSocket(free, sockaddrIn("127.0.0.1", 0) as Uint8Array), 0);
  const address = localAddress(free) as Uint8Array;
  const client = openSocket(constants.AF_INET);
  const refused = -errnoNumber("ECONNREFUSED");
  const result = connectSocket(client, address);
  if (result === -errnoNumber("EINPROGRESS")) {
    waitFor(client, POLLOUT);
    assert.equal(socketError(client), refused);
  } else {
    assert.equal(result, refused);
  }
  assert.equal(socketError(client), 0);
  closeFd(free);
  closeFd(client);
});

test("errors come back as this system's numbers", () => {
  const fd = openSocket(constants.AF_INET);
  assert.equal(openSocket(9999), -errnoNumber("EAFNOSUPPORT"));
  assert.equal(listenSocket(-1, 1), -errnoNumber("EBADF"));
  assert.equal(peerAddress(fd), null);
  assert.equal(localAddress(-1), null);
  const taken = openSocket(constants.AF_INET);
  assert.equal(bindSocket(taken, sockaddrIn("127.0.0.1", 0) as Uint8Array), 0);
  assert.equal(listenSocket(taken, 1), 0);
  const address = localAddress(taken) as Uint8Array;
  assert.equal(bindSocket(fd, address), -errnoNumber("EADDRINUSE"));
  closeFd(fd);
  closeFd(taken);
});

test("leaves nothing behind", leaks.after);
