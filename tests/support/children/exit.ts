// Programs that end in various ways; the first argument says which.
import process from "node:process";
import { context, Pull, Push, Subscriber } from "../../../mod.ts";

const [how = "", endpoint = "", more = ""] = process.argv.slice(2);

async function queue(linger: number): Promise<void> {
  const push = new Push({ linger });
  push.connect(endpoint);
  for (let n = 0; n < 100; n += 1) await push.send([`${n}`, "x".repeat(1000)]);
}

switch (how) {
  case "natural end":
    await queue(-1);
    break;
  case "process.exit":
    await queue(-1);
    process.exit(7);
    break;
  case "closed before":
    {
      const push = new Push();
      push.connect(endpoint);
      for (let n = 0; n < 100; n += 1) {
        await push.send([`${n}`, "x".repeat(1000)]);
      }
      push.close();
    }
    break;
  case "nobody there":
    await queue(Number(more));
    break;
  case "not blocky":
    context.blocky = false;
    {
      const push = new Push();
      push.connect(endpoint);
      await push.send("lost");
    }
    break;
  case "idle":
    {
      const sub = new Subscriber();
      sub.subscribe("");
      sub.connect(endpoint);
      const pull = new Pull();
      await pull.bind("tcp://127.0.0.1:*");
      await pull.bind("inproc://idle");
    }
    break;
  case "pending receive":
    {
      const pull = new Pull();
      pull.connect(endpoint);
      process.stdout.write("waiting\n");
      const [text] = await pull.receive();
      process.stdout.write(`got ${text}\n`);
    }
    break;
  case "pending receive that is given up":
    {
      const pull = new Pull({ receiveTimeout: 300 });
      pull.connect(endpoint);
      await pull.receive().catch((error) => {
        process.stdout.write(`${error.code}\n`);
      });
    }
    break;
  case "pending send":
    {
      const push = new Push({ immediate: true });
      push.connect(endpoint);
      process.stdout.write("waiting\n");
      await push.send("at last");
      process.stdout.write("sent\n");
    }
    break;
  case "aborted receive":
    {
      const pull = new Pull();
      await pull.bind("tcp://127.0.0.1:*");
      const controller = new AbortController();
      const receiving = pull.receive({ signal: controller.signal });
      controller.abort(new Error("enough"));
      await receiving.catch((error) => {
        process.stdout.write(`${error.message}\n`);
      });
    }
    break;
  case "detached":
    {
      const push = new Push();
      await push.bind("inproc://detached");
      const pull = new Pull();
      pull.connect("inproc://detached");
      await push.send("never received");
      push.detach();
      const other = new Pull({ linger: 0 });
      await other.bind("tcp://127.0.0.1:*");
      other.detach();
    }
    break;
  default:
    throw new Error(`unknown: ${how}`);
}
