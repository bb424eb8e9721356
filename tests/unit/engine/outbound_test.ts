import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
  closeFd,
  constants,
  errnoNumber,
  IoVector,
  openSocket,
  receive,
  setSockOptInt,
  sockaddrUn,
  viewAt,
} from "../../../ffi/mod.ts";
import { acceptSocket, bindSocket } from "../../../ffi/mod.ts";
import { connectSocket, listenSocket } from "../../../ffi/mod.ts";
import { EngineBuffers } from "../../../src/engine/engine_buffers.ts";
import {
  type CommandRewriter,
  Outbound,
  SendResult,
} from "../../../src/engine/outbound.ts";
import {
  closePipe,
  Kernel,
  NOTHING_ALIVE,
  openPipe,
  type PipeEnds,
} from "../../support/kernel.ts";
import { bytes, command, frame, message } from "../../support/raw_zmtp.ts";
import { seededRandom } from "../../support/seed.ts";

const EAGAIN = -errnoNumber("EAGAIN");
const EPIPE = -errnoNumber("EPIPE");

/** A vector that remembers what was pushed. */
class SpyVector extends IoVector {
  pushed: [address: number, length: number][] = [];
  override clear(): void {
    super.clear();
    this.pushed = [];
  }
  override push(address: number, length: number): void {
    super.push(address, length);
    this.pushed.push([address, length]);
  }
}

/** A kernel that takes as many bytes as the test allows. */
class FakeKernel {
  readonly taken: number[] = [];
  /** Bytes that may still be taken, and at most per call. */
  room = Infinity;
  perCall = Infinity;
  readonly buffers: EngineBuffers = Object.assign(new EngineBuffers(), {
    output: new SpyVector(64),
  });

  transmit = (_fd: number, vector: IoVector): number => {
    let room = Math.min(this.room, this.perCall);
    if (room === 0) return EAGAIN;
    let sent = 0;
    for (const [address, length] of (vector as SpyVector).pushed) {
      const count = Math.min(length, room);
      this.taken.push(...viewAt(address, count));
      sent += count;
      room -= count;
    }
    this.room -= sent;
    return sent;
  };

  open(kernel: Kernel, rewrite: CommandRewriter | null = null): Outbound {
    const thread = kernel.threads[0];
    assert.ok(thread !== undefined);
    const { memory } = thread;
    return new Outbound(
      -1,
      memory,
      this.buffers,
      EAGAIN,
      rewrite,
      (fd, v) => this.transmit(fd, v),
    );
  }
}

interface Stage {
  kernel: Kernel;
  ends: PipeEnds;
}

const kernel = new Kernel({ inlineMessageMax: 400 });
const thread = kernel.thread();

function stage(): Stage {
  return { kernel, ends: openPipe(thread, thread, { holding: true }) };
}

const SUBSCRIBE = bytes(9, "SUBSCRIBE", "topic");
/** Every shape that a message can have in a pipe. */
const MESSAGES: readonly (readonly string[])[] = [
  ["a"],
  [""],
  ["b", "", "cc"],
  ["x".repeat(300)],
  ["head", "y".repeat(500), "tail"],
  ["z".repeat(401)],
  ["p".repeat(255), "q".repeat(256)],
];

/** Writes all messages, and a command in their midst. */
function writeAll({ ends }: Stage): void {
  const encoder = new TextEncoder();
  MESSAGES.forEach((parts, at) => {
    ends.first.write(parts.map((p) => encoder.encode(p)), 0, parts.length);
    if (at === 3) ends.first.writeCommand(SUBSCRIBE);
  });
}

/** The same on the wire, whole messages apart. */
const WIRE: readonly Uint8Array[] = MESSAGES.flatMap((parts, at) =>
  at === 3
    ? [message(...parts), command("SUBSCRIBE", "topic")]
    : [message(...parts)]
);
const TOTAL = WIRE.reduce((sum, one) => sum + one.length, 0);

/** Sends until there is nothing left or the kernel takes no more. */
function pump(outbound: Outbound, { ends }: Stage): SendResult {
  for (;;) {
    const result = outbound.send(ends.second);
    if (result !== SendResult.SENT) return result;
  }
}

function finish({ kernel, ends }: Stage): void {
  closePipe(kernel, ends);
  assert.deepEqual(kernel.counts(), NOTHING_ALIVE);
}

/** The wire from the first message that has not ended within `accepted`. */
function fromFirstUnfinished(
  wire: readonly Uint8Array[],
  accepted: number,
): Uint8Array {
  let at = 0;
  let whole = 0;
  for (const one of wire) {
    if (at + one.length > accepted) break;
    at += one.length;
    whole += 1;
  }
  return bytes(...wire.slice(whole));
}

