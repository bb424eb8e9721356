// Peers that come and go while the application does something else, and what
// they say when there is no memory for it.
import assert from "node:assert/strict";
import { Context, type Message, Publisher, Pull, Push } from "../../mod.ts";
import { RawPeer } from "../support/raw_zmtp.ts";
import { scenario } from "../support/scenario.ts";
import { until } from "../support/wait.ts";

const MIB = 1024 * 1024;

/** Publishes until the peer, whose subscription is on its way, gets one. */
async function firstOf(
  publisher: Publisher,
  text: string,
  peer: RawPeer,
): Promise<string[]> {
  let parts: string[] | undefined;
  const reading = peer.readTexts().then((texts) => {
    parts = texts;
  });
  await until(async () => {
    await publisher.send(text);
    return parts !== undefined;
  }, "a published message");
  await reading;
  return parts ?? [];
}

scenario(
  "a publisher that is not used lets go of subscribers that left",
  async (s) => {
    const publisher = s.open(Publisher);
    const endpoint = await s.bind(publisher, "tcp");
    // More than the context has room for at a time.
    for (let n = 0; n < 40; n += 1) {
      const peer = await RawPeer.connect(endpoint);
      await peer.handshake("SUB");
      peer.close();
    }
    const last = await RawPeer.connect(endpoint);
    await last.handshake("SUB");
    last.write(4, 10, 9, "SUBSCRIBE");
    assert.deepEqual(await firstOf(publisher, "news", last), ["news"]);
    last.close();
  },
  { context: { maxConnections: 8 } },
);

for (const ends of ["bound", "connected"] as const) {
  scenario(
    `a ${ends} inproc socket of an attached thread that is not used lets go of peers that left`,
    async (s) => {
      const { context } = s;
      const other = Context.attach(context.handle);
      const idle = new Pull({ context: other });
      const address = "inproc://idle";
      if (ends === "bound") await idle.bind(address);
      else idle.connect(address);
      // More than the context has room for at a time.
      for (let n = 0; n < 40; n += 1) {
        const peer = new Push({ context, linger: 0 });
        if (ends === "bound") peer.connect(address);
        else await peer.bind(address);
        peer.close();
        await until(() => context.statistics.pipes === 0, "the pipe's end");
        if (ends === "connected") idle.connect(address);
      }
      idle.close();
      await other.terminate();
    },
    { context: { maxConnections: 8, ioThreads: 0 }, timeoutMs: 20_000 },
  );
}

scenario(
  "subscriptions that come while there is no memory count afterwards",
  async (s) => {
    const publisher = s.open(Publisher);
    const endpoint = await s.bind(publisher, "tcp");
    const held: Message[] = [];
    assert.throws(() => {
      for (;;) held.push(s.context.allocate(MIB / 16));
    }, { code: "ENOMEM" });

    const peer = await RawPeer.connect(endpoint);
    await peer.handshake("SUB");
    const topic = "t".repeat(40_000);
    const body = new TextEncoder().encode(`\tSUBSCRIBE${topic}`);
    const header = new Uint8Array(9);
    header[0] = 6;
    new DataView(header.buffer).setUint32(5, body.length);
    peer.write(header, body);
    for (const message of held) message.release();
    assert.deepEqual(await firstOf(publisher, topic, peer), [topic]);
    peer.close();
  },
  { context: { memoryLimit: MIB } },
);
