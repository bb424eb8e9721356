// A listener in a process that may open few descriptors: runs out of them for
// real, and prints as JSON when it tried to accept again.
import process from "node:process";
import {
  bindSocket,
  closeFd,
  connectSocket,
  constants,
  errnoName,
  listenSocket,
  localAddress,
  openSocket,
  sockaddrIn,
} from "../../../ffi/mod.ts";
import { StreamListener } from "../../../src/transport/stream_listener.ts";
import { FakeIo } from "../fake_io.ts";

const io = new FakeIo();
const listening = openSocket(constants.AF_INET);
bindSocket(listening, sockaddrIn("127.0.0.1", 0) as Uint8Array);
listenSocket(listening, 50);
const address = localAddress(listening) as Uint8Array;

/** Begins to connect; its descriptor, or a negative errno. */
function connectOnce(): number {
  const fd = openSocket(constants.AF_INET);
  if (fd >= 0) connectSocket(fd, address);
  return fd;
}

const clients = Array.from({ length: 6 }, connectOnce);
const fillers: number[] = [];
let refusal = "";

/** Takes every descriptor that there is. */
function exhaust(): void {
  for (;;) {
    const fd = openSocket(constants.AF_INET);
    if (fd < 0) {
      refusal = errnoName(-fd);
      return;
    }
    fillers.push(fd);
  }
}

/** Gives so many of them back. */
function relax(count: number): void {
  for (const fd of fillers.splice(0, count)) closeFd(fd);
}

/** Turns on which nothing is due. */
function turns(): void {
  for (let n = 0; n < 5; n += 1) io.turn();
}

const accepted: number[] = [];
exhaust();
const listener = new StreamListener(
  io,
  listening,
  (fd) => accepted.push(fd),
  () => {},
);

/** Milliseconds until it tries again, found by moving the clock. */
function pause(): number {
  const count = tries;
  for (let ms = 1; ms <= 5000; ms += 1) {
    io.pass(1);
    // A due timer sets interest again; the poll of the same turn tells.
    if (tries > count) return ms;
  }
  return -1;
}

// Every failed try sets a timer, so tries are seen by the timers added.
let tries = 0;
const { timers } = io;
const add = timers.add.bind(timers);
timers.add = (delayMs, callback) => {
  tries += 1;
  return add(delayMs, callback);
};

io.turn();
const timersAtFirst = timers.size;
const pauses = Array.from({ length: 10 }, pause);

// There are descriptors, but its pause is not over: it does not look.
relax(2);
turns();
const acceptedInPause = accepted.length;
io.pass(1000);
const acceptedAfter = accepted.length;
// It ran out again behind the second one, so it began anew.
const pauseAfterSuccess = pause();

relax(2);
listener.close();
const timersAfterClose = timers.size;
io.pass(5000);
const result = {
  refusal,
  timersAtFirst,
  pauses,
  acceptedInPause,
  acceptedAfter,
  pauseAfterSuccess,
  timersAfterClose,
  acceptedAfterClose: accepted.length,
  load: io.poller.load,
  isClosed: localAddress(listening) === null,
};
for (const fd of [...clients, ...accepted]) closeFd(fd);
relax(fillers.length);
io.stop();
process.stdout.write(`${JSON.stringify(result)}\n`);
