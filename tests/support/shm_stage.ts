// What a test of queues in shared memory uses: a directory, a name, producers
// and consumers here and in processes of both runtimes, all undone at its end.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { host } from "../../ffi/mod.ts";
import {
  ShmConsumer,
  type ShmConsumerOptions,
  ShmError,
  ShmProducer,
  type ShmProducerOptions,
} from "../../src/shm_entry.ts";
import { findBun, findDeno } from "./executables.ts";
import { JsonChild } from "./json_child.ts";
import { checkRecord } from "./shm_records.ts";
import { testUnless } from "./skip.ts";
import { within } from "./wait.ts";

const PEER = fileURLToPath(new URL("./children/shm_peer.ts", import.meta.url));

/** A death is seen within that time, ms. */
export const DEATH_SEEN_MS = 250;
const TEST_MS = 60_000;

export const WAITINGS = ["futex", "record-lock"] as const;
export const RUNTIMES = ["deno", "bun"] as const;
export type Runtime = typeof RUNTIMES[number];
/** The runtime of this process, and the one of which it is not. */
export const OWN_RUNTIME: Runtime = host.runtime === "deno" ? "deno" : "bun";
export const OTHER_RUNTIME: Runtime = OWN_RUNTIME === "deno" ? "bun" : "deno";

/** A process that is told what to do with the queue. */
export interface Peer {
  readonly child: JsonChild;
  ask<T>(op: string, more?: Record<string, unknown>): Promise<T>;
}

function commandOf(runtime: Runtime): [string, ...string[]] {
  return runtime === "deno"
    ? [findDeno().path, "run", "-A", "--no-check", "--quiet", PEER]
    : [findBun().path, "run", PEER];
}

export class ShmStage {
  readonly directory: string = mkdtempSync(join(tmpdir(), "purezmq-shm-"));
  readonly name: string = `queue-${randomUUID()}`;
  /** The queue's file, and that of its locks. */
  readonly path: string = join(this.directory, `purezmq.${this.name}.queue`);
  readonly lock: string = join(this.directory, `purezmq.${this.name}.lock`);
  readonly #children: JsonChild[] = [];
  readonly #open: Disposable[] = [];

  /** A process of either runtime that has the queue, or reads it. */
  peer(runtime: Runtime): Peer {
    const [command, ...args] = commandOf(runtime);
    return this.#peer(command, args);
  }

  /** The same, whose parent never asks how it has ended. */
  unreapedPeer(runtime: Runtime): Peer {
    // What runs in the background is given its input back.
    const script = 'exec 3<&0; "$@" <&3 & echo "pid $!"; exec sleep 600';
    return this.#peer("/bin/sh", ["-c", script, "sh", ...commandOf(runtime)]);
  }

  produce(options: ShmProducerOptions = {}): ShmProducer {
    const { name, directory } = this;
    return this.keep(ShmProducer.create(name, { directory, ...options }));
  }

  consume(options: ShmConsumerOptions = {}): ShmConsumer {
    const { name, directory } = this;
    return this.keep(ShmConsumer.open(name, { directory, ...options }));
  }

  /** Ends it with the test. */
  keep<T extends Disposable>(thing: T): T {
    this.#open.push(thing);
    return thing;
  }

  async end(): Promise<void> {
    for (const thing of this.#open.reverse()) thing[Symbol.dispose]();
    for (const child of this.#children) await child.stop();
    rmSync(this.directory, { recursive: true });
  }

  #peer(command: string, args: readonly string[]): Peer {
    const child = new JsonChild(command, args);
    this.#children.push(child);
    const { name, directory } = this;
    const ask = <T>(op: string, more: Record<string, unknown> = {}) => {
      const options = { directory, ...(more["options"] ?? {}) };
      return child.request<T>(op, { name, ...more, options });
    };
    return { child, ask };
  }
}

/** A test with a stage of its own. */
export function shmTest(
  name: string,
  body: (stage: ShmStage) => void | Promise<void>,
  { limitMs = TEST_MS, obstacle = null }: {
    limitMs?: number;
    /** Why it cannot run here. */
    obstacle?: string | null;
  } = {},
): void {
  testUnless(obstacle, name, async () => {
    const stage = new ShmStage();
    try {
      await within(Promise.resolve(body(stage)), `the test "${name}"`, limitMs);
    } finally {
      await stage.end();
    }
  }, { timeout: 2 * limitMs });
}

/** The error that a call throws. */
export function refusal(call: () => unknown): ShmError {
  try {
    call();
  } catch (error) {
    assert.ok(error instanceof ShmError, String(error));
    return error;
  }
  assert.fail("nothing was thrown");
}

/** Reads until the end of the queue, whose code is returned. */
export function readToEnd(
  consumer: ShmConsumer,
  visit: (n: number) => void,
): string {
  for (;;) {
    let record: Uint8Array;
    try {
      record = consumer.readSync(10_000);
    } catch (error) {
      return (error as ShmError).code;
    }
    visit(checkRecord(record));
  }
}
