import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { viewAt } from "../../../ffi/mod.ts";
import { TOPIC_BYTES_MAX } from "../../../src/base/limits.ts";
import type { ProtocolError } from "../../../src/base/protocol_error.ts";
import { FeedResult, Inbound } from "../../../src/engine/inbound.ts";
import type { Thread } from "../../../src/core/thread.ts";
import type { CtxOptions } from "../../../src/core/ctx_options.ts";
import {
  closePipe,
  Kernel,
  NOTHING_ALIVE,
  openPipe,
  type PipeEnds,
  readAllTexts,
  readTexts,
} from "../../support/kernel.ts";
import {
  bytes,
  COMMAND,
  command,
  frame,
  LONG,
  message,
  MORE,
  size64,
} from "../../support/raw_zmtp.ts";
import { seededRandom } from "../../support/seed.ts";

const { HUNGRY, NO_CREDIT, NO_MEMORY, BROKEN } = FeedResult;

interface StageOptions {
  context?: Partial<CtxOptions>;
  hwm?: number;
  maxMessageBytes?: number;
  legacy?: boolean;
  /** Large bodies are put where the kernel would put them. */
  direct?: boolean;
}

const kernels: Map<string, Kernel> = new Map();

/** One kernel for all stages that want the same: a fresh one takes its time. */
function kernelFor(context: Partial<CtxOptions>): Kernel {
  const key = JSON.stringify(context);
  let kernel = kernels.get(key);
  if (kernel === undefined) {
    kernel = new Kernel({ inlineMessageMax: 64, ...context });
    kernel.thread();
    kernels.set(key, kernel);
  }
  return kernel;
}

/** An inbound side fed as an engine feeds it, and its reader. */
class Stage {
  readonly kernel: Kernel;
  readonly ends: PipeEnds;
  readonly inbound: Inbound;
  /** Commands and legacy subscriptions, in order with the messages. */
  readonly heard: string[] = [];
  readonly #direct: boolean;
  #leftover: Uint8Array = new Uint8Array(0);

  constructor(options: StageOptions = {}) {
    this.kernel = kernelFor(options.context ?? {});
    const thread = this.kernel.threads[0] as Thread;
    this.ends = openPipe(thread, thread, { firstReceive: options.hwm ?? 0 });
    this.#direct = options.direct ?? false;
    const hear = (what: string) =>
    (
      source: Uint8Array,
      start: number,
      end: number,
    ): ProtocolError | null => {
      this.heard.push(`${what} ${latin(source.slice(start, end))}`);
      return null;
    };
    this.inbound = new Inbound(
      thread.memory,
      this.ends.second.writer,
      options.maxMessageBytes ?? -1,
      hear("command"),
      options.legacy ? hear("legacy") : null,
    );
  }

  /** More bytes came. */
  feed(data: Uint8Array): FeedResult {
    let rest = data;
    if (this.#direct && this.inbound.wantsBody) {
      assert.equal(this.#leftover.length, 0);
      const count = Math.min(rest.length, this.inbound.bodyRoom);
      assert.ok(this.inbound.bodyRoom > 0, "a wanted body has room");
      viewAt(this.inbound.bodyAddress, count).set(rest.subarray(0, count));
      this.inbound.bodyReceived(count);
      rest = rest.subarray(count);
    }
    return this.#parse(bytes(this.#leftover, rest));
  }

  /** The reader made room, or memory came. */
  resume(): FeedResult {
    return this.#parse(this.#leftover);
  }

  get leftover(): number {
    return this.#leftover.length;
  }

  /** Ends everything; what is unread or unfinished is freed. */
  end(): void {
    this.inbound.reset();
    this.ends.second.rollback();
    closePipe(this.kernel, this.ends);
    assert.deepEqual(this.kernel.counts(), NOTHING_ALIVE);
  }

  #parse(data: Uint8Array): FeedResult {
    const result = this.inbound.feed(data, 0, data.length);
    this.ends.second.flush();
    this.#leftover = data.slice(this.inbound.consumed);
    return result;
  }
}

function latin(data: Uint8Array): string {
  return Array.from(data, (octet) => String.fromCharCode(octet)).join("");
}

const SUB = command("SUBSCRIBE", "x");