describe("outbound", () => {
  test("messages of every shape go out byte for byte", () => {
    const s = stage();
    const fake = new FakeKernel();
    const outbound = fake.open(s.kernel);
    writeAll(s);
    assert.equal(pump(outbound, s), SendResult.EMPTY);
    assert.deepEqual(Uint8Array.from(fake.taken), bytes(...WIRE));
    assert.equal(s.kernel.counts().blocks, 0, "blocks are released at once");
    assert.equal(s.ends.second.reader.read, WIRE.length);
    finish(s);
  });

  test("a kernel that takes n bytes per call gets the same bytes, any n", () => {
    for (let n = 1; n <= 600; n += 1) {
      const s = stage();
      const fake = new FakeKernel();
      fake.perCall = n;
      const outbound = fake.open(s.kernel);
      writeAll(s);
      for (;;) {
        const result = outbound.send(s.ends.second);
        if (result === SendResult.EMPTY) break;
        assert.equal(outbound.partial, result === SendResult.FULL);
      }
      assert.deepEqual(Uint8Array.from(fake.taken), bytes(...WIRE));
      finish(s);
    }
  });

  test("after any number of accepted bytes the next connection starts with the first unfinished message", () => {
    for (let accepted = 0; accepted <= TOTAL; accepted += 1) {
      const s = stage();
      const first = new FakeKernel();
      first.room = accepted;
      const outbound = first.open(s.kernel);
      writeAll(s);
      pump(outbound, s);
      assert.equal(first.taken.length, accepted);
      outbound.abandon(s.ends.second);
      const second = new FakeKernel();
      assert.equal(pump(second.open(s.kernel), s), SendResult.EMPTY);
      assert.deepEqual(
        Uint8Array.from(second.taken),
        fromFirstUnfinished(WIRE, accepted),
        `after ${accepted} bytes`,
      );
      assert.equal(s.ends.second.reader.read, WIRE.length);
      finish(s);
    }
  });

  test("a message of more parts than one call takes is sent again whole", () => {
    const parts = Array.from({ length: 100 }, (_, n) => `${n}`.repeat(200));
    const wire = [message("before"), message(...parts), message("behind")];
    const total = wire.reduce((sum, one) => sum + one.length, 0);
    const encoder = new TextEncoder();
    for (let accepted = 0; accepted <= total; accepted += 997) {
      const s = stage();
      for (const texts of [["before"], parts, ["behind"]]) {
        s.ends.first.write(
          texts.map((t) => encoder.encode(t)),
          0,
          texts.length,
        );
      }
      const first = new FakeKernel();
      first.room = accepted;
      const outbound = first.open(s.kernel);
      pump(outbound, s);
      outbound.abandon(s.ends.second);
      const second = new FakeKernel();
      pump(second.open(s.kernel), s);
      assert.deepEqual(
        Uint8Array.from(second.taken),
        fromFirstUnfinished(wire, accepted),
        `after ${accepted} bytes`,
      );
      finish(s);
    }
  });

  test("a connection that breaks between two batches of one message sends it again whole", () => {
    const s = stage();
    const parts = Array.from({ length: 100 }, () => new Uint8Array(500));
    s.ends.first.write(parts, 0, parts.length);
    const first = new FakeKernel();
    const outbound = first.open(s.kernel);
    assert.equal(outbound.send(s.ends.second), SendResult.SENT);
    assert.ok(first.taken.length < 100 * 500, "one call does not take it all");
    // As the session does when an engine ends.
    outbound.abandon(s.ends.second);
    s.ends.second.reader.rewind();
    const second = new FakeKernel();
    pump(second.open(s.kernel), s);
    assert.equal(second.taken.length, 100 * (500 + 9));
    finish(s);
  });

  test("a broken connection leaves the batch to be abandoned", () => {
    const s = stage();
    writeAll(s);
    const fake = new FakeKernel();
    fake.transmit = () => EPIPE;
    const outbound = fake.open(s.kernel);
    assert.equal(outbound.send(s.ends.second), SendResult.BROKEN);
    outbound.abandon(s.ends.second);
    const next = new FakeKernel();
    pump(next.open(s.kernel), s);
    assert.deepEqual(Uint8Array.from(next.taken), bytes(...WIRE));
    finish(s);
  });

  test("a peer before ZMTP 3.1 gets commands rewritten, also after a break", () => {
    const rewrite: CommandRewriter = (source, start, end) =>
      frame(0, bytes(1, source.slice(start + 10, end)));
    const long = "t".repeat(450);
    const wire = [
      message("a"),
      frame(0, bytes(1, "topic")),
      frame(0, bytes(1, long)),
      message("b"),
    ];
    const total = wire.reduce((sum, one) => sum + one.length, 0);
    for (let accepted = 0; accepted <= total; accepted += 1) {
      const s = stage();
      const encoder = new TextEncoder();
      s.ends.first.write([encoder.encode("a")], 0, 1);
      s.ends.first.writeCommand(SUBSCRIBE);
      s.ends.first.writeCommand(bytes(9, "SUBSCRIBE", long));
      s.ends.first.write([encoder.encode("b")], 0, 1);
      const first = new FakeKernel();
      first.room = accepted;
      const outbound = first.open(s.kernel, rewrite);
      pump(outbound, s);
      assert.deepEqual(
        Uint8Array.from(first.taken),
        bytes(...wire).subarray(0, accepted),
      );
      outbound.abandon(s.ends.second);
      const second = new FakeKernel();
      pump(second.open(s.kernel, rewrite), s);
      assert.deepEqual(
        Uint8Array.from(second.taken),
        fromFirstUnfinished(wire, accepted),
      );
      finish(s);
    }
  });

  test("goes on behind what somebody else has written, and sends it again whole after a break", () => {
    const first = (WIRE[0] as Uint8Array).length;
    for (let accepted = 0; accepted <= 40; accepted += 1) {
      const s = stage();
      const fake = new FakeKernel();
      fake.room = accepted;
      const outbound = fake.open(s.kernel);
      writeAll(s);
      outbound.goOnBehind(first - 1);
      assert.ok(outbound.partial);
      pump(outbound, s);
      assert.deepEqual(
        Uint8Array.from(fake.taken),
        bytes(...WIRE).slice(first - 1, first - 1 + accepted),
      );
      outbound.abandon(s.ends.second);
      const second = new FakeKernel();
      pump(second.open(s.kernel), s);
      assert.deepEqual(
        Uint8Array.from(second.taken),
        fromFirstUnfinished(WIRE, first - 1 + accepted),
        `after ${accepted} bytes`,
      );
      finish(s);
    }
  });

  test("a break before it has gone on loses nothing of the message", () => {
    const s = stage();
    const outbound = new FakeKernel().open(s.kernel);
    writeAll(s);
    outbound.goOnBehind(1);
    outbound.abandon(s.ends.second);
    assert.ok(!outbound.partial);
    const second = new FakeKernel();
    pump(second.open(s.kernel), s);
    assert.deepEqual(Uint8Array.from(second.taken), bytes(...WIRE));
    finish(s);
  });

  test("a pipe that ends while a batch is under way leaves nothing behind", () => {
    for (let accepted = 0; accepted < TOTAL; accepted += 13) {
      const s = stage();
      writeAll(s);
      const fake = new FakeKernel();
      fake.room = accepted;
      const outbound = fake.open(s.kernel);
      pump(outbound, s);
      outbound.forget();
      finish(s);
    }
  });

  test("the real kernel with a tiny buffer gets the same bytes, breaks included", () => {
    const random = seededRandom("outbound over a socket");
    for (let round = 0; round < 20; round += 1) {
      const s = stage();
      const wire: Uint8Array[] = [];
      for (let n = 0; n < 200; n += 1) {
        const parts = Array.from(
          { length: random.between(1, 5) },
          () => random.bytes(random.below(random.chance(0.1) ? 20_000 : 500)),
        );
        wire.push(message(...parts));
        s.ends.first.write(parts, 0, parts.length);
      }
      let left = wire;
      for (let connection = 0; left.length > 0; connection += 1) {
        const pair = socketPair();
        const { memory } = s.ends.second.reader;
        const buffers = new EngineBuffers();
        const outbound = new Outbound(pair.a, memory, buffers, EAGAIN, null);
        const limit = connection < 5 ? random.below(200_000) : Infinity;
        const got: Uint8Array[] = [];
        let size = 0;
        const expected = bytes(...left);
        while (size < limit) {
          const result = outbound.send(s.ends.second);
          assert.notEqual(result, SendResult.BROKEN);
          const piece = new Uint8Array(random.between(1, 9000));
          const count = receive(pair.b, piece, 0, piece.length);
          if (count > 0) got.push(piece.slice(0, count));
          if (count > 0) size += count;
          if (count < 0 && result === SendResult.EMPTY) break;
        }
        assert.deepEqual(bytes(...got), expected.subarray(0, size));
        outbound.abandon(s.ends.second);
        // What the kernel accepted counts as delivered, read or not.
        for (;;) {
          const piece = new Uint8Array(65536);
          const count = receive(pair.b, piece, 0, piece.length);
          if (count <= 0) break;
          size += count;
        }
        const rest = fromFirstUnfinished(left, size);
        while (left.length > 0 && bytes(...left).length > rest.length) {
          left = left.slice(1);
        }
        closeFd(pair.a);
        closeFd(pair.b);
      }
      assert.equal(s.ends.second.reader.read, wire.length);
      finish(s);
    }
  });
});

/** Two connected descriptors; the first one has the least send buffer. */
function socketPair(): { a: number; b: number } {
  const address = sockaddrUn(`@purezmq-${crypto.randomUUID()}`);
  assert.ok(address !== null);
  const listener = openSocket(constants.AF_UNIX);
  assert.equal(bindSocket(listener, address), 0);
  assert.equal(listenSocket(listener, 1), 0);
  const a = openSocket(constants.AF_UNIX);
  setSockOptInt(a, constants.SOL_SOCKET, constants.SO_SNDBUF, 1);
  assert.equal(connectSocket(a, address), 0);
  const b = acceptSocket(listener);
  closeFd(listener);
  assert.ok(a >= 0 && b >= 0);
  return { a, b };
}
