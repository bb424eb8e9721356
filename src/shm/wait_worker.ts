// libzmq: none · runs on: the threads of a consumer · RFC: –
/**
 * Start of the threads that wait for queues in shared memory. Listed among the
 * package's exports only so that workers find it; importing it does nothing.
 *
 * @module
 */
import { workerData } from "../../ffi/mod.ts";
import type { BufferThreadData } from "./buffer_board.ts";
import { runWaitThread, type WaitThreadData } from "./wait_thread.ts";

const data = workerData() as
  | WaitThreadData
  | BufferThreadData
  | null
  | undefined;
if (data?.role === "shm-waiter") runWaitThread(data);
else if (data?.role === "shm-buffer") {
  const { runBufferThread } = await import("./buffer_thread.ts");
  runBufferThread(data);
}
