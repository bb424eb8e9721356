import assert from "node:assert/strict";
import { test } from "node:test";
import { defaultOptions } from "../../../src/base/options.ts";
import type { SocketOptions } from "../../../src/base/options.ts";
import { SocketType } from "../../../src/base/socket_type.ts";
import {
  ArgumentReader,
  type LaunchArguments,
  storeArguments,
} from "../../../src/core/launch_arguments.ts";
import { Kernel, NOTHING_ALIVE } from "../../support/kernel.ts";

const kernel = new Kernel();
const [writer, reader] = [kernel.thread(), kernel.thread()];
const argumentReader = new ArgumentReader(reader.memory);

/** What another thread reads of the arguments. */
function passed(launch: LaunchArguments): LaunchArguments {
  const ref = storeArguments(writer.memory, launch);
  assert.notEqual(ref, 0);
  assert.equal(kernel.counts().blocks, 1);
  const loaded = argumentReader.load(ref);
  assert.equal(kernel.counts().blocks, 1, "reading takes nothing away");
  reader.memory.blocks.release(ref);
  return loaded;
}

function launchOf(changes: Partial<SocketOptions> = {}): LaunchArguments {
  const options = { ...defaultOptions(SocketType.ROUTER), ...changes };
  return { protocol: "tcp", endpoint: "tcp://127.0.0.1:5555", options };
}

test("the options of every type arrive as they were", () => {
  for (const type of Object.values(SocketType)) {
    const launch = { ...launchOf(), options: defaultOptions(type) };
    assert.deepEqual(passed(launch), launch);
  }
  assert.deepEqual(kernel.counts(), NOTHING_ALIVE);
});

test("values at their bounds", () => {
  const launch = launchOf({
    linger: -1,
    maxMessageSize: Number.MAX_SAFE_INTEGER,
    affinity: 2 ** 63,
    sendHighWaterMark: 2 ** 31 - 1,
    interface: 'eth0"\\\n',
    verbosity: "allSubsUnsubs",
    conflate: true,
  });
  launch.endpoint = 'ipc:///tmp/\u00e9\u{1f980} \u2028 {"bytes":[1]}';
  assert.deepEqual(passed(launch), launch);
});

test("bytes stay bytes: none, every octet, many", () => {
  const every = Uint8Array.from({ length: 255 }, (_, n) => n + 1);
  const many = new Uint8Array(100_000).fill(0xff);
  for (const bytes of [new Uint8Array(0), every, many]) {
    const launch = launchOf({ routingId: every, welcomeMessage: bytes });
    const { options } = passed(launch);
    assert.ok(options.welcomeMessage instanceof Uint8Array);
    assert.deepEqual(options.welcomeMessage, bytes);
    assert.deepEqual(options.routingId, every);
  }
});

test("what was loaded is a copy that outlives the block", () => {
  const launch = launchOf({ routingId: Uint8Array.of(1, 2, 3) });
  const first = passed(launch);
  const second = passed(launchOf({ routingId: Uint8Array.of(9, 9, 9) }));
  launch.options.routingId[0] = 77;
  assert.deepEqual(first.options.routingId, Uint8Array.of(1, 2, 3));
  assert.deepEqual(second.options.routingId, Uint8Array.of(9, 9, 9));
  assert.deepEqual(kernel.counts(), NOTHING_ALIVE);
});

test("what is told to many is read once, as long as it is the same", () => {
  const [launch, other] = [launchOf({ linger: 1 }), launchOf({ linger: 2 })];
  const first = passed(launch);
  assert.equal(passed(launch), first);
  assert.equal(passed(other).options.linger, 2);
  assert.equal(passed(launch), first);
  for (let port = 1; port <= 100; port += 1) {
    const endpoint = `tcp://127.0.0.1:${port}`;
    assert.deepEqual(passed({ ...launch, endpoint }), { ...launch, endpoint });
  }
  assert.deepEqual(passed(launch), launch);
  assert.notEqual(passed(launch), first, "not for ever");
});

test("long arguments are not kept", () => {
  const launch = launchOf({ welcomeMessage: new Uint8Array(20_000) });
  assert.notEqual(passed(launch), passed(launch));
});

test("they are given memory also at the limit", () => {
  // An endpoint that cannot be started for want of a few hundred octets could
  // not be told so any more.
  const full = new Kernel({ memoryLimit: 256 });
  const thread = full.thread();
  while (thread.memory.blocks.allocate(64, false) !== 0);
  const ref = storeArguments(thread.memory, launchOf());
  assert.notEqual(ref, 0);
  assert.deepEqual(new ArgumentReader(thread.memory).load(ref), launchOf());
});
