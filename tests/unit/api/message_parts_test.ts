import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { describe, test } from "node:test";
import { OutgoingParts } from "../../../src/api/message_parts.ts";

function loaded(message: unknown): Uint8Array[] {
  const out = new OutgoingParts();
  const count = out.load(message);
  return (out.parts as Uint8Array[]).slice(0, count);
}

function texts(message: unknown): string[] {
  return loaded(message).map((part) => new TextDecoder().decode(part));
}

describe("a message to send", () => {
  test("is one part, or an array of parts", () => {
    assert.deepEqual(texts("one"), ["one"]);
    assert.deepEqual(texts(["one", "two", "three"]), ["one", "two", "three"]);
    assert.deepEqual(texts([]), []);
  });

  test("keeps bytes as they are, without a copy", () => {
    const bytes = new Uint8Array([1, 2, 3]);
    const buffer = Buffer.from("abc");
    const parts = loaded([bytes, buffer]);
    assert.equal(parts[0], bytes);
    assert.equal(parts[1], buffer);
    assert.equal(loaded(bytes)[0], bytes);
  });

  test("takes of a view only the bytes it shows", () => {
    const memory = new Uint8Array([0, 1, 2, 3, 4, 5, 6, 7]).buffer;
    const views = [
      new Uint16Array(memory, 2, 2),
      new DataView(memory, 3, 3),
      memory,
    ];
    assert.deepEqual(
      loaded(views).map((part) => [...part]),
      [[2, 3, 4, 5], [3, 4, 5], [0, 1, 2, 3, 4, 5, 6, 7]],
    );
  });

  test("takes shared memory, bare or in a view", () => {
    const shared = new SharedArrayBuffer(3);
    new Uint8Array(shared).set([7, 8, 9]);
    assert.deepEqual(
      loaded([shared, new Uint8Array(shared, 1)]).map((part) => [...part]),
      [[7, 8, 9], [8, 9]],
    );
  });

  test("is empty for null and for the empty string", () => {
    assert.deepEqual(texts(null), [""]);
    assert.deepEqual(texts(["", null]), ["", ""]);
  });

  test("is the text of anything else", () => {
    assert.deepEqual(texts(3.5), ["3.5"]);
    const odd = [true, 10n, undefined, {}, ["a", "b"], Promise.resolve()];
    assert.deepEqual(texts(odd), [
      "true",
      "10",
      "undefined",
      "[object Object]",
      "a,b",
      "[object Promise]",
    ]);
  });

  test("is UTF-8, with U+FFFD for lone surrogates", () => {
    assert.deepEqual([...loaded("é€")[0] ?? []], [195, 169, 226, 130, 172]);
    assert.deepEqual([...loaded("\ud800")[0] ?? []], [239, 191, 189]);
  });

  test("may hold more text than is encoded in one place", () => {
    const parts = Array.from({ length: 50 }, (_, i) => `${i}`.repeat(i + 1));
    parts.push("ü".repeat(5000), "end");
    assert.deepEqual(texts(parts), parts);
  });

  test("is refused when it is missing, or holds a symbol", () => {
    assert.throws(() => loaded(undefined), {
      name: "TypeError",
      message: "Message must be present",
    });
    assert.throws(() => loaded(["a", Symbol("b")]), TypeError);
  });
});

describe("outgoing parts", () => {
  test("can be filled again once cleared, also after a refusal", () => {
    const out = new OutgoingParts();
    for (let length = 0; length < 8; length++) {
      assert.equal(out.load(Array(length).fill("x")), length);
      out.clear();
      assert.equal(out.count, 0);
      assert.throws(() => out.load(["x", Symbol()]), TypeError);
      assert.equal(out.count, 0);
    }
  });

  test("let go of what they held", () => {
    const out = new OutgoingParts();
    const bytes = new Uint8Array(10);
    for (const message of [bytes, [bytes, bytes], Array(20).fill(bytes)]) {
      out.load(message);
      out.clear();
      assert.ok(!out.parts.includes(bytes));
    }
  });

  test("refuse a message while they hold one, or are being filled", () => {
    const out = new OutgoingParts();
    out.load("first");
    assert.throws(() => out.load("second"), { code: "EBUSY" });
    out.clear();
    const nested = { toString: () => String(out.load("inner")) };
    assert.throws(() => out.load(["a", nested]), { code: "EBUSY" });
    assert.equal(out.count, 0);
  });
});
