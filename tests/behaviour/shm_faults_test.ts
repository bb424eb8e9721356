// What goes wrong around queues in shared memory: H6, H7 and H9 of the plan.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { describe, test } from "node:test";
import {
  ShmConsumer,
  ShmError,
  ShmProducer,
  type ShmProducerOptions,
} from "../../src/shm_entry.ts";
import {
  type GuardedMemory,
  guardMemory,
} from "../../src/memory/guarded_memory.ts";
import { seededRandom } from "../support/seed.ts";
import { makeRecord } from "../support/shm_records.ts";
import { testUnless } from "../support/skip.ts";

/** A file that is no queue is refused within that time. */
const REFUSED_MS = 100;
/** Files with random bytes; PUREZMQ_SHM_BAD_FILES=100000 tries that many. */
const BAD_FILES = Number(process.env["PUREZMQ_SHM_BAD_FILES"] ?? "500");
const NAME = "faults";
const isRoot = process.getuid?.() === 0;
const notRoot = isRoot ? null : "needs the rights of root";

class Place implements Disposable {
  readonly directory = mkdtempSync(join(tmpdir(), "purezmq-faults-"));
  readonly data = join(this.directory, `purezmq.${NAME}.queue`);
  readonly lock = join(this.directory, `purezmq.${NAME}.lock`);

  produce(options: ShmProducerOptions = {}): ShmProducer {
    const { directory } = this;
    return ShmProducer.create(NAME, { directory, ...options });
  }

  consume(): ShmConsumer {
    return ShmConsumer.open(NAME, { directory: this.directory });
  }

  /** The file of a queue that nobody has open. */
  sample(options: ShmProducerOptions = {}): Uint8Array {
    using producer = this.produce({ slots: 8, slotSize: 64, ...options });
    producer.write(makeRecord(1).subarray(0, 40));
    return Uint8Array.from(readFileSync(this.data));
  }

  [Symbol.dispose](): void {
    rmSync(this.directory, { recursive: true });
  }
}

/** The error of a call, which came in time and names the queue. */
function refused(call: () => unknown): string {
  const start = performance.now();
  try {
    call();
  } catch (error) {
    const elapsed = performance.now() - start;
    assert.ok(error instanceof ShmError, String(error));
    assert.ok(elapsed < REFUSED_MS, `${error.message} took ${elapsed} ms`);
    assert.equal(error.queue, NAME);
    assert.ok(error.message.includes(NAME), error.message);
    return error.code;
  }
  assert.fail("nothing was thrown");
}

describe("bad files", () => {
  test("each field of the header that is wrong is refused", () => {
    using place = new Place();
    const sample = place.sample();
    writeFileSync(place.lock, "", { mode: 0o600 });
    // Magic words, version, byte order, rows at, slots, bytes of a slot, rows,
    // waiting, bytes of the file.
    for (const word of [0, 1, 2, 3, 4, 5, 6, 7, 8, 10, 11]) {
      for (const value of [-1, 2 ** 31 - 1, 77]) {
        const file = Uint8Array.from(sample);
        new DataView(file.buffer).setInt32(word * 4, value, true);
        writeFileSync(place.data, file, { mode: 0o600 });
        const code = refused(() => place.consume());
        const wanted = word === 2 ? "EPROTONOSUPPORT" : "EPROTO";
        assert.equal(code, wanted, `word ${word} is ${value}`);
      }
    }
  });

  test("files that end early are refused, at each length", () => {
    using place = new Place();
    const sample = place.sample();
    writeFileSync(place.lock, "", { mode: 0o600 });
    for (const length of [0, 1, 4, 127, 128, 4095, 4096, sample.length - 1]) {
      writeFileSync(place.data, sample.subarray(0, length), { mode: 0o600 });
      assert.equal(refused(() => place.consume()), "EPROTO", `${length} bytes`);
    }
  });

  test("random bytes anywhere in the file never end or hang the process", () => {
    using place = new Place();
    const random = seededRandom("bad files");
    const sample = place.sample();
    writeFileSync(place.lock, "", { mode: 0o600 });
    const codes = new Set<string>();
    for (let round = 0; round < BAD_FILES; round += 1) {
      const file = Uint8Array.from(sample);
      // In the descriptors and slots: a good header gets further than bad ones.
      const from = random.below(4) === 0 ? 0 : 128;
      for (let changes = 1 + random.below(40); changes > 0; changes -= 1) {
        file[from + random.below(file.length - from)] = random.below(256);
      }
      writeFileSync(place.data, file, { mode: 0o600 });
      try {
        using consumer = ShmConsumer.open(NAME, {
          directory: place.directory,
          from: "oldest",
        });
        for (let reads = 0; reads < 20; reads += 1) consumer.readSync(0);
      } catch (error) {
        assert.ok(error instanceof ShmError, String(error));
        codes.add(error.code);
      }
    }
    assert.ok(codes.has("EPROTO") && codes.size > 1, [...codes].join());
  });

  for (const from of ["newest", "oldest"] as const) {
    test(`who joins at the ${from} record finds its place while one as large as the ring is written`, () => {
      using place = new Place();
      using producer = ShmProducer.create(NAME, {
        directory: place.directory,
        slots: 8,
        slotSize: 64,
      });
      for (let n = 0; n < 16; n += 1) producer.write(new Uint8Array(8));
      // Nothing tells a number any more until it is committed.
      producer.claim(8 * 64).fill(7);
      using consumer = ShmConsumer.open(NAME, {
        directory: place.directory,
        from,
      });
      assert.equal(consumer.tryRead(), null);
      producer.commit();
      assert.deepEqual([...consumer.readSync(1000)], new Array(512).fill(7));
      assert.equal(consumer.lost, 0);
    });
  }

  test("links, pipes and directories are refused", () => {
    using place = new Place();
    const kinds: [string, () => void][] = [
      ["ELOOP", () => symlinkSync("/dev/null", place.data)],
      ["EINVAL", () => {
        assert.equal(spawnSync("mkfifo", ["-m", "600", place.data]).status, 0);
      }],
      ["EISDIR", () => mkdirSync(place.data)],
    ];
    for (const [code, make] of kinds) {
      make();
      const found = refused(() => place.consume());
      const isOther = code === "EISDIR" && found === "EUNKNOWN";
      assert.ok(found === code || isOther, `${found} instead of ${code}`);
      rmSync(place.data, { recursive: true });
    }
  });

  test("a file that others may write is refused", () => {
    using place = new Place();
    const sample = place.sample();
    writeFileSync(place.data, sample);
    chmodSync(place.data, 0o622);
    assert.equal(refused(() => place.consume()), "EPERM");
  });

  testUnless(notRoot, "another user's file is refused", () => {
    using place = new Place();
    writeFileSync(place.data, place.sample(), { mode: 0o600 });
    chownSync(place.data, 65534, 65534);
    assert.equal(refused(() => place.consume()), "EPERM");
    rmSync(place.data);
    writeFileSync(place.lock, "", { mode: 0o600 });
    chownSync(place.lock, 65534, 65534);
    assert.equal(refused(() => place.produce()), "EPERM");
  });
});

