// Mistakes in the names of inproc endpoints.
import { type Mutant, mutant } from "./mutant.ts";

export const inprocMutants: readonly Mutant[] = [
  mutant(
    "withdrawn connect stays in the registry",
    "bind-against-withdraw",
    "core/inproc_registry.ts",
    `this.#remove(entry);
      return true;`,
    `return true;`,
  ),
  mutant(
    "names are found without the lock",
    "bind-against-connect",
    "core/inproc_registry.ts",
    `const result = this.#locked(() => {
      const entry = this.#find(bytes, true);
      if (entry !== 0) {`,
    `const bound = this.#find(bytes, true);
    const result = this.#locked(() => {
      const entry = bound;
      if (entry !== 0) {`,
  ),
  mutant(
    "binder is not counted on to see a connect",
    "bind-connect-close",
    "core/inproc_registry.ts",
    `this.#handOver(pipe, socket);
        return socket;`,
    `return socket;`,
  ),
];
