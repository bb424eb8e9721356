// A Worker that guards memory which nobody has, says where its row is and ends
// without giving it back.
import { parentPort } from "node:worker_threads";
import { guardMemory } from "../../../src/memory/guarded_memory.ts";

parentPort?.postMessage(guardMemory(2 ** 46, 1)?.rowAddress ?? 0);
