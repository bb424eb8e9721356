// Whether a process does next to nothing, as far as the kernel can tell.
import { readdirSync, readFileSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";

/** A look takes so long, ms. */
const LOOK_MS = 1000;

/**
 * Processor time of a look at most, in ticks of 10 ms, of a process that only
 * sleeps. Whoever turns in a loop has a hundred.
 */
const TICKS_MAX = 1;

/**
 * The same where several threads look after each other now and then: that takes
 * one on a fast machine, and several where a processor that wakes is cold.
 */
export const THREADS_TICKS_MAX = 10;

/** How often all its threads together may wake up in a look. */
const WAKES_MAX = 100;

/** User and system time of a process, in ticks. */
function ticksOf(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return Number(fields[11]) + Number(fields[12]);
}

/** How often the threads of a process have slept, those that ended aside. */
function sleepsOf(pid: number): number {
  let sleeps = 0;
  for (const thread of readdirSync(`/proc/${pid}/task`)) {
    try {
      const status = readFileSync(`/proc/${pid}/task/${thread}/status`, "utf8");
      sleeps += Number(/^voluntary_ctxt_switches:\s*(\d+)/m.exec(status)?.[1]);
    } catch {
      // It has ended since.
    }
  }
  return sleeps;
}

/** Whether a process neither turns in a loop nor wakes all the time. */
export async function isIdle(
  pid: number,
  look: () => Promise<unknown> = () => delay(LOOK_MS),
  ticksMax: number = TICKS_MAX,
): Promise<boolean> {
  const [ticks, sleeps] = [ticksOf(pid), sleepsOf(pid)];
  await look();
  return ticksOf(pid) - ticks <= ticksMax &&
    sleepsOf(pid) - sleeps <= WAKES_MAX;
}
