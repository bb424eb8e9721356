// What a start costs: import the library and pass one message over inproc.
// Prints the moment of arrival, for bench/startup.ts.

import { Context, Pair } from "../mod.ts";
import { printLine } from "./perf_arguments.ts";

const context = new Context();
const here = new Pair({ context });
const there = new Pair({ context });
here.bindSync("inproc://startup");
there.connect("inproc://startup");
there.sendSync("first");
here.receiveSync();
printLine(String(performance.timeOrigin + performance.now()));
there.close();
here.close();
await context.terminate();
