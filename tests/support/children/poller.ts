// Programs that wait with a poller; the first argument says how they end.
import process from "node:process";
import { poll, Poller, Pull, Push } from "../../../mod.ts";
import { DescriptorPair } from "../descriptor_pair.ts";

const how = process.argv[2] ?? "";
const pair = new DescriptorPair();
const pull = new Pull();
await pull.bind("inproc://poller");

switch (how) {
  case "time limit":
    {
      const poller = new Poller();
      poller.add(pull);
      poller.add(pair.fd);
      const events = await poller.wait(300);
      process.stdout.write(`${events.length} events\n`);
    }
    break;
  case "nothing pending":
    pair.write();
    process.stdout.write(`${(await poll([{ target: pair.fd }])).length}\n`);
    pair.read();
    // The watcher is at work, and then has nothing to do.
    await poll([{ target: pair.fd }], 50);
    break;
  case "exit":
    {
      const poller = new Poller();
      poller.add(pair.fd);
      poller.add(pull);
      poller.wait();
      await poll([{ target: pair.fd }], 100);
      process.exit(3);
    }
    break;
  case "served":
    {
      const poller = new Poller();
      poller.add(pull);
      const waiting = poller.wait();
      const push = new Push();
      push.connect("inproc://poller");
      await push.send("x");
      process.stdout.write(`${(await waiting).length} event\n`);
    }
    break;
  default:
    throw new Error(`unknown: ${how}`);
}
