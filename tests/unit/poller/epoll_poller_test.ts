import assert from "node:assert/strict";
import { describe } from "node:test";
import {
  closeFd,
  host,
  monotonicMs,
  openSocketPair,
  receive,
  send,
  signalFd,
  Wakeup,
} from "../../../ffi/mod.ts";
import { EpollPoller } from "../../../src/poller/epoll_poller.ts";
import type { PollHandle } from "../../../src/poller/poller.ts";
import { testUnless } from "../../support/skip.ts";

const obstacle = host.os === "linux" ? null : "epoll is Linux'";
const BYTE = new Uint8Array([1]);
const scratch = new Uint8Array(16);

/** A connected pair of sockets: what one sends the other receives. */
function openPair(): [number, number] {
  const pair = new Int32Array(2);
  assert.equal(openSocketPair(pair), 0);
  return [pair[0] as number, pair[1] as number];
}

/** Notes the events of one descriptor. */
class Noted {
  readonly log: string[] = [];
  onIn: () => void = () => {};
  inEvent(): void {
    this.log.push("in");
    this.onIn();
  }
  outEvent(): void {
    this.log.push("out");
  }
}

function add(poller: EpollPoller, fd: number, noted: Noted): PollHandle {
  const handle = poller.add(fd, noted);
  assert.ok(typeof handle !== "number", `add: ${handle}`);
  return handle;
}

/** A poller, closed with all descriptors at the end. */
function withPoller(
  body: (poller: EpollPoller, pair: () => [number, number]) => void,
): () => void {
  return () => {
    const poller = new EpollPoller();
    const open: number[] = [];
    try {
      body(poller, () => {
        const pair = openPair();
        open.push(...pair);
        return pair;
      });
    } finally {
      poller.close();
      for (const fd of open) closeFd(fd);
    }
  };
}

