// One message as large as messages get, once per way it can go.
import assert from "node:assert/strict";
import { Dealer, type Message, Pull, Push } from "../../mod.ts";
import { scenario, WIRE_TRANSPORTS } from "../support/scenario.ts";
import { until } from "../support/wait.ts";

const GIB = 1024 * 1024 * 1024;

/** Marks some places of the bytes, as writing all of them takes long. */
function mark(bytes: Uint8Array): void {
  for (let n = 0; n < 1000; n += 1) {
    bytes[Math.floor(n * (bytes.length - 1) / 999)] = n % 251 + 1;
  }
}

function checkMarks(bytes: Uint8Array, size: number): void {
  assert.equal(bytes.length, size);
  for (let n = 0; n < 1000; n += 1) {
    const at = Math.floor(n * (size - 1) / 999);
    assert.equal(bytes[at], n % 251 + 1, `octet ${at}`);
  }
}

scenario("a message of 1 GiB passes over tcp", async (s) => {
  const push = s.open(Push, { sendTimeout: 60_000 });
  const pull = s.open(Pull, { receiveTimeout: 60_000 });
  await s.join(push, pull, "tcp");
  const message = s.context.allocate(GIB);
  mark(message.bytes);
  await push.send([message, "tail"]);
  const [body, tail] = await pull.receiveMessage();
  checkMarks(body.bytes, GIB);
  assert.equal(tail?.size, 4);
  body.release();
  tail?.release();
}, { timeoutMs: 120_000 });

scenario("a message of 1 GiB passes over inproc without a copy", async (s) => {
  const push = s.open(Push);
  const pull = s.open(Pull);
  await s.join(push, pull, "inproc");
  const message = s.context.allocate(GIB);
  // A second hold on the same bytes, to look at them from this side.
  const copy = message.copy();
  mark(copy.bytes);
  await push.send(message);
  const [received] = await pull.receiveMessage();
  checkMarks(received.bytes, GIB);
  // The same memory: what one writes, the other sees.
  copy.bytes[12345] = 77;
  assert.equal(received.bytes[12345], 77);
  received.bytes[54321] = 88;
  assert.equal(copy.bytes[54321], 88);
  received.release();
  copy.release();
}, { timeoutMs: 120_000 });

for (const transport of WIRE_TRANSPORTS) {
  scenario(
    `64 MiB in private memory goes and comes over ${transport}`,
    async (s) => {
      const [one, two] = [s.open(Dealer), s.open(Dealer)];
      await s.join(one, two, transport);
      const body = new Uint8Array(64 * 1024 * 1024);
      mark(body);
      await one.send(["head", body]);
      const [head, received] = await two.receive();
      assert.equal(head.length, 4);
      checkMarks(received ?? new Uint8Array(0), body.length);
      await two.send(received ?? "");
      const [back] = await one.receive();
      checkMarks(back, body.length);
    },
  );
}

scenario("a Message without zeros is sent as it was written", async (s) => {
  const push = s.open(Push);
  const pull = s.open(Pull);
  await s.join(push, pull, "tcp");
  for (const size of [0, 1, 1000, 100_000, 10_000_000]) {
    s.context.allocate(size).release();
    const message = s.context.allocateUnsafe(size);
    assert.equal(message.size, size);
    message.bytes.fill(size % 251);
    await push.send(message);
    assert.throws(() => message.bytes);
    const [received] = await pull.receive();
    assert.equal(received.length, size);
    assert.ok(received.every((octet) => octet === size % 251));
  }
});

scenario("a Message is zeroed, and released once it was sent", async (s) => {
  const push = s.open(Push);
  const pull = s.open(Pull);
  await s.join(push, pull, "inproc");
  for (const size of [0, 1, 1000, 100_000, 10_000_000]) {
    // Used memory first, so that zeros are no accident.
    const used = s.context.allocate(size);
    used.bytes.fill(0xff);
    used.release();
    const message = s.context.allocate(size);
    assert.equal(message.size, size);
    assert.ok(message.bytes.every((octet) => octet === 0));
    message.bytes.fill(7);
    await push.send(message);
    assert.throws(() => message.bytes);
    const [received] = await pull.receiveMessage();
    using kept: Message = received;
    assert.equal(kept.size, size);
    assert.ok(kept.bytes.every((octet) => octet === 7));
  }
});

scenario(
  "a Message sent to many is one block, and freed with the last",
  async (s) => {
    const push = s.open(Push);
    const pulls: Pull[] = [];
    const endpoint = await s.bind(push, "inproc");
    for (let n = 0; n < 3; n += 1) {
      const pull = s.open(Pull);
      pull.connect(endpoint);
      pulls.push(pull);
    }
    let freed = 0;
    const bytes = new Uint8Array(new SharedArrayBuffer(300_000)).fill(5);
    const message = s.context.wrap(bytes, () => freed += 1);
    for (let n = 0; n < 3; n += 1) await push.send(message.copy());
    message.release();
    for (const pull of pulls) {
      assert.equal(freed, 0);
      const [received] = await pull.receiveMessage();
      assert.equal(received.size, 300_000);
      assert.equal(received.bytes[299_999], 5);
      received.release();
    }
    // The callback runs in this thread, from its event loop.
    await until(() => freed === 1, "the callback");
  },
);
