// Commands from one object to another: posted, taken, nothing to wake.

import { Pool, THREAD } from "../src/memory/layout.ts";
import { useThread, viewMemory } from "../tests/support/memory_fixture.ts";
import { BATCH, perBatch } from "./parts.ts";

const view = viewMemory();
const { control } = view;
const mailbox = useThread(view, 2) + THREAD.MAILBOX;
const senders: number[] = [];
for (let n = 0; n < 8; n++) {
  const record = control.takeRecord(Pool.OWN);
  control.initNode(record, mailbox);
  senders.push(record);
}
const taken: number[] = [];

perBatch("mailbox", "8 senders, post and drain", () => {
  for (let n = 0; n < BATCH / senders.length; n++) {
    for (const sender of senders) control.post(sender, 1);
    control.drain(mailbox, taken);
    for (const node of taken) control.takePending(node);
    if (taken.length !== senders.length) throw new Error("a command is lost");
    taken.length = 0;
  }
});

perBatch("mailbox", "joined with a command that waits", () => {
  const sender = senders[0] as number;
  for (let n = 0; n < BATCH; n++) control.post(sender, 1);
  control.drain(mailbox, taken);
  control.takePending(sender);
  taken.length = 0;
});
