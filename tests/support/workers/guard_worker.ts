// A Worker that guards memory which nobody has, says where its row is and ends
// without giving it back.
import { parentPort } from "node:worker_threads";
import { guardMemory } from "../../../src/memory/guarded_memory.ts";
import { guardRowAddress } from "../guard_row.ts";

const begin = 2 ** 46 + 1;
parentPort?.postMessage(
  guardMemory(begin, 1) === null ? 0 : guardRowAddress(begin),
);
