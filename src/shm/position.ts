// libzmq: none · runs on: any · RFC: –

// Positions and sequence numbers count up to 2^56. In shared memory each is two
// words: the lower 32 bits, and the number of its block of 2^24. The words
// overlap by eight bits, so a pair that was read while the writer was between
// the two can still be told apart (see `blockOf`).

/** Positions in a block. */
export const BLOCK_LENGTH: number = 2 ** 24;

/** The highest position: blocks are counted in 32 bits. */
export const POSITION_MAX: bigint = 2n ** 56n - 1n;

/**
 * More blocks than that apart, two positions cannot be compared by their lower
 * words any more: a reader was asleep for as long as 2^30 records.
 */
export const COMPARABLE_BLOCKS = 64;

/** The block of `low`, which lies at most 255 blocks behind `before`. */
export function nextBlock(
  block: number,
  before: number,
  low: number,
): number {
  return block + (((low >>> 24) - (before >>> 24)) & 0xff);
}

/** The block that `low` belongs to when the word beside it said `block`. */
export function blockOf(block: number, low: number): number {
  const distance = ((low >>> 24) - (block % 256)) & 0xff;
  return block + (distance < 128 ? distance : distance - 256);
}

/** How far the first position is ahead of the second. */
export function distance(
  block: number,
  low: number,
  fromBlock: number,
  fromLow: number,
): number {
  return (block - fromBlock) * BLOCK_LENGTH +
    ((low & 0xffffff) - (fromLow & 0xffffff));
}

/** A position as one number. */
export function toBigInt(block: number, low: number): bigint {
  return BigInt(block) * BigInt(BLOCK_LENGTH) + BigInt(low & 0xffffff);
}

/** The two words of a position. */
export function fromBigInt(position: bigint): { block: number; low: number } {
  return {
    block: Number(position >> 24n),
    low: Number(BigInt.asIntN(32, position)),
  };
}
