// A PULL in a process that may open few descriptors. Echoes what it receives
// as lines on standard output.
import { Pull } from "../../../mod.ts";

const pull = new Pull();
await pull.bind("tcp://127.0.0.1:*");
console.log(pull.lastEndpoint);
for await (const [text] of pull) console.log(String(text));