/** Byte streams of peers, and the messages in them. */
const TRACES: readonly { name: string; wire: Uint8Array; legacy?: boolean }[] =
  [
    {
      name: "short frames",
      wire: bytes(message("a"), message(""), message("bc", "", "d")),
    },
    {
      name: "long headers on short and long bodies",
      wire: bytes(
        bytes(LONG, size64(3n), "abc"),
        bytes(MORE | LONG, size64(0n)),
        frame(0, "x".repeat(60)),
        message("y".repeat(64)),
      ),
    },
    {
      name: "bodies at and above what is kept in the pipe",
      wire: bytes(
        message("x".repeat(64), "y".repeat(65)),
        message("z".repeat(90)),
        message("behind"),
      ),
    },
    {
      name: "a body with a long header, between parts",
      wire: bytes(message("head", "w".repeat(300), "tail"), message("next")),
    },
    {
      name: "commands between messages",
      wire: bytes(
        SUB,
        message("a"),
        command("PING", 0, 1, "ctx"),
        command("CANCEL", "z".repeat(80)),
        message("b", "c"),
        bytes(COMMAND | LONG, size64(5n), "\x04WHAT"),
      ),
    },
    {
      name: "a PING between the parts of a message",
      wire: bytes(frame(MORE, "a"), command("PING", 0, 1), frame(0, "b")),
    },
    {
      name: "subscriptions as messages, from a peer before 3.1",
      legacy: true,
      wire: bytes(
        message("\x01topic"),
        message("\x02 is no subscription"),
        message("\x01", "of two parts is none"),
        message("a", "\x01 a last part is none"),
        message("L".repeat(70), "\x01 nor behind a large part"),
        message(""),
        message("\x00topic"),
      ),
    },
  ];

function runTrace(
  trace: (typeof TRACES)[number],
  cuts: readonly number[],
  direct: boolean,
): unknown {
  const s = new Stage({ legacy: trace.legacy ?? false, direct });
  let from = 0;
  for (const to of [...cuts, trace.wire.length]) {
    assert.equal(s.feed(trace.wire.slice(from, to)), HUNGRY);
    from = to;
  }
  assert.equal(s.leftover, 0);
  const result = { messages: readAllTexts(s.ends.first), heard: s.heard };
  s.end();
  return result;
}

describe("inbound: chunking", () => {
  for (const trace of TRACES) {
    test(`${trace.name}: the same for every position of one and of two cuts`, () => {
      const whole = runTrace(trace, [], false);
      const { length } = trace.wire;
      for (let first = 0; first <= length; first += 1) {
        assert.deepEqual(runTrace(trace, [first], true), whole, `${first}`);
        for (let second = first; second <= length; second += 3) {
          assert.deepEqual(
            runTrace(trace, [first, second], second % 2 === 0),
            whole,
            `cut at ${first} and ${second}`,
          );
        }
      }
    });

    test(`${trace.name}: the same octet by octet`, () => {
      const every = Array.from(trace.wire, (_, at) => at);
      const whole = runTrace(trace, [], false);
      assert.deepEqual(runTrace(trace, every, false), whole);
      assert.deepEqual(runTrace(trace, every, true), whole);
    });
  }

  test("what the traces mean", () => {
    const of = (name: string) => {
      const trace = TRACES.find((one) => one.name === name);
      assert.ok(trace !== undefined);
      return runTrace(trace, [], false);
    };
    assert.deepEqual(of("commands between messages"), {
      messages: [["a"], ["b", "c"]],
      heard: [
        "command \x09SUBSCRIBEx",
        "command \x04PING\x00\x01ctx",
        "command \x06CANCEL" + "z".repeat(80),
        "command \x04WHAT",
      ],
    });
    assert.deepEqual(
      of("subscriptions as messages, from a peer before 3.1"),
      {
        messages: [
          ["\x02 is no subscription"],
          ["\x01", "of two parts is none"],
          ["a", "\x01 a last part is none"],
          ["L".repeat(70), "\x01 nor behind a large part"],
          [""],
        ],
        heard: ["legacy \x01topic", "legacy \x00topic"],
      },
    );
  });

  test("an unfinished message is not visible", () => {
    const s = new Stage();
    s.feed(bytes(message("whole"), frame(MORE, "part"), frame(MORE, "q")));
    assert.deepEqual(readAllTexts(s.ends.first), [["whole"]]);
    s.feed(frame(0, "end"));
    assert.deepEqual(readAllTexts(s.ends.first), [["part", "q", "end"]]);
    s.end();
  });

  test("a connection that breaks inside a message leaves nothing of it", () => {
    const wire = message("a", "B".repeat(200), "c", "D".repeat(70_000));
    for (let cut = 0; cut < wire.length; cut += 500) {
      const s = new Stage();
      s.feed(bytes(message("before"), wire.slice(0, cut)));
      s.inbound.reset();
      s.ends.second.rollback();
      s.ends.second.flush();
      assert.deepEqual(readAllTexts(s.ends.first), [["before"]]);
      s.end();
    }
  });
});

