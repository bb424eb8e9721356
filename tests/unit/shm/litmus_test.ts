// Whether two processes see a mapped file in the order that the queue between
// them relies on: JavaScript promises it for shared buffers only.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { rmSync } from "node:fs";
import { describe } from "node:test";
import { fileURLToPath } from "node:url";
import {
  allocateFile,
  closeFd,
  openSharedFile,
  sharedMemoryObstacle,
} from "../../../ffi/mod.ts";
import { findBun, findDeno } from "../../support/executables.ts";
import {
  RING_GEOMETRY,
  type RingShapeName,
} from "../../support/litmus_ring_shapes.ts";
import {
  BOTH_WAYS,
  LITMUS_ITERATIONS,
  LITMUS_LIMIT_MS,
  LITMUS_ROUNDS,
  ONE_WAY,
  testPlainBuffers,
  testShape,
} from "../../support/litmus_verdicts.ts";
import {
  OTHER_RUNTIME,
  OWN_RUNTIME,
  type Runtime,
} from "../../support/shm_stage.ts";
import { testUnless } from "../../support/skip.ts";
import { within } from "../../support/wait.ts";

const CHILD = fileURLToPath(
  new URL("../../support/children/shm_litmus.ts", import.meta.url),
);
const obstacle = sharedMemoryObstacle();

/** A process that takes one side; ends it, and what it printed. */
function side(runtime: Runtime, args: readonly string[]): {
  ended: Promise<string>;
  kill: () => void;
} {
  const [command, prefix] = runtime === "deno"
    ? [findDeno().path, ["run", "-A", "--no-check", "--quiet", CHILD]]
    : [findBun().path, ["run", CHILD]];
  const child = spawn(command, [...prefix, ...args], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.on("data", (chunk) => output += String(chunk));
  }
  const ended = new Promise<string>((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code, signal) => {
      if (code === 0) resolve(output);
      else reject(new Error(`Side ended (${signal ?? code}): ${output}`));
    });
  });
  return { ended, kill: () => child.kill("SIGKILL") };
}

async function run(
  runtimes: readonly [Runtime, Runtime],
  shape: RingShapeName,
): Promise<number[]> {
  const path = `/dev/shm/purezmq-litmus-${randomUUID()}`;
  const fd = openSharedFile(path, "new");
  assert.equal(allocateFile(fd, RING_GEOMETRY.fileBytes), 0);
  closeFd(fd);
  const sides = runtimes.map((runtime, number) =>
    side(runtime, [path, String(number), shape, String(LITMUS_ROUNDS)])
  );
  try {
    const all = Promise.all(sides.map(({ ended }) => ended));
    const [output = ""] = await within(all, "both sides", LITMUS_LIMIT_MS);
    return JSON.parse(output) as number[];
  } finally {
    for (const { kill } of sides) kill();
    rmSync(path);
  }
}

// This runtime is the first side; in the other's run of these tests that is.
const PAIRS: readonly [string, Runtime][] = [
  ["two of this runtime", OWN_RUNTIME],
  ["one of each runtime", OTHER_RUNTIME],
];

if (obstacle !== null) {
  testUnless(obstacle, "litmus shapes on a mapped file", () => {});
} else {
  for (const [who, second] of PAIRS) {
    const times = `${LITMUS_ITERATIONS} times`;
    describe(`litmus on a mapped file, ${who}: ${times}`, () => {
      const both = (shape: RingShapeName): Promise<number[]> =>
        run([OWN_RUNTIME, second], shape);
      testShape(
        "message passing: no head without its descriptor",
        both,
        "message",
        ONE_WAY,
      );
      testShape(
        "message passing: no head without its bytes",
        both,
        "record",
        ONE_WAY,
      );
      testShape(
        "overwriting: no new bytes without their intent",
        both,
        "overwrite",
        ONE_WAY,
      );
      testShape(
        "store buffers: the sleeper sees the head, or is seen",
        both,
        "buffer",
        BOTH_WAYS,
      );
      testPlainBuffers(both);
    });
  }
}
