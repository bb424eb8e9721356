import assert from "node:assert/strict";
import { test } from "node:test";
import {
  acceptConnection,
  closeDescriptor,
  connectTcp,
  EventLoop,
  listenTcp,
  receiveBytes,
  sendBytes,
} from "../../../src/event_loop/mod.ts";
import { refusal, turnUntil } from "../../support/event_loops.ts";
import { leakCheck } from "../../support/leaks.ts";

const leaks = leakCheck();
await leaks.before();

for (const address of ["127.0.0.1", "::1"]) {
  test(`bytes go both ways over ${address}`, () => {
    using loop = new EventLoop();
    const { fd, port } = listenTcp(address, 0);
    assert.ok(port > 0);
    assert.equal(acceptConnection(fd), -1, "nobody yet");
    const client = connectTcp(address, port);
    let server = -1;
    loop.watch(fd, {
      readable(watch) {
        server = acceptConnection(fd);
        watch.inputExhausted();
      },
    });
    turnUntil(loop, () => server >= 0, "the connection");
    const buffer = new Uint8Array(8);
    assert.equal(receiveBytes(server, buffer), -1, "nothing yet");
    assert.equal(sendBytes(client, Uint8Array.of(1, 2, 3)), 3);
    let count = -1;
    loop.watch(server, {
      readable: () => count = receiveBytes(server, buffer),
    });
    turnUntil(loop, () => count >= 0, "the bytes");
    assert.deepEqual(buffer.slice(0, count), Uint8Array.of(1, 2, 3));
    // A full connection takes no more.
    const much = new Uint8Array(1024 * 1024);
    let taken = 0;
    while (taken >= 0) taken = sendBytes(server, much);
    loop.unwatch(server);
    closeDescriptor(client);
    closeDescriptor(server);
    loop.unwatch(fd);
    closeDescriptor(fd);
  });
}

test("the end of a connection is told", () => {
  using loop = new EventLoop();
  const { fd, port } = listenTcp("127.0.0.1", 0);
  const client = connectTcp("127.0.0.1", port);
  let server = -1;
  turnUntil(loop, () => (server = acceptConnection(fd)) >= 0, "a connection");
  closeDescriptor(client);
  let count = -1;
  const buffer = new Uint8Array(8);
  loop.watch(server, { readable: () => count = receiveBytes(server, buffer) });
  turnUntil(loop, () => count === 0, "the end");
  const error = refusal(() => {
    for (;;) sendBytes(server, buffer);
  });
  assert.ok(error.code === "EPIPE" || error.code === "ECONNRESET");
  assert.equal(error.fd, server);
  loop.close();
  closeDescriptor(server);
  closeDescriptor(fd);
});

test("what cannot be is refused", () => {
  assert.throws(() => listenTcp("localhost", 0), /TypeError: listenTcp: /);
  assert.throws(() => listenTcp("127.0.0.1", 65_536), TypeError);
  assert.throws(() => connectTcp("", 1), TypeError);
  for (const wrong of [0, -1, 1.5, 65_536]) {
    assert.throws(() => connectTcp("127.0.0.1", wrong), TypeError);
  }
  assert.throws(() => receiveBytes(0, new Uint8Array(0)), {
    name: "TypeError",
    message: /^receiveBytes: /,
  });
  const { fd, port } = listenTcp("127.0.0.1", 0);
  const taken = refusal(() => listenTcp("127.0.0.1", port));
  assert.equal(taken.code, "EADDRINUSE");
  assert.ok(taken.message?.includes(`127.0.0.1:${port}`));
  closeDescriptor(fd);
  for (
    const call of [
      () => acceptConnection(fd),
      () => receiveBytes(fd, new Uint8Array(1)),
      () => sendBytes(fd, new Uint8Array(1)),
      () => closeDescriptor(fd),
    ]
  ) {
    const error = refusal(call);
    assert.equal(error.code, "EBADF");
    assert.equal(error.fd, fd);
  }
});

test("leaves nothing behind", leaks.after);
