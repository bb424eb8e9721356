import {
  isMainThread as nodeIsMainThread,
  type MessagePort,
  Worker,
  workerData as nodeWorkerData,
} from "node:worker_threads";

/** A thread that {@linkcode spawnWorker} started. */
export interface WorkerHandle {
  /**
   * `callback` is called once, from this thread's event loop, when the worker
   * is gone: with the error that ended it, or null when it ended by itself.
   */
  onExit(callback: (error: Error | null) => void): void;
  /** Stops it, though not while it is inside a C call in Deno. */
  terminate(): void;
}

/**
 * Starts a thread that loads the module at `moduleUrl` and does not keep the
 * process alive. It starts even while the caller goes on to block.
 *
 * The worker is made of a line of source, since that is the one form that
 * takes file and http URLs and can be unreferenced in both runtimes.
 *
 * @param transfer Message ports in `data`.
 */
export function spawnWorker(
  moduleUrl: string,
  data: unknown,
  transfer: readonly unknown[] = [],
): WorkerHandle {
  const worker = new Worker(`import(${JSON.stringify(moduleUrl)})`, {
    eval: true,
    workerData: data,
    transferList: transfer as MessagePort[],
  });
  let failure: Error | null = null;
  let ended = false;
  let callbacks: ((error: Error | null) => void)[] = [];
  // Without this listener an error in the worker would be thrown here.
  worker.on("error", (error: unknown) => {
    failure = error instanceof Error ? error : new Error(String(error));
  });
  worker.on("exit", (code: number) => {
    if (failure === null && code !== 0) {
      failure = new Error(`Worker ended with exit code ${code}`);
    }
    ended = true;
    for (const callback of callbacks) callback(failure);
    callbacks = [];
  });
  worker.unref();
  return {
    onExit(callback: (error: Error | null) => void): void {
      if (ended) queueMicrotask(() => callback(failure));
      else callbacks.push(callback);
    },
    terminate(): void {
      void worker.terminate();
    },
  };
}

/** Inside such a worker: the `data` it was given; elsewhere null. */
export function workerData(): unknown {
  return nodeWorkerData;
}

/** False in every kind of worker thread. */
export function isMainThread(): boolean {
  // A web Worker in Deno takes itself for a main thread in node's terms.
  return nodeIsMainThread && !("WorkerGlobalScope" in globalThis);
}
