// A program to be bundled: sends itself a message that does not fit in the
// first payload segment. Argument: the workers' module beside it, or nothing.
import process from "node:process";
import { isMainThread } from "node:worker_threads";
import { Context, type ContextOptions, Pull, Push } from "../../../mod.ts";

const SIZE_BYTES = 100 << 20;

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

async function sendOneself(options: ContextOptions): Promise<void> {
  const context = new Context(options);
  const pull = new Pull({ context });
  await pull.bind("tcp://127.0.0.1:*");
  const push = new Push({ context });
  // A name, so that the thread that looks names up is started, too.
  const port = (pull.lastEndpoint as string).split(":").at(-1);
  push.connect(`tcp://localhost:${port}`);
  push.send(new Uint8Array(SIZE_BYTES).fill(7));
  const [part] = await pull.receive();
  say(`received ${part?.length} bytes, the last one ${part?.at(-1)}`);
  if (context.statistics.segments < 2) say("in one segment");
  pull.close();
  push.close();
  await context.terminate();
}

say("begins");
// What must not happen would start threads without end.
if (!isMainThread) process.exit(1);
const entry = process.argv[2];
try {
  await sendOneself(
    entry === undefined ? {} : { workerUrl: new URL(entry, import.meta.url) },
  );
} catch (error) {
  const { code, message } = error as Error & { code?: string };
  say(`${code}: ${message}`);
}
say("ends");
