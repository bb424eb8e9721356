// npm's `zeromq` as a rival of its own, in Node and Deno, and the libzmq side of
// the benches where no C compiler or no libzmq3-dev is at hand: the modes of
// perf.c on the package.
//
//   node peer.mjs <mode> [<endpoint>] <size> <count> [--promise] [--ready]
//   node peer.mjs version
//
// Without --promise it receives by `await receive()`, which is over at once when
// a message is there; with it by `for await`. It sends by `await send()` in both:
// the package takes one send at a time and has none that blocks.

import { writeSync } from "node:fs";
import { createRequire } from "node:module";
import process from "node:process";
import { isMainThread, Worker, workerData } from "node:worker_threads";

// Smaller messages carry no number; bench/sequence.ts has the layout.
const NUMBERED_SIZE_MIN = 6;
// The package keeps a reference to larger parts until libzmq has sent them.
const COPIED_SIZE_MAX = 128;
// How often, after the first message, the receiver says how far it is: what is
// known of a run that fails.
const PROGRESS_STEP = 1_000;
const ROUND_TRIP_PROGRESS_STEP = 1_000;

// The copy that the interop tests install.
const require = createRequire(
  new URL("../../tests/interop/peer/package.json", import.meta.url),
);
const zmq = require("zeromq");

function parse(argv) {
  const words = argv.filter((word) => !word.startsWith("--"));
  const mode = words[0] ?? "";
  const endpoint = mode.startsWith("inproc_") ? "" : words[1] ?? "";
  const expected = mode.startsWith("inproc_") ? 3 : 4;
  if (words.length !== expected) {
    throw new Error("usage: peer.mjs <mode> [<endpoint>] <size> <count>");
  }
  const size = Number(words.at(-2));
  const count = Number(words.at(-1));
  return {
    mode,
    endpoint,
    size,
    count,
    promise: argv.includes("--promise"),
    ready: argv.includes("--ready"),
  };
}

function middleOf(size, sequence) {
  return 4 + (Math.imul(sequence, 7919) & 0x7fffffff) % (size - 5);
}

function stamp(bytes, sequence) {
  const size = bytes.length;
  if (size === 0) return;
  if (size >= NUMBERED_SIZE_MIN) {
    bytes[0] = sequence;
    bytes[1] = sequence >>> 8;
    bytes[2] = sequence >>> 16;
    bytes[3] = sequence >>> 24;
    bytes[middleOf(size, sequence)] = ~sequence;
  }
  bytes[size - 1] = sequence;
}

function checkStamp(bytes, sequence) {
  const size = bytes.length;
  if (size === 0) return;
  const low = sequence & 0xff;
  let right = bytes[size - 1] === low;
  let found = sequence;
  if (size >= NUMBERED_SIZE_MIN) {
    found = bytes[0] | bytes[1] << 8 | bytes[2] << 16 | bytes[3] << 24;
    right &&= bytes[middleOf(size, sequence)] === (low ^ 0xff);
  }
  if (found !== sequence || !right) {
    throw new Error(`Expected message ${sequence}: received ${found}`);
  }
}

/** Gives the stamped messages of a run, in one buffer where that is copied. */
function stamper(size) {
  const same = Buffer.alloc(size);
  return (sequence) => {
    const bytes = size <= COPIED_SIZE_MAX ? same : Buffer.allocUnsafe(size);
    stamp(bytes, sequence);
    return bytes;
  };
}

function verify(parts, args, sequence) {
  if (parts.length !== 1 || parts[0].length !== args.size) {
    throw new Error("message of incorrect size received");
  }
  checkStamp(parts[0], sequence);
}

async function bind(socket, args, endpoint) {
  await socket.bind(endpoint);
  if (args.ready) writeSync(2, "ready\n");
}

function sayProgress(received, elapsedMs) {
  writeSync(
    1,
    `received: ${received} [messages]\n` +
      `received in: ${elapsedMs.toFixed(3)} [ms]\n`,
  );
}

async function pushAll(args, endpoint) {
  const push = new zmq.Push();
  push.connect(endpoint);
  const next = stamper(args.size);
  for (let i = 0; i < args.count; i++) await push.send(next(i));
  push.close();
}

