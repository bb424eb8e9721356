// The programs of zeromq.js's README, with nothing but the import changed:
// their loops end here, and their ports are free ones.
import assert from "node:assert/strict";
import { before, describe, test } from "node:test";
import * as zmq from "../../mod.ts";
import { Request } from "../../mod.ts";
import { leakFree } from "../support/leaks.ts";
import { expectNothingHeld, warmUp } from "../support/scenario.ts";
import { within } from "../support/wait.ts";

describe("programs written for zeromq.js", () => {
  // Deno keeps a few descriptors of the first context's workers, though none of
  // later ones.
  before(warmUp);

  test(
    "name classes directly or through a namespace",
    leakFree(async () => {
      const context = new zmq.Context();
      const request = new Request({ context });
      const reply = new zmq.Reply({ context });
      assert.ok(request instanceof zmq.Request);
      assert.ok(reply instanceof zmq.Socket);
      await context.terminate();
      expectNothingHeld(context);
    }),
  );

  test(
    "push work to a worker that pulls it",
    leakFree(async () => {
      const context = new zmq.Context();
      const producer = new zmq.Push({ context });
      const worker = new zmq.Pull({ context });
      const done: string[] = [];

      async function produce(): Promise<void> {
        for (let count = 0; count < 100; count++) {
          await producer.send("some work");
        }
      }

      async function work(): Promise<void> {
        for await (const [msg] of worker) {
          done.push(msg.toString());
          if (done.length === 100) break;
        }
      }

      await producer.bind("tcp://127.0.0.1:*");
      worker.connect(String(producer.lastEndpoint));
      await within(Promise.all([produce(), work()]), "all work done");
      assert.deepEqual(done, Array(100).fill("some work"));
      await context.terminate();
    }),
  );

  test(
    "publish what subscribers asked for",
    leakFree(async () => {
      const context = new zmq.Context();
      const publisher = new zmq.Publisher({ context });
      const subscriber = new zmq.Subscriber({ context });
      let listening = true;

      async function publish(): Promise<void> {
        while (listening) {
          await publisher.send(["dog shows", "woof!"]);
          await publisher.send(["kitty cats", "meow!"]);
          await new Promise((resolve) => setImmediate(resolve));
        }
      }

      async function subscribe(): Promise<void> {
        let count = 0;
        for await (const [topic, msg] of subscriber) {
          assert.equal(topic.toString(), "kitty cats");
          assert.equal(msg?.toString(), "meow!");
          if (++count === 10) break;
        }
        listening = false;
      }

      await publisher.bind("tcp://127.0.0.1:*");
      subscriber.connect(String(publisher.lastEndpoint));
      subscriber.subscribe("kitty cats");
      await within(Promise.all([publish(), subscribe()]), "ten messages");
      assert.equal(listening, false);
      await context.terminate();
    }),
  );

  test(
    "reply to requests with twice the number",
    leakFree(async () => {
      const context = new zmq.Context();
      const server = new zmq.Reply({ context });
      const client = new zmq.Request({ context });

      async function serve(): Promise<void> {
        for await (const [msg] of server) {
          await server.send((2 * parseInt(msg.toString(), 10)).toString());
        }
      }

      await server.bind("tcp://127.0.0.1:*");
      const serving = serve();
      client.connect(String(server.lastEndpoint));
      for (let number = 4; number < 8; number++) {
        await client.send(`${number}`);
        const [result] = await within(client.receive(), "a reply");
        assert.equal(result.toString(), `${2 * number}`);
      }
      server.close();
      await serving;
      await context.terminate();
    }),
  );

  test(
    "define options of their own by number",
    leakFree(async () => {
      class MyDealer extends zmq.Dealer {
        override get sendHighWaterMark(): number {
          return this.getInt32Option(23);
        }

        override set sendHighWaterMark(value: number) {
          this.setInt32Option(23, value);
        }
      }

      const context = new zmq.Context();
      const sock = new MyDealer({ context, sendHighWaterMark: 456 });
      assert.equal(sock.sendHighWaterMark, 456);
      await context.terminate();
    }),
  );
});