describe("inbound: malformed frames", () => {
  const CASES: readonly (readonly [string, Uint8Array, ProtocolError])[] = [
    ...[0x08, 0x10, 0x20, 0x40, 0x80, 0xf8, 0xff].map((flags) =>
      [
        `reserved flags 0x${flags.toString(16)}`,
        bytes(flags, 1, "x"),
        "ERR_ZMTP_RESERVED_FLAGS",
      ] as const
    ),
    [
      "MORE on a command",
      bytes(COMMAND | MORE, 1, "x"),
      "ERR_ZMTP_MORE_ON_COMMAND",
    ],
    [
      "MORE on a long command",
      bytes(COMMAND | MORE | LONG, size64(1n), "x"),
      "ERR_ZMTP_MORE_ON_COMMAND",
    ],
    ...[2n ** 31n, 2n ** 53n, 2n ** 63n - 1n, 2n ** 63n, 2n ** 64n - 1n].map(
      (size) =>
        [
          `a message of ${size} octets`,
          bytes(LONG, size64(size)),
          "ERR_ZMTP_FRAME_TOO_LARGE",
        ] as const,
    ),
    ...[BigInt(TOPIC_BYTES_MAX) + 17n, 2n ** 32n, 2n ** 64n - 1n].map((size) =>
      [
        `a command of ${size} octets`,
        bytes(COMMAND | LONG, size64(size)),
        "ERR_ZMTP_COMMAND_TOO_LARGE",
      ] as const
    ),
  ];
  for (const [name, wire, error] of CASES) {
    test(`${name} is refused as soon as its header is there`, () => {
      const s = new Stage();
      assert.equal(s.feed(message("before")), HUNGRY);
      let result: FeedResult = HUNGRY;
      for (const octet of wire.slice(0, 9)) {
        if (result === HUNGRY) result = s.feed(Uint8Array.of(octet));
      }
      assert.equal(result, BROKEN);
      assert.equal(s.inbound.error, error);
      assert.deepEqual(readAllTexts(s.ends.first), [["before"]]);
      s.end();
    });
  }

  test("what came whole in the same read as a bad frame is delivered", () => {
    for (const [name, wire] of CASES) {
      const s = new Stage();
      const before = bytes(message("one"), message("two", "parts"));
      const result = s.feed(bytes(before, frame(MORE, "unfinished"), wire));
      assert.equal(result, BROKEN, name);
      assert.deepEqual(readAllTexts(s.ends.first), [["one"], ["two", "parts"]]);
      s.end();
    }
  });

  test("maxMessageSize holds for short, long and large frames, and not below", () => {
    for (const limit of [0, 10, 64, 65, 300, 100_000]) {
      const s = new Stage({ maxMessageBytes: limit });
      assert.equal(s.feed(message("x".repeat(limit))), HUNGRY);
      assert.equal(s.feed(message("x".repeat(limit + 1))), BROKEN);
      assert.equal(s.inbound.error, "ERR_ZMTP_FRAME_TOO_LARGE");
      assert.deepEqual(readAllTexts(s.ends.first), [["x".repeat(limit)]]);
      s.end();
    }
  });
});

