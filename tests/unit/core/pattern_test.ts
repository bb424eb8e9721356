import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { test } from "node:test";
import { Received } from "../../../src/core/pattern.ts";
import { FakePipe, latin, octets } from "../../support/fake_pipe.ts";

test("takeRest takes every part of one message and no more", () => {
  const pipe = new FakePipe();
  pipe.push("a", "", "ccc");
  pipe.push("next");
  const out = new Received();
  assert.ok(pipe.checkRead());
  out.takeRest(pipe);
  assert.deepEqual(out.parts.map((part) => latin(part as Uint8Array)), [
    "a",
    "",
    "ccc",
  ]);
  assert.equal(pipe.waiting, 1);
});

test("asMessages hands out messages instead of copies", () => {
  const pipe = new FakePipe();
  pipe.push("zero", "copy");
  const out = new Received(true);
  assert.ok(pipe.checkRead());
  out.takeRest(pipe);
  assert.ok(out.parts.every((part) => !(part instanceof Uint8Array)));
});

test("clear leaves the taken array alone", () => {
  const out = new Received();
  out.push(octets("mine"));
  const taken = out.parts;
  out.clear();
  assert.equal(taken.length, 1);
  assert.equal(out.parts.length, 0);
});

test("copied parts belong to the user, small and big ones", () => {
  const out = new Received();
  const source = new Uint8Array(9000).fill(7);
  out.pushCopy(source, 10, 15);
  out.pushCopy(source, 0, 9000);
  out.pushCopy(source, 20, 20);
  source.fill(9);
  const [small, big, empty] = out.parts as Uint8Array[];
  assert.deepEqual([...small as Uint8Array], [7, 7, 7, 7, 7]);
  assert.ok((big as Uint8Array).every((octet) => octet === 7));
  assert.equal(big?.length, 9000);
  assert.equal(empty?.length, 0);
});

test("copied parts do not overlap, through many slabs", () => {
  const out = new Received();
  for (let i = 0; i < 3000; i++) out.pushCopy(octets(`part ${i}`), 0, 6);
  const texts = out.parts.map((part) => latin(part as Uint8Array));
  assert.deepEqual(
    texts,
    Array.from({ length: 3000 }, (_, i) => `part ${i}`.slice(0, 6)),
  );
});

test("a user who detaches the slab does no harm to later parts", () => {
  const out = new Received();
  out.pushCopy(octets("first"), 0, 5);
  const buffer = (out.parts[0] as Uint8Array).buffer as ArrayBuffer;
  structuredClone(buffer, { transfer: [buffer] });
  out.clear();
  out.pushCopy(octets("second"), 0, 6);
  assert.equal(latin(out.parts[0] as Uint8Array), "second");
});

test("parts are of the kind of memory that the socket gives", () => {
  const out = new Received(false, (size) => Buffer.alloc(size));
  out.pushCopy(octets("id"), 0, 2);
  assert.ok(Buffer.isBuffer(out.parts[0]));
});
