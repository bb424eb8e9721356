// A PULL in a process that may open few descriptors. Echoes what it receives
// as lines on standard output.
import process from "node:process";
import { Pull } from "../../../mod.ts";

const pull = new Pull();
await pull.bind("tcp://127.0.0.1:*");
process.stdout.write(`${pull.lastEndpoint}\n`);
for await (const [text] of pull) process.stdout.write(`${text}\n`);
