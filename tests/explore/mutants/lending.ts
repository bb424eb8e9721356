// Mistakes in lending the engine's write side.
import { type Mutant, mutant } from "./mutant.ts";

export const lendingMutants: readonly Mutant[] = [
  mutant(
    "write side is lent before its descriptor is told",
    "lend-against-pong",
    "memory/write_side.ts",
    `put(words, pipe + PIPE.BORROWER_SENT, 0);
  store(words, pipe + PIPE.WRITE_SIDE, WriteSide.LENDABLE);`,
    `store(words, pipe + PIPE.WRITE_SIDE, WriteSide.LENDABLE);
  put(words, pipe + PIPE.BORROWER_SENT, 0);`,
  ),
  mutant(
    "engine takes its write side back without a compare",
    "lend-against-close",
    "memory/write_side.ts",
    `if (compareExchange(words, state, seen, WriteSide.ENGINE) === seen) {
          return Reclaim.BACK;
        }
        break;`,
    `store(words, state, WriteSide.ENGINE);
        return Reclaim.BACK;`,
  ),
  mutant(
    "borrower gives back without looking who waits",
    "lend-against-close",
    "memory/write_side.ts",
    `if (seen === WriteSide.LENT) return false;`,
    `if (seen !== WriteSide.ENGINE) return false;`,
  ),
  mutant(
    "octets written are told after the write side is back",
    "lend-against-pong",
    "memory/write_side.ts",
    `if (sent > 0) put(words, pipe + PIPE.BORROWER_SENT, sent);
  const seen = compareExchange(
    words,
    state,
    WriteSide.LENT,
    WriteSide.LENDABLE,
  );`,
    `const seen = compareExchange(
    words,
    state,
    WriteSide.LENT,
    WriteSide.LENDABLE,
  );
  if (sent > 0) put(words, pipe + PIPE.BORROWER_SENT, sent);`,
  ),
];
