// Works with queues whose files somebody cuts at any moment: argv is a name, a
// directory, what to do and how often. It prints what it has met.
import assert from "node:assert/strict";
import { closeSync, existsSync, fstatSync, openSync } from "node:fs";
import process from "node:process";
import { Context, Publisher, Subscriber } from "../../../mod.ts";
import {
  ShmConsumer,
  type ShmConsumerOptions,
  ShmError,
  ShmProducer,
} from "../../../src/shm_entry.ts";
import { checkRecord, makeRecord } from "../shm_records.ts";

const [name = "", directory = "", work = "", count = "0"] = process.argv
  .slice(2);
const path = `${directory}/purezmq.${name}.queue`;
/** Of the queue's file, too: its sockets' name for it. */
const endpoint = `shm://${name.replace("zmq.", "")}?slots=64&slotSize=256`;
/** Nobody is cut off for that long: the life has met no error. */
const LIFE_MS_MAX = 10_000;

const codes: Record<string, number> = {};
const tookMs: number[] = [];
/** Since when all threads of a life run; starting them takes its time. */
let upAt = Infinity;
let lives = 0;

/** Notes how long it took to hear of the cut of a file, its last change. */
function told(fd: number): void {
  const cutAt = fstatSync(fd).mtimeMs;
  lives += 1;
  if (cutAt > upAt) tookMs.push(Date.now() - cutAt);
}

/** What a life leaves to be closed. */
const ends: (() => void)[] = [];

/** Both ends in one thread, as fast as they can. */
function pump(producer: ShmProducer, consumer: ShmConsumer): void {
  for (let n = 0;; n += 1) {
    const record = makeRecord(n);
    if (n % 3 === 0) {
      producer.claim(record.length).set(record);
      producer.commit();
    } else producer.write(record);
    if (n % 4 !== 0) assert.equal(checkRecord(consumer.readSync(0)), n);
    else {
      const view = consumer.view();
      const copy = Uint8Array.from(view?.bytes ?? []);
      // What it was copied from was whole only if that is said afterwards.
      if (view?.release() === true) assert.equal(checkRecord(copy), n);
    }
  }
}

/** A view is read again and again, while it says that it is good. */
function look(producer: ShmProducer, consumer: ShmConsumer): void {
  for (let n = 0;; n += 1) {
    producer.write(makeRecord(n));
    const view = consumer.view();
    if (view === null) continue;
    for (let times = 0; times < 50; times += 1) {
      const copy: Uint8Array = Uint8Array.from(view.bytes);
      if (view.valid) assert.equal(checkRecord(copy), n);
    }
  }
}

/** Nothing comes; the consumer sleeps. */
function sleep(_producer: ShmProducer, consumer: ShmConsumer): void {
  for (;;) {
    const isThere = consumer.waitSync(LIFE_MS_MAX);
    assert.ok(isThere, "nobody has cut it");
    assert.equal(consumer.tryRead(), null);
  }
}

/** The same without a time limit, by turns in this thread and in another. */
async function sleepOn(
  producer: ShmProducer,
  consumer: ShmConsumer,
): Promise<void> {
  if (lives % 2 === 0) {
    for (;;) {
      consumer.waitSync();
      assert.equal(consumer.tryRead(), null);
    }
  }
  upAt = Infinity;
  producer.write(makeRecord(0));
  await consumer.read();
  // Its thread runs from this wait on.
  await consumer.read(1).catch((error: ShmError) => {
    if (error.code !== "EAGAIN") throw error;
  });
  upAt = Date.now();
  await consumer.read();
}

/** Another thread of the consumer's reads. */
async function buffer(
  producer: ShmProducer,
  consumer: ShmConsumer,
): Promise<void> {
  // Closed with its consumer's life: here it would delay what is told.
  const buffered = consumer.buffered();
  ends.push(() => buffered.close());
  for (let n = 0;; n += 1) {
    producer.write(makeRecord(n));
    if (n % 5 !== 4) continue;
    checkRecord(await buffered.read(LIFE_MS_MAX));
    upAt = Math.min(upAt, Date.now());
  }
}

/** Sockets: the queue's end is that of its file. */
async function transport(): Promise<void> {
  const context = new Context();
  try {
    using publisher = new Publisher({ context });
    using subscriber = new Subscriber({ context, receiveTimeout: 0 });
    publisher.bindSync(endpoint);
    const fd = openSync(path, "r");
    try {
      subscriber.subscribe();
      subscriber.connect(endpoint);
      for (let n = 0; existsSync(path); n += 1) {
        await publisher.send(makeRecord(n));
        const parts = await subscriber.receive().catch(() => null);
        if (parts === null) continue;
        checkRecord(parts[0] as Uint8Array);
        upAt = Math.min(upAt, Date.now());
      }
      told(fd);
    } finally {
      closeSync(fd);
    }
  } finally {
    await context.terminate();
  }
}

const WORKS: Record<string, typeof pump | typeof buffer> = {
  pump,
  look,
  sleep,
  lock: sleep,
  "lock-on": sleepOn,
  buffer,
};

async function live(life: number): Promise<void> {
  const options = {
    directory,
    slots: 64,
    slotSize: 256,
    waiting: work.startsWith("lock") || life % 4 === 3 && work !== "sleep"
      ? "record-lock"
      : "futex",
    holdBack: life % 2 === 1,
  } as const;
  using producer = ShmProducer.create(name, options);
  const fd = openSync(path, "r");
  try {
    const open: ShmConsumerOptions = { directory, from: "oldest" };
    using consumer = ShmConsumer.open(name, open);
    if (work !== "buffer") upAt = 0;
    try {
      await WORKS[work]?.(producer, consumer);
    } finally {
      told(fd);
      for (const end of ends.splice(0)) end();
    }
  } finally {
    closeSync(fd);
  }
}

for (let life = 0; life < Number(count); life += 1) {
  upAt = Infinity;
  try {
    if (work === "transport") await transport();
    else await live(life);
  } catch (error) {
    if (!(error instanceof ShmError)) throw error;
    assert.equal(error.queue, name);
    codes[error.code] = (codes[error.code] ?? 0) + 1;
  }
}
process.stdout.write(`${JSON.stringify({ codes, lives, tookMs })}\n`);
