// The second thread of the sink: adds the counts up. It has nothing else to
// do, so it simply blocks until the next message is there.

import { workerData } from "node:worker_threads";
import { Context, Pull, Push } from "../../mod.ts";
import { textOf } from "./protocol.ts";
import { encodeCounts, mergeEncoded, type WordCounts } from "./words.ts";

const context = Context.attach(workerData.handle);
const counts = new Pull({ context });
const results = new Push({ context });
counts.connect("inproc://counts");
results.connect("inproc://merged");

const total: WordCounts = new Map();
for (;;) {
  const [what, table] = counts.receiveSync();
  if (textOf(what) === "end") break;
  mergeEncoded(textOf(table), total);
  results.sendSync("merged");
}
results.sendSync(["result", encodeCounts(total)]);
counts.close();
results.close();
