// A listening socket that two pollers watch, of which one is enough to be told.
import assert from "node:assert/strict";
import { describe } from "node:test";
import {
  acceptSocket,
  bindSocket,
  closeFd,
  connectSocket,
  constants,
  host,
  listenSocket,
  localAddress,
  openSocket,
  sockaddrIn,
} from "../../../ffi/mod.ts";
import { EpollPoller } from "../../../src/poller/epoll_poller.ts";
import type { PollHandle, Trigger } from "../../../src/poller/poller.ts";
import { testUnless } from "../../support/skip.ts";

const obstacle = host.os === "linux" ? null : "epoll is Linux'";

/** A poller that watches the listening socket beside others. */
class Sharer {
  readonly poller: EpollPoller;
  readonly handle: PollHandle;
  told = 0;

  constructor(trigger: Trigger, fd: number) {
    this.poller = new EpollPoller(trigger);
    const handle = this.poller.add(fd, {
      inEvent: () => this.told += 1,
      outEvent: () => assert.fail("no interest in output"),
    }, true);
    assert.ok(typeof handle !== "number", `add: ${handle}`);
    this.handle = handle;
  }
}

function listening(): number {
  const fd = openSocket(constants.AF_INET);
  assert.equal(bindSocket(fd, sockaddrIn("127.0.0.1", 0) as Uint8Array), 0);
  assert.equal(listenSocket(fd, 16), 0);
  return fd;
}

/** Connects; the connection is there when this returns or soon after. */
function connectTo(fd: number): number {
  const client = openSocket(constants.AF_INET);
  connectSocket(client, localAddress(fd) as Uint8Array);
  return client;
}

describe("an exclusive descriptor", () => {
  for (const trigger of ["level", "edge"] as const) {
    testUnless(obstacle, `is told of as others are, ${trigger}`, () => {
      const fd = listening();
      const sharers = [new Sharer(trigger, fd), new Sharer(trigger, fd)];
      const open: number[] = [];
      const [one, two] = sharers as [Sharer, Sharer];
      one.poller.setInterest(one.handle, true, false);
      two.poller.setInterest(two.handle, true, false);
      for (const { poller } of sharers) assert.equal(poller.wait(0), 0);
      open.push(connectTo(fd));
      // Neither waits: that both are told is in order, that none is not.
      while (one.told + two.told === 0) {
        one.poller.wait(10);
        two.poller.wait(0);
      }
      open.push(acceptSocket(fd));
      assert.ok(acceptSocket(fd) < 0, "one connection");
      for (const { poller, handle } of sharers) poller.inputExhausted(handle);
      // Off and on again, as after running out of descriptors.
      const before = one.told;
      one.poller.setInterest(one.handle, false, false);
      one.poller.wait(0);
      open.push(connectTo(fd));
      one.poller.wait(0);
      assert.equal(one.told, before, "no interest");
      one.poller.setInterest(one.handle, true, false);
      while (one.told === before) one.poller.wait(10);
      open.push(acceptSocket(fd));
      for (const { poller, handle } of sharers) {
        poller.remove(handle);
        assert.equal(poller.load, 0);
        poller.close();
      }
      for (const each of [fd, ...open]) closeFd(each);
    });
  }
});
