// What is asked of a queue in shared memory and cannot be: each time an error
// with a code, the queue's name and the cause.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import {
  chmodSync,
  readFileSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { after, before, describe } from "node:test";
import {
  ShmConsumer,
  ShmError,
  ShmProducer,
  type ShmProducerOptions,
} from "../../src/shm_entry.ts";
import { Word } from "../../src/shm/layout.ts";
import { asNobody } from "../support/file_rights.ts";
import { leakCheck } from "../support/leaks.ts";
import { refusal, type ShmStage, shmTest } from "../support/shm_stage.ts";

const notRoot = process.getuid?.() === 0 ? null : "needs the rights of root";

/** An error says what, of which queue, and has its code in its text. */
function refuses(
  name: string,
  code: string,
  cause: RegExp,
  call: () => unknown,
): void {
  const error = refusal(call);
  assert.equal(error.code, code, error.message);
  assert.equal(error.queue, name);
  assert.ok(error.message.includes(name.slice(0, 60)), error.message);
  assert.match(error.message, cause);
  assert.ok(error.message.endsWith(`(${code})`), error.message);
}

function creates(
  s: ShmStage,
  options: ShmProducerOptions,
  name: string = s.name,
): () => ShmProducer {
  const { directory } = s;
  return () => s.keep(ShmProducer.create(name, { directory, ...options }));
}

