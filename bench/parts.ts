// What the benches of parts (`deno bench -A bench/`) have in common.

/** Operations of one iteration, so that the clock's own cost does not show. */
export const BATCH = 1000;

/**
 * Registers a bench whose iterations do a {@link BATCH} of operations each:
 * microseconds per iteration are nanoseconds per operation.
 */
export function perBatch(group: string, what: string, run: () => void): void {
  // Any number of iterations shows that a bench still runs.
  const tiny = Deno.env.get("PUREZMQ_BENCH_TINY") === "1";
  Deno.bench({
    name: `${group}, ${what} (1,000 a time)`,
    group,
    fn: run,
    ...(tiny ? { n: 3, warmup: 1 } : {}),
  });
}
