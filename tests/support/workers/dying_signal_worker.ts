// A signal thread that answers once and dies.
import { workerData } from "node:worker_threads";
import { gettid } from "../../../ffi/mod.ts";
import {
  ASKED,
  DONE,
  HELPER_TID,
} from "../../../src/event_loop/signal_board.ts";
import type { SignalHelperData } from "../../../src/event_loop/signal_source.ts";

const { board } = workerData as SignalHelperData;
const words = new Int32Array(board);
Atomics.store(words, HELPER_TID, gettid());
Atomics.wait(words, ASKED, 0);
Atomics.store(words, DONE, Atomics.load(words, ASKED));
Atomics.notify(words, DONE);
