// What the end of a process means for its messages, and what keeps it alive.
import assert from "node:assert/strict";
import { Pull, Push } from "../../mod.ts";
import { receiveTexts } from "../support/messages.ts";
import { scenario, WIRE_TRANSPORTS } from "../support/scenario.ts";
import { until, within } from "../support/wait.ts";

for (const transport of WIRE_TRANSPORTS) {
  for (
    const [how, code] of [
      ["natural end", 0],
      ["process.exit", 7],
      ["closed before", 0],
    ] as const
  ) {
    scenario(
      `a process delivers over ${transport} what it queued: ${how}`,
      async (s) => {
        const pull = s.open(Pull);
        const child = s.child("exit.ts", how, await s.bind(pull, transport));
        for (let n = 0; n < 100; n += 1) {
          assert.equal((await receiveTexts(pull))[0], `${n}`);
        }
        assert.equal(await within(child.exited, "the child's end"), code);
      },
    );
  }
}

scenario("a process waits for a peer that comes while it ends", async (s) => {
  const address = s.address("ipc");
  const child = s.child("exit.ts", "natural end", address);
  const idle = s.child("exit.ts", "idle", address);
  // By the time another process has come and gone, this one is at its end.
  assert.equal(await within(idle.exited, "the idle child's end"), 0);
  const pull = s.open(Pull);
  await pull.bind(address);
  for (let n = 0; n < 100; n += 1) {
    assert.equal((await receiveTexts(pull))[0], `${n}`);
  }
  assert.equal(await within(child.exited, "the child's end"), 0);
});

scenario("a process waits for nobody longer than linger", async (s) => {
  const address = s.address("ipc");
  const start = performance.now();
  const idle = s.child("exit.ts", "idle", address);
  assert.equal(await within(idle.exited, "the idle child's end"), 0);
  const usual = performance.now() - start;
  const again = performance.now();
  const child = s.child("exit.ts", "nobody there", address, "700");
  assert.equal(await within(child.exited, "the child's end"), 0);
  const took = performance.now() - again;
  assert.ok(took > 700, `took ${took} ms`);
  assert.ok(took < usual + 4000, `took ${took} ms, others ${usual} ms`);
});

scenario(
  "a process whose context is not blocky waits for nobody",
  async (s) => {
    const child = s.child("exit.ts", "not blocky", s.address("ipc"));
    assert.equal(await within(child.exited, "the child's end"), 0);
  },
);

scenario("idle sockets do not keep a process alive", async (s) => {
  const child = s.child("exit.ts", "idle", s.address("ipc"));
  assert.equal(await within(child.exited, "the child's end"), 0);
  assert.equal(child.errors, "");
});

scenario(
  "a receive that waits keeps a process alive until it is served",
  async (s) => {
    const push = s.open(Push);
    const endpoint = await s.bind(push, "tcp");
    const child = s.child("exit.ts", "pending receive", endpoint);
    await until(() => child.output.includes("waiting"), "the child to wait");
    let ended = false;
    child.exited.then(() => ended = true);
    const other = s.child("exit.ts", "idle", endpoint);
    await within(other.exited, "another process to come and go");
    assert.equal(ended, false);
    await push.send("something");
    assert.equal(await within(child.exited, "the child's end"), 0);
    assert.deepEqual(child.output, ["waiting", "got something"]);
  },
);

scenario(
  "a receive that timed out keeps a process alive no longer",
  async (s) => {
    const how = "pending receive that is given up";
    const child = s.child("exit.ts", how, s.address("ipc"));
    assert.equal(await within(child.exited, "the child's end"), 0);
    assert.deepEqual(child.output, ["EAGAIN"]);
  },
);

scenario(
  "a send that waits keeps a process alive until it is done",
  async (s) => {
    const address = s.address("ipc");
    const child = s.child("exit.ts", "pending send", address);
    await until(() => child.output.includes("waiting"), "the child to wait");
    const other = s.child("exit.ts", "idle", address);
    await within(other.exited, "another process to come and go");
    const pull = s.open(Pull);
    await pull.bind(address);
    assert.deepEqual(await receiveTexts(pull), ["at last"]);
    assert.equal(await within(child.exited, "the child's end"), 0);
    assert.deepEqual(child.output, ["waiting", "sent"]);
  },
);

scenario("an aborted receive keeps a process alive no longer", async (s) => {
  const child = s.child("exit.ts", "aborted receive");
  assert.equal(await within(child.exited, "the child's end"), 0);
  assert.deepEqual(child.output, ["enough"]);
});

scenario("a detached socket that nobody adopts holds no process", async (s) => {
  const child = s.child("exit.ts", "detached");
  assert.equal(await within(child.exited, "the child's end"), 0);
});
