import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { EVFILT_SIGNAL, host, signalNumber } from "../../../ffi/mod.ts";
import type {
  FilterEvent,
  FilterQueue,
} from "../../../src/event_loop/kevent_filters.ts";
import type { LoopHost } from "../../../src/event_loop/loop_host.ts";
import type { SignalEvent } from "../../../src/event_loop/mod.ts";
import { FilterSignals } from "../../../src/event_loop/signal_filter_source.ts";
import { testUnless } from "../../support/skip.ts";

const noProc = host.os === "linux" ? null : "there is no /proc to look into";

function isIgnored(number: number): boolean {
  const status = readFileSync("/proc/self/status", "utf8");
  const mask = /^SigIgn:\s*([0-9a-f]+)$/m.exec(status)?.[1] ?? "0";
  return (BigInt(`0x${mask}`) >> BigInt(number - 1) & 1n) === 1n;
}

testUnless(noProc, "a signal is ignored while a kqueue tells of it", () => {
  const number = signalNumber("SIGPROF");
  const asked: FilterEvent[] = [];
  const filters = {
    add: (
      ident: number,
      filter: number,
      notes: number,
      told: FilterEvent,
    ): void => {
      assert.deepEqual([ident, filter, notes], [number, EVFILT_SIGNAL, 0]);
      asked.push(told);
    },
    remove: (ident: number, filter: number, told: FilterEvent): void => {
      assert.deepEqual([ident, filter], [number, EVFILT_SIGNAL]);
      asked.splice(asked.indexOf(told), 1);
    },
  } as unknown as FilterQueue;
  const open = new Set<unknown>();
  const loop = {
    tell: <T>(callback: (argument: T) => void, argument: T) =>
      callback(argument),
    sourceOpened: (source: unknown) => open.add(source),
    sourceClosed: (source: unknown) => open.delete(source),
  } as unknown as LoopHost;
  const signals = new FilterSignals(loop, filters);
  const told: SignalEvent[] = [];
  const note = (event: SignalEvent) => told.push(event);
  const first = signals.watch(number, note, "call");
  const second = signals.watch(number, note, "call");
  assert.equal(isIgnored(number), true);
  assert.equal(open.size, 2);
  asked[1]?.(0, 3);
  assert.deepEqual(told, [{ signal: "SIGPROF", count: 3 }]);
  first.close();
  first.close();
  assert.equal(isIgnored(number), true, "the other one wants it");
  second.close();
  assert.equal(isIgnored(number), false);
  assert.equal(asked.length + open.size, 0);
});
