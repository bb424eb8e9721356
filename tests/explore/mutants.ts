// Mistakes that somebody could make in the sources, and the scenarios that
// find each of them. A search that finds nothing is worth what these show.
import { inprocMutants } from "./mutants/inproc.ts";
import { lendingMutants } from "./mutants/lending.ts";
import { mailboxMutants } from "./mutants/mailboxes.ts";
import { memoryMutants } from "./mutants/memory.ts";
import type { Mutant } from "./mutants/mutant.ts";
import { pipeMutants } from "./mutants/pipes.ts";
import { queueMutants } from "./mutants/queue.ts";
import { terminationMutants } from "./mutants/termination.ts";

export type { Mutant } from "./mutants/mutant.ts";

/** All mistakes. */
export const MUTANTS: readonly Mutant[] = [
  ...queueMutants,
  ...mailboxMutants,
  ...pipeMutants,
  ...memoryMutants,
  ...lendingMutants,
  ...inprocMutants,
  ...terminationMutants,
];