describe("bad input", () => {
  const leaks = leakCheck();
  before(leaks.before);
  after(leaks.after);

  shmTest("names", (s) => {
    const names: [string, string, RegExp][] = [
      ["", "EINVAL", /must not be empty/],
      ["a/b", "EINVAL", /no slash/],
      ["/etc", "EINVAL", /no slash/],
      ["a\0b", "EINVAL", /no control character/],
      ["x".repeat(201), "ENAMETOOLONG", /at most 200 bytes, this one has 201/],
      ["ä".repeat(101), "ENAMETOOLONG", /at most 200 bytes, this one has 202/],
    ];
    for (const [name, code, cause] of names) {
      const open = () => ShmConsumer.open(name, { directory: s.directory });
      for (const call of [creates(s, {}, name), open]) {
        const error = refusal(call);
        assert.equal(error.code, code);
        assert.equal(error.queue, name);
        assert.match(error.message, cause);
      }
    }
    // As long as may be, and what would be a directory without its prefix.
    for (const name of ["ä".repeat(100), "..", "."]) {
      creates(s, { slots: 8, slotSize: 8 }, name)().close();
    }
  });

  shmTest("sizes", (s) => {
    const whole = /slots must be/;
    for (const slots of [0, -1, 3, 1.5, NaN, 2 ** 23]) {
      refuses(s.name, "EINVAL", whole, creates(s, { slots }));
    }
    for (const slotSize of [0, -1, 1.5, NaN]) {
      const bytes = /slotSize must be/;
      refuses(s.name, "EINVAL", bytes, creates(s, { slotSize }));
    }
    const huge = { slots: 1024, slotSize: 2 ** 24 };
    refuses(s.name, "EINVAL", /more than 2 GiB/, creates(s, huge));
  });

  shmTest("a record larger than the ring", (s) => {
    const producer = s.produce({ slots: 4, slotSize: 64 });
    const cause =
      /a record of 257 bytes is larger than the ring, which has 256/;
    refuses(
      s.name,
      "EMSGSIZE",
      cause,
      () => producer.write(new Uint8Array(257)),
    );
    refuses(s.name, "EMSGSIZE", cause, () => producer.claim(257));
    producer.write(new Uint8Array(256).fill(9));
    const consumer = s.consume({ from: "oldest" });
    assert.deepEqual([...consumer.readSync(0)], new Array(256).fill(9));
  });

  shmTest("records and times that cannot be", async (s) => {
    const producer = s.produce({ slots: 4, slotSize: 64 });
    const consumer = s.consume();
    const size = /no size of a record/;
    for (const bytes of [-1, 1.5, NaN]) {
      refuses(s.name, "EINVAL", size, () => producer.claim(bytes));
    }
    const first = /nothing is claimed/;
    refuses(s.name, "EFSM", first, () => producer.commit());
    producer.claim(8);
    for (const bytes of [-1, 9, 1.5]) {
      const cause = /cannot commit .* of 8 bytes claimed/;
      refuses(s.name, "EINVAL", cause, () => producer.commit(bytes));
    }
    // What was written since has given the claim up.
    producer.write(new Uint8Array(1));
    refuses(s.name, "EFSM", first, () => producer.commit());
    const time = /no time limit/;
    for (const ms of [-1, NaN]) {
      refuses(s.name, "EINVAL", time, () => consumer.readSync(ms));
      refuses(s.name, "EINVAL", time, () => consumer.waitSync(ms));
      await assert.rejects(() => consumer.read(ms), { code: "EINVAL" });
    }
  });

  shmTest("a second producer, here and in another process", async (s) => {
    const producer = s.produce();
    const cause = new RegExp(`a producer, process ${process.pid}; close that`);
    refuses(s.name, "EADDRINUSE", cause, () => s.produce());
    for (const runtime of ["deno", "bun"] as const) {
      const { ask } = s.peer(runtime);
      const error: Error = await ask("create").then(
        () => new Error("it is a producer"),
        (error) => error,
      );
      assert.match(error.message, cause);
      assert.ok(error.message.includes(s.name), error.message);
    }
    producer.close();
    s.produce();
  });

  shmTest("no such directory", (s) => {
    const directory = join(s.directory, "nowhere");
    const there = /no such file or directory/;
    refuses(s.name, "ENOENT", there, creates(s, { directory }));
    const open = () => ShmConsumer.open(s.name, { directory });
    refuses(s.name, "ENOENT", /no producer has made it in .*nowhere/, open);
  });

  shmTest("no permission", (s) => {
    const denied = /permission denied/;
    // The directory is its maker's alone.
    asNobody(() => {
      refuses(s.name, "EACCES", denied, () => s.produce());
      refuses(s.name, "EACCES", denied, () => s.consume());
    });
    s.produce();
    chmodSync(s.directory, 0o755);
    asNobody(() => refuses(s.name, "EACCES", denied, () => s.consume()));
    for (const path of [s.path, s.lock]) chmodSync(path, 0);
    asNobody(() => {
      refuses(s.name, "EACCES", denied, () => s.consume());
      refuses(s.name, "EACCES", denied, () => s.produce());
    });
  }, { obstacle: notRoot });

  shmTest("no space", (s) => {
    const mount = ["-t", "tmpfs", "-o", "size=64k", "tmpfs", s.directory];
    assert.equal(spawnSync("mount", mount).status, 0);
    try {
      const cause = /cannot have \d+ bytes: no space left/;
      const large = { slots: 64, slotSize: 4096 };
      refuses(s.name, "ENOSPC", cause, creates(s, large));
    } finally {
      assert.equal(spawnSync("umount", [s.directory]).status, 0);
    }
  }, { obstacle: notRoot });

  shmTest("another version", (s) => {
    s.produce();
    const file = readFileSync(s.path);
    file.writeUInt32LE(77, Word.VERSION * 4);
    writeFileSync(s.path, file);
    const cause = /its layout has version 77, this package knows \d+/;
    refuses(s.name, "EPROTONOSUPPORT", cause, () => s.consume());
  });

  shmTest("a file that shrinks under both ends", (s) => {
    const producer = s.produce({ slots: 8, slotSize: 64 });
    const consumer = s.consume();
    producer.write(new Uint8Array(8));
    truncateSync(s.path, 4096);
    const cause = /its file was cut to 4096 bytes by somebody/;
    refuses(s.name, "EIO", cause, () => producer.write(new Uint8Array(8)));
    refuses(s.name, "EIO", cause, () => consumer.view());
    refuses(s.name, "EIO", cause, () => consumer.readSync(0));
  });

  shmTest("use after close", async (s) => {
    const producer = s.produce();
    const consumer = s.consume();
    for (const end of [producer, consumer]) {
      end.close();
      end.close();
      assert.equal(end.closed, true);
    }
    const calls = [
      () => producer.write(new Uint8Array(1)),
      () => producer.claim(1),
      () => producer.commit(),
      () => consumer.tryRead(),
      () => consumer.view(),
      () => consumer.readSync(0),
      () => consumer.waitSync(0),
      () => consumer.buffered(),
      () => consumer.statistics,
    ];
    for (const call of calls) {
      refuses(s.name, "EBADF", /this (producer|consumer) is closed/, call);
    }
    const waits = [() => consumer.read(0), () => consumer.wait(0)];
    for (const wait of waits) {
      const closed = (error: Error): boolean =>
        error instanceof ShmError && error.code === "EBADF" &&
        error.message.includes(s.name);
      await assert.rejects(async () => await wait(), closed);
    }
  });
});

describe("the files of a queue", () => {
  const leaks = leakCheck();
  before(leaks.before);
  after(leaks.after);

  shmTest("are this user's alone, and gone with the producer", (s) => {
    const before = process.umask(0);
    try {
      const producer = s.produce();
      for (const path of [s.path, s.lock]) {
        assert.equal(statSync(path).mode & 0o777, 0o600, path);
      }
      producer.close();
      for (const path of [s.path, s.lock]) {
        assert.equal(statSync(path, { throwIfNoEntry: false }), undefined);
      }
    } finally {
      process.umask(before);
    }
  });
});
