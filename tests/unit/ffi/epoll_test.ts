import assert from "node:assert/strict";
import { test } from "node:test";
import {
  closeFd,
  EPOLL_CTL_ADD,
  EPOLL_CTL_DEL,
  EPOLL_CTL_MOD,
  epollControl,
  epollCreate,
  EPOLLET,
  EpollEvents,
  EPOLLHUP,
  EPOLLIN,
  EPOLLOUT,
  EPOLLRDHUP,
  errnoNumber,
  host,
  monotonicMs,
  openLibc,
  openSocketPair,
  receive,
  send,
} from "../../../ffi/mod.ts";
import { ignoreSignal } from "./ignore_signal.ts";
import { spawnFixture } from "./spawn_fixture.ts";
import { leakCheck } from "../../support/leaks.ts";

const leaks = leakCheck();
await leaks.before();

const options = { skip: host.os !== "linux" && "only Linux has epoll" };

function withPair(
  body: (epfd: number, left: number, right: number) => void,
): void {
  const fds = new Int32Array(2);
  assert.equal(openSocketPair(fds), 0);
  const epfd = epollCreate();
  assert.ok(epfd >= 0);
  try {
    body(epfd, fds[0] as number, fds[1] as number);
  } finally {
    for (const fd of [...fds, epfd]) closeFd(fd);
  }
}

const byte = new Uint8Array(1);

test("events carry the data they were asked with", options, () => {
  withPair((epfd, left, right) => {
    const events = new EpollEvents(4);
    const data = 2 ** 52 + 12345;
    assert.equal(epollControl(epfd, EPOLL_CTL_ADD, left, EPOLLIN, data), 0);
    assert.equal(epollControl(epfd, EPOLL_CTL_ADD, right, EPOLLOUT, 7), 0);
    assert.equal(events.wait(epfd, 0), 1);
    assert.equal(events.eventsAt(0), EPOLLOUT);
    assert.equal(events.dataAt(0), 7);
    send(right, byte, 0, 1);
    assert.equal(events.wait(epfd, -1), 2);
    const found = new Map([
      [events.dataAt(0), events.eventsAt(0)],
      [events.dataAt(1), events.eventsAt(1)],
    ]);
    assert.deepEqual(found, new Map([[7, EPOLLOUT], [data, EPOLLIN]]));
  });
});

test("interest is changed and removed", options, () => {
  withPair((epfd, left) => {
    const events = new EpollEvents(1);
    assert.equal(epollControl(epfd, EPOLL_CTL_ADD, left, EPOLLIN, 1), 0);
    assert.equal(events.wait(epfd, 0), 0);
    assert.equal(epollControl(epfd, EPOLL_CTL_MOD, left, EPOLLOUT, 2), 0);
    assert.equal(events.wait(epfd, 0), 1);
    assert.equal(events.dataAt(0), 2);
    assert.equal(epollControl(epfd, EPOLL_CTL_DEL, left, 0, 0), 0);
    assert.equal(events.wait(epfd, 0), 0);
    assert.equal(
      epollControl(epfd, EPOLL_CTL_DEL, left, 0, 0),
      -errnoNumber("ENOENT"),
    );
    assert.equal(events.wait(-1, 0), -errnoNumber("EBADF"));
  });
});

test("an edge is told once, and a closed peer too", options, () => {
  withPair((epfd, left, right) => {
    const events = new EpollEvents(1);
    const wanted = EPOLLIN + EPOLLRDHUP + EPOLLET;
    assert.equal(epollControl(epfd, EPOLL_CTL_ADD, left, wanted, 1), 0);
    send(right, byte, 0, 1);
    assert.equal(events.wait(epfd, 1000), 1);
    assert.equal(events.wait(epfd, 0), 0);
    receive(left, byte, 0, 1);
    closeFd(right);
    assert.equal(events.wait(epfd, 1000), 1);
    assert.equal(events.eventsAt(0), EPOLLIN | EPOLLHUP | EPOLLRDHUP);
  });
});

test("a wait lasts as long as it was asked to", options, () => {
  withPair((epfd) => {
    const start = monotonicMs();
    assert.equal(new EpollEvents(1).wait(epfd, 20.5), 0);
    assert.ok(monotonicMs() - start >= 20.5);
  });
});

test("signals do not end a wait early", options, async () => {
  const { number, restore } = ignoreSignal();
  const fixture = spawnFixture("interrupted-epoll", 200);
  const tid = fixture.waitForReport().value;
  const libc = openLibc();
  const tgkill = libc.library.word(host.arch === "aarch64" ? 131 : 234);
  const ended = fixture.ended();
  const { value, float } = fixture.waitForReport(2, () => {
    libc.call.syscall(tgkill, host.pid, tid, number);
  });
  assert.equal(value, 0);
  assert.ok(float >= 200, `the wait took ${float} ms`);
  assert.equal(await ended, null);
  restore();
});

test("a buffer for no events is refused", () => {
  assert.throws(() => new EpollEvents(0), RangeError);
});

test("leaves nothing behind", leaks.after);