describe("an epoll poller", () => {
  const cases: Record<string, () => void> = {
    "tells what was asked for, level-triggered": withPoller((poller, pair) => {
      const [a, b] = pair();
      const noted = new Noted();
      const handle = add(poller, a, noted);
      assert.equal(handle.fd, a);
      send(b, BYTE, 0, 1);
      poller.wait(0);
      assert.deepEqual(noted.log, [], "no interest yet");
      poller.setInterest(handle, true, false);
      poller.wait(0);
      poller.wait(0);
      assert.deepEqual(noted.log, ["in", "in"], "again until it is read");
      receive(a, scratch, 0, 16);
      poller.wait(0);
      assert.equal(noted.log.length, 2);
      poller.setInterest(handle, true, true);
      poller.wait(-1);
      assert.deepEqual(noted.log.splice(0), ["in", "in", "out"]);
      poller.setInterest(handle, false, true);
      send(b, BYTE, 0, 1);
      poller.wait(0);
      assert.deepEqual(noted.log.splice(0), ["out"]);
      poller.setInterest(handle, false, false);
      poller.wait(0);
      assert.deepEqual(noted.log, []);
    }),
    "tells the kernel nothing that was toggled back": withPoller(
      (poller, pair) => {
        const [a, b] = pair();
        const noted = new Noted();
        const handle = add(poller, a, noted);
        send(b, BYTE, 0, 1);
        poller.setInterest(handle, true, false);
        poller.setInterest(handle, false, false);
        poller.wait(0);
        assert.deepEqual(noted.log, []);
        poller.setInterest(handle, false, false);
        poller.setInterest(handle, true, false);
        poller.wait(0);
        assert.deepEqual(noted.log, ["in"]);
      },
    ),
    "reports a hang-up as something to read": withPoller((poller) => {
      const [a, b] = openPair();
      const noted = new Noted();
      const handle = add(poller, a, noted);
      poller.setInterest(handle, true, false);
      closeFd(b);
      poller.wait(-1);
      assert.equal(noted.log[0], "in");
      assert.equal(receive(a, scratch, 0, 16), 0);
      poller.remove(handle);
      closeFd(a);
    }),
    "is silent about what was removed, also in the same turn": withPoller(
      (poller, pair) => {
        const all = [pair(), pair(), pair()].map(([a, b]) => {
          const noted = new Noted();
          const handle = add(poller, a, noted);
          poller.setInterest(handle, true, true);
          send(b, BYTE, 0, 1);
          noted.onIn = () => {
            for (const other of all) poller.remove(other.handle);
          };
          // Output comes first, so all are told that; then one removes all.
          return { noted, handle };
        });
        assert.equal(poller.load, 3);
        poller.wait(-1);
        const inEvents = all.flatMap(({ noted }) => noted.log)
          .filter((event) => event === "in");
        assert.equal(inEvents.length, 1);
        assert.equal(poller.load, 0);
        poller.wait(0);
        poller.remove(all[0]?.handle as PollHandle);
        assert.equal(poller.load, 0, "removing twice counts once");
      },
    ),
    "keeps events of a removed number from who gets it next": withPoller(
      (poller) => {
        const [a, b] = openPair();
        const [c, d] = openPair();
        const fresh = new Noted();
        const made: number[] = [];
        const noted = [new Noted(), new Noted()] as const;
        const handles = [add(poller, a, noted[0]), add(poller, c, noted[1])];
        // Whoever is first closes the other and opens a new one in its place.
        const replace = (mine: number) => () => {
          const other = mine === 0 ? c : a;
          poller.remove(handles[1 - mine] as PollHandle);
          closeFd(other);
          const pair = openPair();
          assert.ok(pair.includes(other), "the number is used again");
          made.push(...pair);
          poller.setInterest(add(poller, other, fresh), true, false);
        };
        noted.forEach((one, index) => one.onIn = replace(index));
        for (const handle of handles) poller.setInterest(handle, true, false);
        for (const fd of [b, d]) send(fd, BYTE, 0, 1);
        poller.wait(-1);
        const events = noted.map((one) => one.log.length);
        assert.deepEqual([...events].sort(), [0, 1]);
        assert.deepEqual(fresh.log, [], "not in this turn");
        noted[0].onIn = noted[1].onIn = () => {};
        poller.wait(0);
        assert.deepEqual(fresh.log, [], "nor later: nobody wrote to it");
        const kept = noted[0].log.length > 0 ? a : c;
        for (const fd of [kept, b, d, ...made]) closeFd(fd);
      },
    ),
    "refuses what is no descriptor, and can be used on": withPoller(
      (poller, pair) => {
        const result = poller.add(1_000_000, new Noted());
        assert.ok(typeof result === "number" && result < 0);
        const [a] = pair();
        const handle = add(poller, a, new Noted());
        const twice = poller.add(a, new Noted());
        assert.ok(typeof twice === "number" && twice < 0, "EEXIST");
        assert.equal(poller.load, 1);
        poller.remove(handle);
      },
    ),
    "is woken by every write to its wake-up descriptor": withPoller(
      (poller) => {
        const wakeup = Wakeup.open();
        try {
          assert.equal(poller.addWakeup(wakeup.readFd), 0);
          for (let n = 0; n < 100; n += 1) {
            signalFd(wakeup.writeFd);
            // Blocks for ever if the write is no event.
            poller.wait(-1);
          }
          const start = monotonicMs();
          poller.wait(30);
          assert.ok(monotonicMs() - start >= 29, "one write, one wake-up");
        } finally {
          wakeup.close();
        }
      },
    ),
    "waits as long as it was told": withPoller((poller) => {
      const start = monotonicMs();
      poller.wait(50);
      assert.ok(monotonicMs() - start >= 49);
    }),
    "serves many descriptors, each its own events": withPoller(
      (poller, pair) => {
        const count = 400;
        const all = Array.from({ length: count }, (_, index) => {
          const [a, b] = pair();
          const noted = new Noted();
          noted.onIn = () => void receive(a, scratch, 0, 16);
          const handle = add(poller, a, noted);
          poller.setInterest(handle, true, false);
          if (index % 3 !== 0) send(b, BYTE, 0, 1);
          return { noted, handle };
        });
        assert.equal(poller.load, count);
        // More than one turn's worth.
        for (let turn = 0; turn < 4; turn += 1) poller.wait(0);
        all.forEach(({ noted }, index) => {
          assert.equal(noted.log.length, index % 3 !== 0 ? 1 : 0);
        });
        for (const { handle } of all) poller.remove(handle);
        assert.equal(poller.load, 0);
      },
    ),
    "fails loudly when it cannot wait": () => {
      const poller = new EpollPoller();
      poller.close();
      assert.throws(() => poller.wait(0), /Cannot wait/);
    },
  };
  for (const [name, body] of Object.entries(cases)) {
    testUnless(obstacle, name, body);
  }
});
