import assert from "node:assert/strict";
import { test } from "node:test";
import {
  canReceive,
  canSend,
  SocketType,
} from "../../../src/base/socket_type.ts";
import { Received } from "../../../src/core/pattern.ts";
import { PATTERNS } from "../../../src/pattern/patterns.ts";
import { attach, FakeHost, octets } from "../../support/fake_pipe.ts";

for (const [name, type] of Object.entries(SocketType)) {
  test(`${name} has a pattern that sends and receives as its type may`, () => {
    const pattern = PATTERNS[type](new FakeHost(type));
    const pipe = attach(pattern);
    const sending = () => pattern.trySend([octets("x")], 1);
    const receiving = () => pattern.tryReceive(new Received());
    const refused = { code: "ENOTSUP" };
    if (canSend(type)) assert.doesNotThrow(() => pattern.hasOut());
    else assert.throws(sending, refused);
    if (canReceive(type)) assert.doesNotThrow(() => pattern.hasIn());
    else assert.throws(receiving, refused);
    pattern.hiccuped(pipe);
    pattern.writeActivated(pipe);
    pattern.readActivated(pipe);
    pattern.pipeTerminated(pipe);
    assert.deepEqual([pipe.fqIndex, pipe.lbIndex, pipe.distIndex], [
      -1,
      -1,
      -1,
    ]);
    assert.equal(pipe.patternData, null);
  });
}
