// A PULL whose peers come and go. Answers each request with what it holds.
import process from "node:process";
import { createInterface } from "node:readline";
import { Context, Pull } from "../../../mod.ts";

const context = new Context();
const pull = new Pull({ context });
await pull.bind("tcp://127.0.0.1:*");
let messages = 0;
createInterface({ input: process.stdin }).on("line", (line) => {
  const value = {
    endpoint: pull.lastEndpoint,
    messages,
    statistics: context.statistics,
    residentBytes: process.memoryUsage().rss,
  };
  const { id } = JSON.parse(line) as { id: number };
  process.stdout.write(`${JSON.stringify({ id, value })}\n`);
});
for await (const _message of pull) messages += 1;
