// libzmq: none · runs on: the helper threads of event loops · RFC: –
/**
 * Start of the threads that event loops need. Listed among the package's
 * exports only so that workers find it; importing it does nothing.
 *
 * @module
 */
import { workerData } from "../../ffi/mod.ts";
import { runSignalHelper } from "./signal_helper.ts";
import type { SignalHelperData } from "./signal_source.ts";
import { runWaiter, type WaiterData } from "./loop_waiter.ts";

const data = workerData() as SignalHelperData | WaiterData | null | undefined;
switch (data?.role) {
  case "signals":
    void runSignalHelper(data.board);
    break;
  case "waiter":
    runWaiter(data);
    break;
}
