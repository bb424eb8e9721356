// libzmq: none · runs on: app thread · RFC: –

import { assert } from "../base/assert.ts";
import type { PipesByName } from "../core/pattern.ts";
import type { Pipe } from "../core/pipe_contract.ts";

/** Stands for "no pipe" among the names of pipes. */
const NOBODY = 0;

/** What a pipe, or no pipe, is called in saved state. */
export function nameOf(pipe: Pipe | null): number {
  return pipe === null ? NOBODY : pipe.node;
}

/** The pipe, or no pipe, of a name from saved state. */
export function pipeNamed(pipes: PipesByName, name: number): Pipe | null {
  if (name === NOBODY) return null;
  const pipe = pipes.get(name);
  assert(pipe !== undefined, "a pattern's pipes move with their socket");
  return pipe;
}

/** The names of several pipes, in their order. */
export function namesOf(pipes: Iterable<Pipe>): number[] {
  return Array.from(pipes, nameOf);
}

/** The pipes of several names, in their order. */
export function pipesNamed(
  pipes: PipesByName,
  names: readonly number[],
): Pipe[] {
  return names.map((name) => pipeNamed(pipes, name) as Pipe);
}