describe("inbound: credit", () => {
  test("reading stops at the mark and goes on when the reader made room", () => {
    const s = new Stage({ hwm: 2 });
    const wire = bytes(
      ...["a", "b", "c", "d", "e"].map((text) => message(text, "2")),
    );
    assert.equal(s.feed(wire), NO_CREDIT);
    assert.equal(s.leftover, (wire.length / 5) * 3);
    assert.deepEqual(readTexts(s.ends.first), ["a", "2"]);
    assert.deepEqual(readTexts(s.ends.first), ["b", "2"]);
    assert.equal(readTexts(s.ends.first), null);
    s.kernel.settle();
    assert.equal(s.ends.secondSink.count("writeActivated"), 1);
    assert.equal(s.resume(), NO_CREDIT);
    assert.deepEqual(readAllTexts(s.ends.first), [["c", "2"], ["d", "2"]]);
    s.kernel.settle();
    assert.equal(s.resume(), HUNGRY);
    assert.deepEqual(readAllTexts(s.ends.first), [["e", "2"]]);
    s.end();
  });

  test("a large message waits for credit with all its bytes", () => {
    const s = new Stage({ hwm: 1 });
    assert.equal(s.feed(message("a")), NO_CREDIT);
    const large = "L".repeat(1000);
    assert.equal(s.feed(bytes(message(large), message("c"))), NO_CREDIT);
    assert.deepEqual(readAllTexts(s.ends.first), [["a"]]);
    s.kernel.settle();
    assert.equal(s.resume(), NO_CREDIT);
    assert.deepEqual(readAllTexts(s.ends.first), [[large]]);
    s.kernel.settle();
    assert.notEqual(s.resume(), BROKEN);
    assert.deepEqual(readAllTexts(s.ends.first), [["c"]]);
    s.end();
  });

  test("a stop at the last message that came is noticed as well", () => {
    const s = new Stage({ hwm: 3 });
    assert.equal(s.feed(bytes(message("a"), message("b"))), HUNGRY);
    assert.equal(s.feed(message("c")), NO_CREDIT);
    assert.equal(readAllTexts(s.ends.first).length, 3);
    s.kernel.settle();
    assert.equal(s.ends.secondSink.count("writeActivated"), 1);
    s.end();
  });
});

describe("inbound: memory", () => {
  test("a size that is announced and not sent takes no memory to speak of", () => {
    const s = new Stage();
    s.feed(bytes(LONG, size64(2n ** 30n)));
    assert.ok(s.kernel.counts().bytes <= 65536 + 16384);
    s.end();
  });

  for (const direct of [false, true]) {
    test(`a large body never takes more than twice what came and 64 KiB (${direct ? "kernel" : "copied"})`, () => {
      const s = new Stage({ direct });
      const size = 3_000_000;
      s.feed(bytes(LONG, size64(BigInt(size))));
      const random = seededRandom("pieces of a large body");
      for (let have = 0; have < size;) {
        const piece = Math.min(size - have, random.between(1, 60_000));
        assert.equal(s.feed(new Uint8Array(piece).fill(have)), HUNGRY);
        have += piece;
        // A page is what allocations are rounded up to.
        const most = 2 * have + 65536 + 16384;
        const { bytes: used } = s.kernel.counts();
        assert.ok(used <= most, `${used} bytes for ${have} received`);
      }
      assert.ok(s.ends.first.checkRead());
      assert.equal(s.ends.first.frameLength, size);
      s.end();
    });
  }

  /** Feeds a whole body and reads it. */
  function deliver(s: Stage, size: number): void {
    const body = new Uint8Array(size).fill(1);
    assert.equal(s.feed(bytes(LONG, size64(BigInt(size)), body)), HUNGRY);
    readAllTexts(s.ends.first);
  }

  /** Feeds the header of a body and one octet; gives what the body takes. */
  function announce(s: Stage, size: number): number {
    const before = s.kernel.counts().bytes;
    assert.equal(s.feed(bytes(LONG, size64(BigInt(size)), 1)), HUNGRY);
    return s.kernel.counts().bytes - before;
  }

  test("a body has room at once when the peer has delivered one as large", () => {
    const s = new Stage();
    deliver(s, 200_000);
    announce(s, 190_000);
    assert.equal(s.inbound.bodyRoom, 190_000 - 1);
    assert.equal(s.feed(new Uint8Array(190_000 - 1)), HUNGRY);
    assert.equal(readAllTexts(s.ends.first)[0]?.[0]?.length, 190_000);
    s.end();
  });

  test("one that is larger has as much room as the largest before", () => {
    for (const [largest, most] of [[200_000, 200_000], [3e6, 2 ** 20]]) {
      const s = new Stage();
      deliver(s, largest as number);
      deliver(s, 100_000);
      const taken = announce(s, 2 ** 30);
      assert.ok(taken > (most as number) / 2);
      assert.ok(taken <= (most as number) + 16384 + 65536, `${taken} bytes`);
      s.end();
    }
  });

  test("a body that grows stays where it is while nothing lies behind it", () => {
    const s = new Stage({ direct: true });
    const size = 20_000_000;
    s.feed(bytes(LONG, size64(BigInt(size)), new Uint8Array(150_000)));
    const places: Set<number> = new Set();
    for (let have = 150_000; have < size;) {
      places.add(s.inbound.bodyAddress - have);
      const piece = Math.min(s.inbound.bodyRoom, 1_000_000);
      assert.equal(s.feed(new Uint8Array(piece).fill(have)), HUNGRY);
      have += piece;
    }
    assert.equal(places.size, 1);
    assert.equal(readAllTexts(s.ends.first)[0]?.[0]?.length, size);
    s.end();
  });

  test("at the limit it grows with what comes all the same", () => {
    const s = new Stage({ context: { memoryLimit: 500_000 } });
    deliver(s, 300_000);
    const body = new Uint8Array(300_000).fill(2);
    const wire = bytes(LONG, size64(300_000n), body);
    assert.equal(s.feed(wire), HUNGRY);
    assert.ok(announce(s, 300_000) <= 16384);
    assert.equal(readAllTexts(s.ends.first)[0]?.[0]?.length, 300_000);
    assert.equal(s.feed(new Uint8Array(300_000 - 1)), HUNGRY);
    assert.equal(readAllTexts(s.ends.first)[0]?.[0]?.length, 300_000);
    s.end();
  });

  test("at the limit reading stops, and goes on with nothing lost", () => {
    const s = new Stage({ context: { memoryLimit: 256 * 1024 } });
    const wire: Uint8Array[] = [];
    for (let n = 0; n < 400; n += 1) {
      wire.push(message(`${n}`, `${n}`.repeat(200), "end"));
    }
    let stops = 0;
    let read = 0;
    const readAll = () => {
      for (const parts of readAllTexts(s.ends.first)) {
        assert.deepEqual(parts, [`${read}`, `${read}`.repeat(200), "end"]);
        read += 1;
      }
    };
    for (const one of wire) {
      let result = s.feed(one);
      while (result === NO_MEMORY) {
        stops += 1;
        assert.equal(s.ends.second.writer.drained, false);
        readAll();
        result = s.resume();
      }
      assert.equal(result, HUNGRY);
    }
    readAll();
    assert.equal(read, wire.length);
    assert.ok(stops > 0, "the limit was reached");
    s.end();
  });
});

