// Every scenario, by the file that it is in.
import type { Scenario } from "../scenario.ts";
import { inprocScenarios } from "./inproc.ts";
import { lendingScenarios } from "./lending.ts";
import { mailboxScenarios } from "./mailboxes.ts";
import { memoryScenarios } from "./memory.ts";
import { pipeScenarios } from "./pipes.ts";
import { pipeStateScenarios } from "./pipe_states.ts";
import { queueScenarios } from "./queue.ts";
import { secondThreadScenarios } from "./second_thread.ts";
import { terminationScenarios } from "./termination.ts";

export const scenarios: readonly Scenario[] = [
  ...queueScenarios,
  ...pipeScenarios,
  ...pipeStateScenarios,
  ...lendingScenarios,
  ...mailboxScenarios,
  ...memoryScenarios,
  ...inprocScenarios,
  ...terminationScenarios,
  ...secondThreadScenarios,
];
