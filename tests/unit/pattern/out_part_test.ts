import assert from "node:assert/strict";
import { test } from "node:test";
import type { OutPart } from "../../../src/core/pipe_contract.ts";
import {
  bytesOf,
  EMPTY_PART,
  Envelope,
  writeProbe,
} from "../../../src/pattern/out_part.ts";
import { FakePipe, octets } from "../../support/fake_pipe.ts";

test("bytesOf looks into messages", () => {
  const bytes = octets("x");
  const message = { bytes, size: 1 } as unknown as OutPart;
  assert.equal(bytesOf(bytes), bytes);
  assert.equal(bytesOf(message), bytes);
});

test("an envelope keeps nothing of the user's after clear", () => {
  const envelope = new Envelope();
  const part = octets("private");
  envelope.push(EMPTY_PART);
  envelope.pushAll([part, part, part], 2);
  assert.equal(envelope.count, 3);
  envelope.clear();
  assert.equal(envelope.count, 0);
  assert.ok(!envelope.parts.includes(part));
  envelope.pushAll([part], 1);
  assert.equal(envelope.parts[0], part);
});

test("a probe is one empty part, and not forced into a full pipe", () => {
  const pipe = new FakePipe();
  pipe.highWaterMark = 1;
  writeProbe(pipe);
  writeProbe(pipe);
  assert.deepEqual(pipe.outbound, [[""]]);
});
