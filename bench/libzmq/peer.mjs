// The libzmq side of the benches where no C compiler or no libzmq3-dev is at
// hand: the modes of perf.c on the npm package `zeromq`, for Node only.
//
//   node peer.mjs <mode> [<endpoint>] <message-size> <count> [--check] [--ready]
//   node peer.mjs version

import { writeSync } from "node:fs";
import { createRequire } from "node:module";
import process from "node:process";
import { isMainThread, Worker, workerData } from "node:worker_threads";

// Smaller messages carry no number; bench/sequence.ts has the layout.
const NUMBERED_SIZE_MIN = 8;

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
  const check = argv.includes("--check");
  return {
    mode,
    endpoint,
    size,
    count,
    check,
    ready: argv.includes("--ready"),
  };
}

function numberedMessage(size, sequence) {
  const bytes = Buffer.alloc(size);
  if (size < NUMBERED_SIZE_MIN) return bytes;
  bytes[size - 1] = sequence & 0xff;
  bytes.writeBigUInt64LE(BigInt(sequence), 0);
  return bytes;
}

function checkNumbered(bytes, sequence) {
  if (bytes.length < NUMBERED_SIZE_MIN) return;
  const found = Number(bytes.readBigUInt64LE(0));
  const tailMatches = bytes.length === NUMBERED_SIZE_MIN ||
    bytes[bytes.length - 1] === (sequence & 0xff);
  if (found !== sequence || !tailMatches) {
    throw new Error(`Expected message ${sequence}: received ${found}`);
  }
}

function verify(parts, args, sequence) {
  if (parts.length !== 1 || parts[0].length !== args.size) {
    throw new Error("message of incorrect size received");
  }
  if (args.check) checkNumbered(parts[0], sequence);
}

async function bind(socket, args, endpoint) {
  await socket.bind(endpoint);
  if (args.ready) writeSync(2, "ready\n");
}

async function pushAll(args, endpoint) {
  const push = new zmq.Push();
  push.connect(endpoint);
  const same = Buffer.alloc(args.size);
  for (let i = 0; i < args.count; i++) {
    await push.send(args.check ? numberedMessage(args.size, i) : same);
  }
  push.close();
}

async function timePull(args, endpoint) {
  const pull = new zmq.Pull();
  await bind(pull, args, endpoint);
  let start = 0;
  for (let i = 0; i < args.count; i++) {
    const parts = await pull.receive();
    if (i === 0) start = performance.now();
    verify(parts, args, i);
  }
  const seconds = Math.max(performance.now() - start, 0.001) / 1000;
  const perSecond = args.count / seconds;
  pull.close();
  process.stdout.write(
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
  const same = Buffer.alloc(args.size);
  let start = performance.now();
  let timed = args.count;
  for (let i = 0; i < args.count; i++) {
    await request.send(args.check ? numberedMessage(args.size, i) : same);
    verify(await request.receive(), args, i);
    if (i === 0 && args.count > 1) {
      start = performance.now();
      timed = args.count - 1;
    }
  }
  const averageUs = (performance.now() - start) * 1000 / (timed * 2);
  request.close();
  process.stdout.write(
    `message size: ${args.size} [B]\nroundtrip count: ${args.count}\n` +
      `average latency: ${averageUs.toFixed(3)} [us]\n`,
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
  process.stdout.write(`${zmq.version}\n`);
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