async function timePull(args, endpoint) {
  const pull = new zmq.Pull();
  await bind(pull, args, endpoint);
  let start = 0;
  let received = 0;
  const take = (parts) => {
    if (received === 0) start = performance.now();
    verify(parts, args, received);
    received++;
    if (received === 1 || received % PROGRESS_STEP === 0) {
      sayProgress(received, performance.now() - start);
    }
  };
  if (args.promise) {
    for await (const parts of pull) {
      take(parts);
      if (received === args.count) break;
    }
  } else {
    while (received < args.count) take(await pull.receive());
  }
  const seconds = Math.max(performance.now() - start, 0.001) / 1000;
  const perSecond = args.count / seconds;
  pull.close();
  writeSync(
    1,
    `message size: ${args.size} [B]\nmessage count: ${args.count}\n` +
      `mean throughput: ${Math.trunc(perSecond)} [msg/s]\n` +
      `mean throughput: ${
        (perSecond * args.size * 8 / 1e6).toFixed(3)
      } [Mb/s]\n`,
  );
}

async function replyAll(args, endpoint, binds) {
  const reply = new zmq.Reply();
  if (binds) await bind(reply, args, endpoint);
  else reply.connect(endpoint);
  for (let i = 0; i < args.count; i++) {
    const parts = await reply.receive();
    verify(parts, args, i);
    await reply.send(parts);
  }
  reply.close();
}

async function timeRequests(args, endpoint, binds) {
  const request = new zmq.Request();
  if (binds) await bind(request, args, endpoint);
  else request.connect(endpoint);
  const next = stamper(args.size);
  const timesUs = new Float64Array(args.count);
  let last = performance.now();
  const begin = last;
  for (let i = 0; i < args.count; i++) {
    await request.send(next(i));
    verify(await request.receive(), args, i);
    const now = performance.now();
    timesUs[i] = (now - last) * 500;
    last = now;
    if (i % ROUND_TRIP_PROGRESS_STEP === 0) sayProgress(i + 1, now - begin);
  }
  request.close();
  // The first round trip connects and is left out, unless it is all.
  const timed = timesUs.subarray(args.count > 1 ? 1 : 0);
  const averageUs = timed.reduce((sum, time) => sum + time, 0) / timed.length;
  timed.sort();
  const percentile = (share) =>
    timed[Math.max(Math.ceil(share * timed.length) - 1, 0)].toFixed(3);
  writeSync(
    1,
    `message size: ${args.size} [B]\nroundtrip count: ${args.count}\n` +
      `average latency: ${averageUs.toFixed(3)} [us]\n` +
      `latency p50: ${percentile(0.5)} [us]\n` +
      `latency p99: ${percentile(0.99)} [us]\n` +
      `latency p99.9: ${percentile(0.999)} [us]\n`,
  );
}

/** Runs the other end in a thread; the package shares one context per process. */
async function withThread(args, main) {
  const thread = new Worker(new URL(import.meta.url), {
    argv: process.argv.slice(2),
    workerData: args,
  });
  const ended = new Promise((resolve, reject) => {
    thread.once("exit", resolve);
    thread.once("error", reject);
  });
  await Promise.all([main, ended]);
}

if (!isMainThread) {
  await (workerData.mode === "inproc_thr"
    ? pushAll(workerData, "inproc://thr_test")
    : replyAll(workerData, "inproc://lat_test", false));
} else if (process.argv[2] === "version") {
  const { version } = require("zeromq/package.json");
  process.stdout.write(`${version} (libzmq ${zmq.version})\n`);
} else {
  const args = parse(process.argv.slice(2));
  const { mode, endpoint } = args;
  if (mode === "local_thr") await timePull(args, endpoint);
  else if (mode === "remote_thr") await pushAll(args, endpoint);
  else if (mode === "local_lat") await replyAll(args, endpoint, true);
  else if (mode === "remote_lat") await timeRequests(args, endpoint, false);
  else if (mode === "inproc_thr") {
    await withThread(args, timePull(args, "inproc://thr_test"));
  } else if (mode === "inproc_lat") {
    await withThread(args, timeRequests(args, "inproc://lat_test", true));
  } else throw new Error(`Unknown mode "${mode}"`);
}
