// Errors and hang-ups that pass: a descriptor is quiet again afterwards, also
// where the system told of them once only.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { closeSync, constants as modes, openSync } from "node:fs";
import { join } from "node:path";
import {
  acceptSocket,
  bindSocket,
  connectSocket,
  constants,
  errnoNumber,
  listenSocket,
  localAddress,
  makeTempDir,
  monotonicMs,
  openLibc,
  openSocket,
  receive,
  removeDir,
  send,
  sockaddrIn,
  unlinkPath,
} from "../../../ffi/mod.ts";
import { type Case, forEveryBackend } from "./contract.ts";
import type { Stage, Watched } from "./contract.ts";
import { test } from "node:test";
import { leakCheck } from "../../support/leaks.ts";

const leaks = leakCheck();
await leaks.before();

const EAGAIN = errnoNumber("EAGAIN");
const BYTE = new Uint8Array([1]);
const scratch = new Uint8Array(64);

/** A bound socket, and its address. */
function bound(stage: Stage, type: number): [number, Uint8Array] {
  const fd = stage.keep(openSocket(constants.AF_INET, type));
  assert.equal(bindSocket(fd, sockaddrIn("127.0.0.1", 0) as Uint8Array), 0);
  return [fd, localAddress(fd) as Uint8Array];
}

/** Reads until a read would block, whatever else it says. */
function readAll(
  stage: Stage,
  watched: Watched,
  read: (fd: number, bytes: Uint8Array, at: number, size: number) => number =
    receive,
): void {
  for (;;) {
    const result = read(watched.handle.fd, scratch, 0, scratch.length);
    if (result > 0) watched.bytes += result;
    else if (result === -EAGAIN) {
      return stage.poller.inputExhausted(watched.handle);
    } else if (watched.ended) return;
    // An error is taken by the read that tells of it.
    else watched.ended = true;
  }
}

/** It is not told any more, and waits take their time. */
function isQuiet(stage: Stage, watched: Watched): void {
  // What is under way may come; and a library may tell some things twice.
  stage.turns(3);
  const { length } = watched.log;
  const start = monotonicMs();
  stage.poller.wait(30);
  assert.ok(monotonicMs() - start >= 30, "nothing ends the wait");
  assert.equal(watched.log.length, length, watched.log.join());
}

function readPipe(fd: number, bytes: Uint8Array): number {
  const { call, errno, library } = openLibc();
  const result = call.read(fd, bytes, library.word(bytes.length));
  return result < 0 ? -(errno[0] as number) : result;
}

const passing: Record<string, Case> = {
  "is quiet again when an error was read": (stage) => {
    const [dead, address] = bound(stage, constants.SOCK_DGRAM);
    const [fd, own] = bound(stage, constants.SOCK_DGRAM);
    assert.equal(connectSocket(fd, address), 0);
    stage.close(dead);
    const watched = stage.add(fd).want(true, false);
    watched.onIn = () => readAll(stage, watched);
    stage.turns();
    // Nobody is there: the answer to that is an error of the sender's.
    send(fd, BYTE, 0, 1);
    stage.turnsUntil(() => watched.ended, "ECONNREFUSED");
    isQuiet(stage, watched);
    const peer = stage.keep(
      openSocket(constants.AF_INET, constants.SOCK_DGRAM),
    );
    assert.equal(bindSocket(peer, address), 0);
    assert.equal(connectSocket(peer, own), 0);
    stage.write(peer);
    stage.turnsUntil(() => watched.bytes === 1, "a datagram");
    isQuiet(stage, watched);
  },
  "is quiet about what was connected after it was registered": (stage) => {
    const [listener, address] = bound(stage, constants.SOCK_STREAM);
    assert.equal(listenSocket(listener, 4), 0);
    const fd = stage.keep(openSocket(constants.AF_INET));
    const watched = stage.add(fd);
    // Linux says that such a socket has hung up.
    stage.turns();
    connectSocket(fd, address);
    watched.onIn = () => readAll(stage, watched);
    watched.want(true, false);
    let peer = -1;
    stage.turnsUntil(() => (peer = acceptSocket(listener)) >= 0, "the peer");
    stage.keep(peer);
    for (let bytes = 1; bytes <= 3; bytes++) {
      stage.write(peer);
      stage.turnsUntil(() => watched.bytes === bytes, "a byte");
      isQuiet(stage, watched);
    }
  },
  "is quiet about a pipe that has got another writer": (stage) => {
    const folder = makeTempDir("/tmp/purezmq-fifo-");
    assert.ok(typeof folder === "string");
    const path = join(folder, "fifo");
    execFileSync("mkfifo", [path]);
    const open: number[] = [];
    const openFifo = (mode: number): number => {
      open.push(openSync(path, mode | modes.O_NONBLOCK));
      return open.at(-1) as number;
    };
    try {
      const fd = openFifo(modes.O_RDONLY);
      const first = openFifo(modes.O_WRONLY);
      const watched = stage.add(fd).want(true, false);
      watched.onIn = () => readAll(stage, watched, readPipe);
      stage.turns();
      closeSync(open.pop() as number);
      assert.ok(first > 0);
      stage.turnsUntil(() => watched.ended, "the end of the first writer");
      const second = openFifo(modes.O_WRONLY);
      isQuiet(stage, watched);
      const { call, library } = openLibc();
      for (let bytes = 1; bytes <= 3; bytes++) {
        call.write(second, BYTE, library.word(1));
        stage.turnsUntil(() => watched.bytes === bytes, "a byte");
        isQuiet(stage, watched);
      }
    } finally {
      for (const fd of open) closeSync(fd);
      unlinkPath(path);
      removeDir(folder);
    }
  },
  "tells an end that comes behind several short reads": (stage) => {
    const [a, b] = stage.pair();
    const watched = stage.add(a).want(true, false);
    watched.onIn = () => {
      const count = receive(a, scratch, 0, scratch.length);
      if (count === 0) watched.ended = true;
      else if (count < scratch.length) {
        watched.bytes += Math.max(count, 0);
        stage.poller.inputExhausted(watched.handle);
      }
    };
    for (let bytes = 1; bytes <= 3; bytes++) {
      stage.write(b);
      stage.turnsUntil(() => watched.bytes === bytes, "a byte");
    }
    stage.write(b);
    stage.close(b);
    stage.turnsUntil(() => watched.ended, "the end");
    assert.equal(watched.bytes, 4);
  },
};

forEveryBackend(
  "errors and hang-ups that pass",
  passing,
  ({ library }, name) =>
    library !== null && name.includes("error")
      ? "libkqueue tells readers of data and of ends, not of errors"
      : null,
);

test("leaves nothing behind", leaks.after);
