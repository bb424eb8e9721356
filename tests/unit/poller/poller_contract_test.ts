import assert from "node:assert/strict";
import {
  bindSocket,
  connectSocket,
  constants,
  errnoNumber,
  localAddress,
  openSocket,
  receive,
  shutdownSocket,
  sockaddrIn,
} from "../../../ffi/mod.ts";
import type { PollHandle } from "../../../src/poller/poller.ts";
import { type Case, forEveryBackend, type Stage, Watched } from "./contract.ts";
import { test } from "node:test";
import { leakCheck } from "../../support/leaks.ts";

const leaks = leakCheck();
await leaks.before();

const scratch = new Uint8Array(16);

/** An address of this machine where nobody listens. */
function deadAddress(stage: Stage): Uint8Array {
  const fd = openSocket(constants.AF_INET);
  stage.keep(fd);
  const loopback = sockaddrIn("127.0.0.1", 0);
  assert.ok(loopback !== null);
  assert.equal(bindSocket(fd, loopback), 0);
  // Bound, so that nobody else gets the port, but not listening.
  const address = localAddress(fd);
  assert.ok(address !== null);
  return address;
}

const readiness: Record<string, Case> = {
  "tells what was asked for until a call would block": (stage) => {
    const { poller } = stage;
    const [a, b] = stage.pair();
    const watched = stage.add(a);
    const { handle, log } = watched;
    assert.equal(handle.fd, a);
    stage.write(b);
    stage.turns();
    assert.deepEqual(log, [], "no interest yet");
    watched.want(true, false);
    stage.turns(2);
    assert.deepEqual(log, ["in", "in"], "again until it is read");
    receive(a, scratch, 0, 16);
    poller.inputExhausted(handle);
    stage.turns();
    assert.equal(log.length, 2);
    watched.want(true, true);
    poller.wait(-1);
    assert.deepEqual(log.splice(0), ["in", "in", "out"]);
    watched.want(false, true);
    stage.write(b);
    stage.turns();
    assert.deepEqual(log.splice(0), ["out"]);
    watched.want(false, false);
    stage.turns();
    assert.deepEqual(log, []);
  },
  "tells output before input": (stage) => {
    const [a, b] = stage.pair();
    stage.write(b);
    const watched = stage.add(a).want(true, true);
    stage.turns(2);
    assert.deepEqual(watched.log, ["out", "in", "out", "in"]);
  },
  "tells again what was read in part": (stage) => {
    const [a, b] = stage.pair();
    const watched = stage.add(a).want(true, false);
    watched.onIn = () => void receive(a, scratch, 0, 1);
    for (let n = 0; n < 3; n++) stage.write(b);
    stage.turns(3);
    assert.deepEqual(watched.log, ["in", "in", "in"]);
    watched.onIn = () => watched.drain();
    stage.turns(3);
    assert.equal(watched.bytes, 0);
    stage.write(b);
    stage.turns(2);
    assert.equal(watched.bytes, 1, "and what comes after that");
  },
  "tells of room again when there was none": (stage) => {
    const { poller } = stage;
    const [a, b] = stage.pair();
    const watched = stage.add(a).want(false, true);
    watched.onOut = () => watched.fill();
    stage.turns();
    assert.equal(watched.log.length, 1);
    stage.turns(2);
    assert.equal(watched.log.length, 1, "full: nothing to tell");
    while (receive(b, scratch, 0, 16) > 0);
    poller.wait(1000);
    assert.equal(watched.log.length, 2);
  },
  "notices nothing of interest that was toggled back": (stage) => {
    const { poller } = stage;
    const [a, b] = stage.pair();
    const watched = stage.add(a);
    stage.write(b);
    watched.want(true, false).want(false, false);
    stage.turns();
    assert.deepEqual(watched.log, []);
    watched.want(false, false).want(true, false);
    stage.turns();
    assert.deepEqual(watched.log, ["in"]);
    watched.want(false, false).want(true, true).want(true, false);
    stage.turns();
    assert.deepEqual(watched.log, ["in", "in"]);
    assert.equal(poller.load, 1);
  },
  "is told of interest from inside of a callback": (stage) => {
    const [a, b] = stage.pair();
    const watched = stage.add(a).want(true, false);
    watched.onIn = () => {
      watched.drain();
      watched.want(false, true);
    };
    watched.onOut = () => watched.want(true, false);
    for (let round = 0; round < 5; round++) {
      stage.write(b);
      stage.turnsUntil(
        () => watched.log.length === 2 * (round + 1),
        `both events of round ${round}`,
      );
    }
    assert.equal(watched.log.join(), "in,out,in,out,in,out,in,out,in,out");
  },
  "copes with what another callback has read already": (stage) => {
    const [[a, toA], [b, toB]] = [stage.pair(), stage.pair()];
    const [one, two] = [stage.add(a), stage.add(b)];
    for (const watched of [one, two]) {
      watched.want(true, false);
      watched.onIn = () => [one, two].forEach((each) => each.drain());
    }
    for (let round = 1; round <= 3; round++) {
      stage.write(toA);
      stage.write(toB);
      stage.turns(3);
      assert.deepEqual([one.bytes, two.bytes], [round, round]);
    }
    const told = one.log.length + two.log.length;
    stage.turns(2);
    assert.equal(one.log.length + two.log.length, told);
  },
};

