import assert from "node:assert/strict";
import { test } from "node:test";
import {
  CANCEL_NAME_BYTES,
  SUBSCRIBE_NAME_BYTES,
  subscriptionBody,
  SubscriptionKind,
  subscriptionKind,
} from "../../../../src/pattern/pubsub/subscription_command.ts";
import { FakePipe, latin, octets } from "../../../support/fake_pipe.ts";

test("bodies have the command's name in front of the topic", () => {
  assert.equal(
    latin(subscriptionBody(true, octets("topic"))),
    "\x09SUBSCRIBEtopic",
  );
  assert.equal(
    latin(subscriptionBody(false, octets("\xff"))),
    "\x06CANCEL\xff",
  );
  assert.equal(subscriptionBody(true, octets("")).length, SUBSCRIBE_NAME_BYTES);
  assert.equal(subscriptionBody(false, octets("")).length, CANCEL_NAME_BYTES);
});

for (
  const [body, kind] of [
    ["\x09SUBSCRIBE", "SUBSCRIBE"],
    ["\x09SUBSCRIBEtopic", "SUBSCRIBE"],
    ["\x06CANCEL", "CANCEL"],
    ["\x06CANCELtopic", "CANCEL"],
    ["\x09SUBSCRIB", "OTHER"],
    ["\x06CANCEX", "OTHER"],
    ["\x04PING", "OTHER"],
    ["", "OTHER"],
  ] as const
) {
  test(`${JSON.stringify(body)} is ${kind}`, () => {
    const pipe = new FakePipe();
    pipe.pushCommand(body);
    assert.ok(pipe.checkRead());
    assert.equal(subscriptionKind(pipe), SubscriptionKind[kind]);
  });
}
