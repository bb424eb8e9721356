// Sends itself a message over tcp, with whatever permissions it was given.
import process from "node:process";
import { Context, Pull, Push } from "../../../mod.ts";

const context = new Context();
const pull = new Pull({ context, linger: 0 });
await pull.bind("tcp://127.0.0.1:*");
const push = new Push({ context, linger: 0 });
push.connect(pull.lastEndpoint as string);
try {
  push.send("a message").catch(() => {});
  const [part] = await pull.receive();
  process.stdout.write(`${part}\n`);
  pull.close();
  push.close();
  await context.terminate();
} catch (error) {
  const { code, message } = error as Error & { code?: string };
  process.stdout.write(`${code}: ${message}\n`);
}
