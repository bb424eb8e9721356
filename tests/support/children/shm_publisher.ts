// A publisher on an endpoint that is told what to do in lines of JSON.
import process from "node:process";
import { createInterface } from "node:readline";
import { Context, XPublisher } from "../../../mod.ts";

interface Request {
  id: number;
  op: "bind" | "send" | "close";
  endpoint: string;
  topics: string[];
  count: number;
}

const context = new Context();
const publisher = new XPublisher({ context, sendHighWaterMark: 0 });

async function answer(request: Request): Promise<unknown> {
  switch (request.op) {
    case "bind":
      publisher.bindSync(request.endpoint);
      // From now on messages go into the queue.
      await publisher.receive();
      return publisher.lastEndpoint;
    case "send":
      for (let n = 0; n < request.count; n += 1) {
        const topic = request.topics[n % request.topics.length] as string;
        await publisher.send([topic, String(n)]);
      }
      return request.count;
    case "close":
      publisher.close();
      await context.terminate();
      return null;
  }
}

createInterface({ input: process.stdin }).on("line", (line) => {
  const request = JSON.parse(line) as Request;
  const { id } = request;
  answer(request).then((value) => ({ id, value }), (error) => {
    const { code = "", message } = error as { code?: string; message: string };
    return { id, error: { code, message } };
  }).then((reply) => process.stdout.write(`${JSON.stringify(reply)}\n`));
});
