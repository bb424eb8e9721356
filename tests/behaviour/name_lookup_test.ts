// Host names are looked up at every attempt to connect, and by a thread that
// nobody waits for.
import assert from "node:assert/strict";
import { Pull } from "../../mod.ts";
import { expectMessage, receiveTexts } from "../support/messages.ts";
import { NameService, namespaceObstacle } from "../support/name_service.ts";
import { type Scenario, scenario } from "../support/scenario.ts";
import { until } from "../support/wait.ts";

const PROGRAM = "name_lookup.ts";
const NAME = "purezmq-test-name";
/** How long a lookup hangs where the nameserver is silent: twice this. */
const SILENCE_SECONDS = 15;
/** How long something may take that does not wait for the nameserver. */
const PROMPT_MS = 3000;

const skip = namespaceObstacle("shared");

/** A PULL where a name is going to lead. */
async function listen(s: Scenario, endpoint: string): Promise<Pull> {
  const pull = s.open(Pull);
  await s.bindAgain(pull, endpoint);
  return pull;
}

scenario(
  "a name that means another address later leads there at the next attempt",
  async (s) => {
    const names = new NameService(s, PROGRAM);
    const { child } = names;
    names.setHosts({ [NAME]: "127.0.0.1" });
    let pull = await listen(s, "tcp://127.0.0.1:*");
    const port = /:(\d+)$/.exec(pull.lastEndpoint ?? "")?.[1];
    await child.request("connect", { endpoint: `tcp://${NAME}:${port}` });
    await child.request("send", { text: "first" });
    await expectMessage(pull, "first");
    for (const address of ["127.0.0.2", "127.0.0.3", "127.0.0.1"]) {
      names.setHosts({ [NAME]: address });
      const next = await listen(s, `tcp://${address}:${port}`);
      assert.equal(next.readable, false, "it stays where it is connected");
      pull.close();
      pull = next;
      // What goes into the old connection may be lost.
      await until(async () => {
        await child.request("send", { text: "hello" });
        return pull.readable;
      }, `a connection to ${address}`);
      await child.request("send", { text: `to ${address}` });
      await until(
        async () => (await receiveTexts(pull))[0] === `to ${address}`,
        "the end of the hellos",
      );
    }
  },
  { skip },
);

scenario(
  "a name that nobody knows yet is found when it is there",
  async (s) => {
    const names = new NameService(s, PROGRAM);
    const { child } = names;
    const pull = await listen(s, "tcp://127.0.0.1:*");
    const port = /:(\d+)$/.exec(pull.lastEndpoint ?? "")?.[1];
    const address = s.address("ipc");
    await child.request("converse", { address, count: 1 });
    const workers = await child.request<number>("workers");
    await child.request("connect", { endpoint: `tcp://${NAME}:${port}` });
    await child.request("send", { text: "kept" });
    await until(
      async () => await child.request<number>("workers") > workers,
      "the resolver to be asked",
    );
    await child.request("converse", { address, count: 1000 });
    assert.equal(pull.readable, false);
    names.setHosts({ [NAME]: "127.0.0.1" });
    await expectMessage(pull, "kept");
  },
  { skip },
);

scenario(
  "a nameserver that never answers holds up nothing but its own connection",
  async (s) => {
    const { child } = new NameService(
      s,
      PROGRAM,
      "own",
      "127.0.0.1",
      SILENCE_SECONDS,
    );
    const addresses = ["tcp://127.0.0.1:*", s.address("ipc")];
    await child.request("silence");
    await child.request("connect", { endpoint: `tcp://${NAME}:5555` });
    await until(
      async () => await child.request<number>("queries") > 0,
      "the nameserver to be asked",
    );
    const start = performance.now();
    for (const address of addresses) {
      await child.request("converse", { address, count: 1000 });
    }
    await child.request("terminate");
    void child.request("exit").catch(() => {});
    assert.equal(await child.exited, 0);
    const took = performance.now() - start;
    assert.ok(took < PROMPT_MS, `took ${took} ms`);
  },
  { skip: namespaceObstacle("own") },
);