const ends: Record<string, Case> = {
  "reports a hang-up as something to read": (stage) => {
    const [a, b] = stage.pair();
    const watched = stage.add(a).want(true, false);
    watched.onIn = () => watched.drain();
    stage.write(b);
    stage.close(b);
    stage.turnsUntil(() => watched.ended, "the end of the stream");
    assert.equal(watched.bytes, 1);
    assert.equal(receive(a, scratch, 0, 16), 0);
  },
  "tells the end to who took a short read for all there is": (stage) => {
    const [a, b] = stage.pair();
    const watched = stage.add(a).want(true, false);
    watched.onIn = () => {
      if (receive(a, scratch, 0, 16) === 0) watched.ended = true;
      else stage.poller.inputExhausted(watched.handle);
    };
    stage.write(b);
    stage.close(b);
    stage.turnsUntil(() => watched.ended, "the end of the stream");
    assert.deepEqual(watched.log, ["in", "in"]);
  },
  "reports that the peer writes no more, and lets write": (stage) => {
    const [a, b] = stage.pair();
    const watched = stage.add(a).want(true, true);
    watched.onIn = () => watched.drain();
    shutdownSocket(b, constants.SHUT_WR);
    stage.turnsUntil(() => watched.ended, "the end of the stream");
    assert.ok(watched.count("out") >= 1);
    stage.write(a);
    assert.equal(receive(b, scratch, 0, 16), 1);
  },
  "tells a broken connection to who writes": (stage) => {
    const [a, b] = stage.pair();
    const watched = stage.add(a).want(false, true);
    watched.onOut = () => watched.fill();
    stage.turns();
    const { length } = watched.log;
    stage.close(b);
    stage.turnsUntil(() => watched.log.length > length, "an event");
    assert.equal(watched.log.at(-1), "out");
  },
  "keeps quiet about a broken connection without interest": (stage) => {
    const [a, b] = stage.pair();
    const watched = stage.add(a).want(true, false);
    stage.turns();
    watched.want(false, false);
    stage.turns();
    stage.close(b);
    stage.turns(5);
    // "May be told of once."
    assert.ok(watched.log.length <= 1, watched.log.join());
    watched.log.length = 0;
    watched.want(true, false);
    stage.turnsUntil(() => watched.log.length > 0, "the end, when asked for");
    assert.equal(watched.log[0], "in");
  },
  "reports a refused connection": (stage) => {
    const address = deadAddress(stage);
    const fd = stage.keep(openSocket(constants.AF_INET));
    const result = connectSocket(fd, address);
    // Linux refuses at once on its own interface, others a little later.
    assert.ok(
      [-errnoNumber("EINPROGRESS"), -errnoNumber("ECONNREFUSED")]
        .includes(result),
      `connect: ${result}`,
    );
    const watched = stage.add(fd).want(true, true);
    stage.turnsUntil(
      () => watched.count("out") > 0 && watched.count("in") > 0,
      "both directions",
    );
  },
};