describe("a file that is cut", () => {
  test("is found out by its length where no guard is to be had", () => {
    using place = new Place();
    const taken: GuardedMemory[] = [];
    try {
      for (;;) {
        // Of memory that nobody has.
        const guard = guardMemory(2 ** 46 + taken.length, 1);
        if (guard === null) break;
        taken.push(guard);
      }
      using producer = place.produce({ slots: 16, slotSize: 64 });
      using consumer = place.consume();
      for (let n = 0; n < 3; n += 1) producer.write(new Uint8Array([n]));
      assert.equal(consumer.view()?.bytes[0], 0);
      truncateSync(place.data, 0);
      // Until the last look is too old to be believed.
      const start = performance.now();
      while (performance.now() - start < 1);
      assert.equal(refused(() => consumer.view()), "EIO");
      assert.equal(refused(() => producer.write(new Uint8Array(1))), "EIO");
    } finally {
      for (const guard of taken) guard.release();
    }
  });

  for (const bytes of [0, 1, 4095, 4096, 5000, 12_287, -1, -4096, -4097]) {
    test(`to ${bytes} bytes ends the next read and write`, () => {
      using place = new Place();
      using producer = place.produce({ slots: 16, slotSize: 64 });
      using consumer = place.consume();
      for (let n = 0; n < 3; n += 1) producer.write(new Uint8Array([n]));
      assert.equal(consumer.tryRead()?.[0], 0);
      const { size } = statSync(place.data);
      truncateSync(place.data, bytes < 0 ? size + bytes : bytes);
      // Copied before, which is good.
      for (const n of [1, 2]) {
        assert.ok([n, undefined].includes(copied(consumer)?.[0]));
      }
      assert.equal(refused(() => consumer.tryRead()), "EIO");
      assert.equal(refused(() => consumer.view()), "EIO");
      assert.equal(refused(() => producer.write(new Uint8Array(1))), "EIO");
      assert.equal(refused(() => producer.claim(1)), "EIO");
      // Whole again by its length, which brings nothing back.
      truncateSync(place.data, size);
      assert.equal(refused(() => consumer.view()), "EIO");
      assert.equal(refused(() => producer.write(new Uint8Array(1))), "EIO");
    });
  }
});

/** A record that was copied out of the ring before the file was cut. */
function copied(consumer: ShmConsumer): Uint8Array | null {
  try {
    return consumer.tryRead();
  } catch {
    return null;
  }
}

describe("a queue that cannot be made", () => {
  testUnless(notRoot, "no space: ENOSPC, and nothing is left behind", () => {
    using place = new Place();
    const mounted = spawnSync("mount", [
      "-t",
      "tmpfs",
      "-o",
      "size=64k",
      "tmpfs",
      place.directory,
    ]);
    assert.equal(mounted.status, 0, String(mounted.stderr));
    try {
      const options = { slots: 64, slotSize: 4096 };
      assert.equal(refused(() => place.produce(options)), "ENOSPC");
      assert.equal(existsSync(place.data), false);
      assert.equal(existsSync(place.lock), false);
      // A smaller one has room.
      using producer = place.produce({ slots: 8, slotSize: 64 });
      producer.write(new Uint8Array(8));
    } finally {
      spawnSync("umount", [place.directory]);
    }
  });
});

describe("numbers", () => {
  for (const first of [2n ** 32n - 10n, 2n ** 31n - 10n, 2n ** 53n - 10n]) {
    test(`records are in order from ${first} on`, () => {
      using place = new Place();
      const options = { slots: 4, slotSize: 64, firstSequence: first };
      using producer = place.produce(options);
      using consumer = place.consume();
      for (let n = 0n; n < 30n; n += 1n) {
        producer.write(new Uint8Array([Number(n)]));
        assert.equal(consumer.readSync(0)[0], Number(n));
        assert.equal(consumer.sequence, first + n);
      }
      assert.equal(consumer.lost, 0);
      for (let n = 0; n < 20; n += 1) producer.write(new Uint8Array([n]));
      const found = consumer.readSync(0)[0] as number;
      assert.equal(consumer.lost, found);
      assert.equal(consumer.sequence, first + 30n + BigInt(found));
    });
  }
});
