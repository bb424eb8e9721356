// libzmq: err.hpp (zmq_assert) · runs on: any · RFC: –

/** A broken invariant: a mistake in this library, never of a peer or user. */
export class AssertionError extends Error {}

/** Throws when something that this library guarantees does not hold. */
export function assert(condition: boolean, claim: string): asserts condition {
  if (!condition) throw new AssertionError(`Broken invariant: ${claim}`);
}
