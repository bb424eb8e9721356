// A connection that ended for good because its peer broke the protocol: the
// socket has forgotten it, and what comes later is not mistaken for it.
import assert from "node:assert/strict";
import { Dealer, type Socket } from "../../mod.ts";
import { expectMessage, poke } from "../support/messages.ts";
import { bytes, message, RawServer } from "../support/raw_zmtp.ts";
import { type Scenario, scenario } from "../support/scenario.ts";
import { until } from "../support/wait.ts";

/** Connects to a server that speaks something else, until that is over. */
async function connectToStranger(
  s: Scenario,
  socket: Socket,
): Promise<RawServer> {
  const server = await RawServer.listen();
  s.defer(() => server.close());
  const { ownedObjects } = s.context.statistics;
  socket.connect(server.endpoint);
  const peer = await server.accept();
  peer.write(bytes("SSH-2.0-OpenSSH_9.6\r\n"));
  await peer.closed("the connection");
  await until(
    () => (poke(socket), s.context.statistics.ownedObjects === ownedObjects),
    "the session to be gone",
  );
  return server;
}

scenario("an endpoint that was lost can be connected to again", async (s) => {
  const dealer = s.open(Dealer);
  const server = await connectToStranger(s, dealer);
  dealer.connect(server.endpoint);
  const peer = await server.accept();
  await peer.handshake("DEALER");
  peer.write(message("hello"));
  await expectMessage(dealer, "hello");
});

scenario(
  "disconnecting a lost endpoint leaves the other connections alone",
  async (s) => {
    const dealer = s.open(Dealer, { reconnectInterval: 10 });
    const other = s.open(Dealer);
    const endpoint = await s.bind(other, "tcp");
    const lost = await connectToStranger(s, dealer);
    // The next connection has what the lost one had in the context's memory.
    dealer.connect(endpoint);
    await dealer.send("before");
    await expectMessage(other, "before");
    const { pipes } = s.context.statistics;
    try {
      dealer.disconnect(lost.endpoint);
    } catch (error) {
      assert.equal((error as { code?: string }).code, "ENOENT");
    }
    await dealer.send("after");
    await expectMessage(other, "after");
    await other.send("back");
    await expectMessage(dealer, "back");
    assert.equal(s.context.statistics.pipes, pipes);
  },
);
