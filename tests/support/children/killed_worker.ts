// Passes work on from a PULL to a PUSH until somebody kills it.
import process from "node:process";
import { Pull, Push } from "../../../mod.ts";

const [work = "", sink = "", name = "", how = ""] = process.argv.slice(2);
const pull = new Pull({ receiveHighWaterMark: 100 });
const push = new Push({ sendHighWaterMark: 100 });
if (how === "binds") await pull.bind(work);
else pull.connect(work);
push.connect(sink);
let sequence = 0;
for await (const parts of pull) {
  await push.send([name, `${sequence}`, `${parts.length}`, ...parts]);
  sequence += 1;
}