const changes: Record<string, Case> = {
  "is silent about what was removed, also in the same turn": (stage) => {
    const { poller } = stage;
    let toldThen: string[] = [];
    const all = [stage.pair(), stage.pair(), stage.pair()].map(([a, b]) => {
      const watched = stage.add(a).want(true, true);
      stage.write(b);
      // Output comes first, so some are told that; then one removes all.
      watched.onIn = () => {
        all.forEach((each) => poller.remove(each.handle));
        toldThen = all.flatMap((each) => each.log);
      };
      return watched;
    });
    assert.equal(poller.load, 3);
    poller.wait(-1);
    const told = all.reduce((sum, each) => sum + each.count("in"), 0);
    assert.equal(told, 1);
    assert.equal(poller.load, 0);
    stage.turns();
    poller.remove(all[0]?.handle as PollHandle);
    assert.equal(poller.load, 0, "removing twice counts once");
    assert.deepEqual(all.flatMap((each) => each.log), toldThen);
  },
  "tells no input to what removed itself at output": (stage) => {
    const [a, b] = stage.pair();
    stage.write(b);
    const watched = stage.add(a).want(true, true);
    watched.onOut = () => stage.poller.remove(watched.handle);
    stage.turns(3);
    assert.deepEqual(watched.log, ["out"]);
  },
  "registers again what was removed and not closed": (stage) => {
    const [a, b] = stage.pair();
    stage.write(b);
    for (let round = 0; round < 3; round++) {
      const watched = stage.add(a);
      if (round !== 1) watched.want(true, true);
      stage.turns();
      // Ready all the time: no further edge, and told all the same.
      assert.deepEqual(watched.log, round !== 1 ? ["out", "in"] : []);
      stage.poller.remove(watched.handle);
      stage.turns();
    }
    assert.equal(stage.poller.load, 0);
  },
  "hands a descriptor over inside of its own callback": (stage) => {
    const [a, b] = stage.pair();
    const next = new Watched(stage.poller);
    const first = stage.add(a).want(false, true);
    // As a connecter gives its connection to an engine.
    first.onOut = () => {
      stage.poller.remove(first.handle);
      stage.add(a, next).want(true, false);
    };
    stage.turns();
    assert.deepEqual([first.log, next.log], [["out"], []]);
    stage.write(b);
    stage.turns();
    assert.deepEqual(next.log, ["in"]);
  },
  "tells nothing in the same turn to what was added in it": (stage) => {
    const [a, b] = stage.pair();
    const [c, d] = stage.pair();
    stage.write(b);
    stage.write(d);
    const late = new Watched(stage.poller);
    const watched = stage.add(a).want(true, false);
    watched.onIn = () => {
      watched.drain();
      stage.add(c, late).want(true, false);
    };
    stage.turns();
    assert.deepEqual(late.log, []);
    stage.turns();
    assert.deepEqual(late.log, ["in"]);
  },
  "keeps events of a removed number from who gets it next": (stage) => {
    const { poller } = stage;
    const pairs = [stage.pair(), stage.pair()] as const;
    const fresh = new Watched(poller);
    const watched = pairs.map(([fd]) => stage.add(fd).want(true, false));
    watched.forEach((one, mine) => {
      // Whoever is first closes the other and opens a new one in its place.
      one.onIn = () => {
        const other = watched[1 - mine] as Watched;
        const number = other.handle.fd;
        poller.remove(other.handle);
        stage.close(number);
        stage.pairWith(number);
        stage.add(number, fresh).want(true, false);
      };
    });
    for (const [, fd] of pairs) stage.write(fd);
    poller.wait(-1);
    const told = watched.map((one) => one.log.length);
    assert.deepEqual([...told].sort(), [0, 1]);
    assert.deepEqual(fresh.log, [], "not in this turn");
    for (const one of watched) one.onIn = () => {};
    stage.turns();
    assert.deepEqual(fresh.log, [], "nor later: nobody wrote to it");
  },
  "serves a number that was closed without being removed": (stage) => {
    const { poller } = stage;
    const [a, b] = stage.pair();
    const former = stage.add(a).want(true, false);
    stage.turns();
    stage.close(a);
    stage.turns(2);
    const [, peer] = stage.pairWith(a);
    const watched = stage.add(a).want(true, false);
    assert.equal(poller.load, 1, "the former one is forgotten");
    stage.write(peer);
    stage.turnsUntil(() => watched.log.length > 0, "the new one's event");
    assert.deepEqual(former.log, []);
    poller.remove(former.handle);
    stage.turns();
    assert.equal(watched.log.length, 2, "the former handle removes nothing");
    stage.close(b);
  },
};

forEveryBackend("readiness", readiness);
forEveryBackend("ends", ends);
forEveryBackend("changes", changes);

test("leaves nothing behind", leaks.after);
