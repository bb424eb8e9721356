// A consumer of the demo: checks every record, in the epochs of all producers,
// until the record that says it is the last.
//
//   consumer <queue> <oldest|newest> <ms of work for each record>

import process from "node:process";
import { setTimeout as sleep } from "node:timers/promises";
import { ShmConsumer, ShmError } from "../../src/shm_entry.ts";
import {
  type ConsumerStatus,
  type EpochStatus,
  STATUS_INTERVAL_MS,
  statusLine,
} from "./protocol.ts";
import { checkRecord, RecordKind } from "./record.ts";

const OPEN_RETRY_MS = 10;
const OPEN_MS_MAX = 10_000;

const [name = "", from = "", workMs = ""] = process.argv.slice(2);

/** Opens the queue as soon as there is one. */
async function opened(): Promise<ShmConsumer> {
  const deadline = performance.now() + OPEN_MS_MAX;
  for (;;) {
    try {
      return ShmConsumer.open(name, {
        from: from === "newest" ? "newest" : "oldest",
        follow: true,
      });
    } catch (error) {
      const isEarly = error instanceof ShmError && error.code === "ENOENT";
      if (!isEarly || performance.now() > deadline) throw error;
    }
    await sleep(OPEN_RETRY_MS);
  }
}

using consumer = await opened();
const epochs: EpochStatus[] = [];
let read = 0;

/** Notes a record, and says whether more are to come. */
function note(record: Uint8Array): boolean {
  const number = Number(consumer.sequence);
  const kind = checkRecord(record, number);
  const { epoch, lost } = consumer;
  const now = epochs.at(-1);
  if (now?.epoch === epoch) now.last = number;
  else {
    // Whoever follows begins with the next producer's first record.
    const begin = now === undefined ? number - lost : 0;
    epochs.push({ epoch, begin, last: number });
  }
  read++;
  return kind !== RecordKind.LAST;
}

function status(ended: boolean): ConsumerStatus {
  const { lost, statistics } = consumer;
  return { read, lost, behind: statistics.behind, epochs, ended };
}

let saidMs = 0;
for await (const record of consumer) {
  const more = note(record);
  const nowMs = performance.now();
  if (more && nowMs - saidMs > STATUS_INTERVAL_MS) {
    saidMs = nowMs;
    process.stdout.write(statusLine(status(false)));
  }
  if (!more) break;
  if (workMs !== "0") await sleep(Number(workMs));
}
process.stdout.write(statusLine(status(true)));