describe("inbound: anything at all", () => {
  test("50,000 mutated streams raise no exception and leave nothing behind", () => {
    const random = seededRandom("mutated streams");
    const seeds = TRACES.map(({ wire }) => wire);
    const tokens = [
      Uint8Array.of(0xff),
      size64(2n ** 63n),
      size64(65n),
      size64(0n),
      bytes(LONG, size64(70n)),
      bytes(COMMAND, 5, "\x04PING"),
      Uint8Array.of(MORE, 0),
      Uint8Array.of(0x18, 12),
    ];
    let refused = 0;
    for (let round = 0; round < 50_000; round += 1) {
      const s = new Stage({
        hwm: 5,
        direct: random.chance(0.5),
        legacy: random.chance(0.3),
        context: { memoryLimit: 1 << 20 },
      });
      const wire = mutated(random.pick(seeds), random, tokens);
      let result: FeedResult = HUNGRY;
      for (let from = 0; from < wire.length;) {
        const to = Math.min(wire.length, from + random.between(1, 200));
        result = s.feed(wire.slice(from, to));
        from = to;
        if (result === NO_CREDIT && random.chance(0.8)) {
          readAllTexts(s.ends.first);
          s.kernel.settle();
          result = s.resume();
        }
        // As in an engine, nothing more is fed while input is stopped.
        if (result !== HUNGRY) break;
      }
      if (result === BROKEN) {
        assert.match(s.inbound.error, /^ERR_ZMTP_(?!UNSPECIFIED)/);
        refused += 1;
      }
      s.end();
    }
    assert.ok(refused > 1000, `${refused} were refused`);
  });
});

type Random = ReturnType<typeof seededRandom>;

function mutated(
  seed: Uint8Array,
  random: Random,
  tokens: readonly Uint8Array[],
): Uint8Array {
  let wire: Uint8Array = seed.slice();
  for (let n = random.between(0, 3); n > 0; n -= 1) {
    const at = random.below(wire.length + 1);
    const token = random.pick(tokens);
    switch (random.below(5)) {
      case 0:
        if (at < wire.length) wire[at] = random.below(256);
        break;
      case 1:
        wire = bytes(wire.slice(0, at), token, wire.slice(at));
        break;
      case 2:
        wire = bytes(wire.slice(0, at), wire.slice(at + random.below(9)));
        break;
      case 3:
        wire.set(token.subarray(0, wire.length - at), at);
        break;
      default:
        if (at < wire.length) {
          wire[at] = (wire[at] as number) ^ (1 << random.below(8));
        }
    }
  }
  return wire;
}
