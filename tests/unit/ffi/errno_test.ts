import assert from "node:assert/strict";
import { constants as osConstants } from "node:os";
import { test } from "node:test";
import { errnoName, errnoNumber, errnoTableOf } from "../../../ffi/errno.ts";

test("names and numbers agree with the runtime's own table", () => {
  const known = Object.entries(osConstants.errno) as [string, number][];
  let compared = 0;
  for (const [name, number] of known) {
    if (!(name in errnoTableOf("linux"))) continue;
    assert.equal(errnoNumber(name), number, name);
    compared++;
  }
  assert.ok(compared > 50, `only ${compared} names compared`);
});

test("a number is named with or without its sign", () => {
  const number = errnoNumber("EAGAIN");
  assert.equal(errnoName(number), "EAGAIN");
  assert.equal(errnoName(-number), "EAGAIN");
});

test("the name of a shared number does not depend on the alias asked", () => {
  assert.equal(errnoName(errnoNumber("EWOULDBLOCK")), "EAGAIN");
  assert.equal(errnoName(errnoNumber("ENOTSUP")), "ENOTSUP");
});

test("unknown numbers get a name and unknown names are refused", () => {
  assert.equal(errnoName(-9999), "EUNKNOWN_9999");
  assert.throws(() => errnoNumber("ETYPO"), RangeError);
});

// Well-known numbers of systems that this test may not be running on.
const KNOWN = {
  linux: {
    EINTR: 4,
    EIO: 5,
    EAGAIN: 11,
    ENOTSOCK: 88,
    EADDRINUSE: 98,
    ECONNREFUSED: 111,
    EINPROGRESS: 115,
    ENAMETOOLONG: 36,
    EOWNERDEAD: 130,
    EPROTO: 71,
  },
  darwin: {
    EINTR: 4,
    EIO: 5,
    EAGAIN: 35,
    EINPROGRESS: 36,
    ENOTSUP: 45,
    EADDRINUSE: 48,
    ECONNREFUSED: 61,
    ENAMETOOLONG: 63,
    ENOSYS: 78,
    EOVERFLOW: 84,
    ECANCELED: 89,
    EPROTO: 100,
    EOPNOTSUPP: 102,
    EOWNERDEAD: 105,
  },
  freebsd: {
    EINTR: 4,
    EIO: 5,
    EAGAIN: 35,
    EINPROGRESS: 36,
    EOPNOTSUPP: 45,
    EADDRINUSE: 48,
    ECONNREFUSED: 61,
    ENAMETOOLONG: 63,
    ENOSYS: 78,
    EOVERFLOW: 84,
    ECANCELED: 85,
    EPROTO: 92,
    EOWNERDEAD: 96,
  },
};

for (const os of ["linux", "darwin", "freebsd"] as const) {
  test(`known numbers of ${os}`, () => {
    const table = errnoTableOf(os);
    for (const [name, number] of Object.entries(KNOWN[os])) {
      assert.equal(table[name], number, name);
    }
  });
}
