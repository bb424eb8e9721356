// libzmq: none · runs on: the waiting thread of a consumer · RFC: –
/**
 * Start of the threads that wait for queues in shared memory. Listed among the
 * package's exports only so that workers find it; importing it does nothing.
 *
 * @module
 */
import { workerData } from "../../ffi/mod.ts";
import { runWaitThread, type WaitThreadData } from "./wait_thread.ts";

const data = workerData() as WaitThreadData | null | undefined;
if (data?.role === "shm-waiter") runWaitThread(data);
