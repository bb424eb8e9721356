import assert from "node:assert/strict";
import { test } from "node:test";
import { Dealer } from "../../../../src/pattern/reqrep/dealer.ts";
import {
  arrive,
  attach,
  drain,
  hostOf,
  receiveAll,
  send,
} from "../../../support/fake_pipe.ts";

test("DEALER sends round robin and receives fairly, adding no frames", () => {
  const dealer = new Dealer(hostOf("DEALER"));
  assert.equal(send(dealer, "x"), false);
  const pipes = [attach(dealer), attach(dealer)];
  for (const text of ["1", "2", "3", "4"]) send(dealer, "", text);
  assert.deepEqual(pipes.map((pipe) => pipe.outbound), [
    [["", "1"], ["", "3"]],
    [["", "2"], ["", "4"]],
  ]);
  for (const pipe of pipes) {
    arrive(dealer, pipe, "", "reply");
    arrive(dealer, pipe, "more");
  }
  assert.deepEqual(receiveAll(dealer), [
    ["", "reply"],
    ["", "reply"],
    ["more"],
    ["more"],
  ]);
});

test("DEALER blocks when all are full", () => {
  const dealer = new Dealer(hostOf("DEALER"));
  const pipe = attach(dealer);
  pipe.highWaterMark = 1;
  assert.equal(send(dealer, "1"), true);
  assert.equal(send(dealer, "2"), false);
  drain(dealer, pipe);
  assert.equal(dealer.hasOut(), true);
  assert.equal(send(dealer, "2"), true);
});

test("test_probe_router: DEALER sends an empty message on each new pipe", () => {
  const host = hostOf("DEALER", { probeRouter: true });
  const dealer = new Dealer(host);
  assert.deepEqual(attach(dealer).outbound, [[""]]);
  host.options.probeRouter = false;
  assert.deepEqual(attach(dealer).outbound, []);
});
