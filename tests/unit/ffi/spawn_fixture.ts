import { KeepAlive, spawnWorker, type WorkerHandle } from "../../../ffi/mod.ts";
import { Cell, type FixtureData, type FixtureName } from "./fixture_data.ts";

/** Long enough for a loaded machine; reaching it fails the test. */
const TIMEOUT_MS = 60_000;

/** What a worker fixture wrote before it reported. */
export interface FixtureReport {
  readonly value: number;
  readonly float: number;
}

/** A worker fixture as its test sees it. */
export interface Fixture {
  readonly worker: WorkerHandle;
  /** Lets the fixture go on after its report. */
  proceed(): void;
  /**
   * Blocks this thread until the fixture reports; `meanwhile` is called now
   * and then.
   */
  waitForReport(count?: number, meanwhile?: () => void): FixtureReport;
  /** Resolves when the worker is gone, with the error it ended with. */
  ended(): Promise<Error | null>;
}

/** Starts the worker fixture of that name. */
export function spawnFixture(
  name: FixtureName,
  argument: number = 0,
  float: number = 0,
): Fixture {
  const cells = new Int32Array(new SharedArrayBuffer(64));
  const floats = new Float64Array(cells.buffer, 4 * Cell.FLOAT, 1);
  floats[0] = float;
  const data: FixtureData = { name, cells, argument };
  const url = new URL("./fixtures/worker_fixture.ts", import.meta.url).href;
  const worker = spawnWorker(url, data);
  return {
    worker,
    proceed(): void {
      Atomics.add(cells, Cell.PROCEED, 1);
      Atomics.notify(cells, Cell.PROCEED);
    },
    waitForReport(
      count: number = 1,
      meanwhile: () => void = () => {},
    ): FixtureReport {
      const deadline = Date.now() + TIMEOUT_MS;
      for (;;) {
        const seen = Atomics.load(cells, Cell.REPORTS);
        if (seen >= count) break;
        if (Date.now() > deadline) throw new Error(`No report from "${name}"`);
        Atomics.wait(cells, Cell.REPORTS, seen, 20);
        meanwhile();
      }
      return {
        value: Atomics.load(cells, Cell.VALUE),
        float: floats[0] as number,
      };
    },
    ended(): Promise<Error | null> {
      // The worker itself does not keep this thread's event loop going.
      const keepAlive = new KeepAlive();
      keepAlive.retain();
      return new Promise((resolve) =>
        worker.onExit((error) => {
          keepAlive.release();
          resolve(error);
        })
      );
    },
  };
}
