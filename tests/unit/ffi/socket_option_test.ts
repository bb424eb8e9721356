import assert from "node:assert/strict";
import { test } from "node:test";
import {
  ABSENT,
  closeFd,
  constants,
  errnoNumber,
  getSockOptInt,
  openSocket,
  setSockOptBytes,
  setSockOptInt,
  socketError,
} from "../../../ffi/mod.ts";
import { leakCheck } from "../../support/leaks.ts";

const leaks = leakCheck();
await leaks.before();

const { SOL_SOCKET, IPPROTO_TCP } = constants;

test("an int option is set and read back", () => {
  const fd = openSocket(constants.AF_INET);
  for (
    const [level, name, value] of [
      [SOL_SOCKET, constants.SO_KEEPALIVE, 1],
      [IPPROTO_TCP, constants.TCP_NODELAY, 1],
      [IPPROTO_TCP, constants.TCP_KEEPIDLE, 77],
      [IPPROTO_TCP, constants.TCP_KEEPINTVL, 33],
      [IPPROTO_TCP, constants.TCP_KEEPCNT, 5],
      [constants.IPPROTO_IP, constants.IP_TOS, 0x20],
    ] as const
  ) {
    assert.equal(setSockOptInt(fd, level, name, value), 0);
    const read = getSockOptInt(fd, level, name);
    // The BSDs read a set flag back as its bit.
    assert.ok(value === 1 ? read > 0 : read === value, `${name}: ${read}`);
  }
  assert.equal(
    getSockOptInt(fd, SOL_SOCKET, constants.SO_TYPE),
    constants.SOCK_STREAM,
  );
  assert.equal(socketError(fd), 0);
  closeFd(fd);
});

test("an option of several bytes is set whole", () => {
  const fd = openSocket(constants.AF_INET);
  const linger = new Uint8Array(Int32Array.of(1, 3).buffer);
  const { SO_LINGER } = constants;
  assert.equal(setSockOptBytes(fd, SOL_SOCKET, SO_LINGER, linger), 0);
  const short = linger.subarray(0, 3);
  assert.equal(
    setSockOptBytes(fd, SOL_SOCKET, SO_LINGER, short),
    -errnoNumber("EINVAL"),
  );
  closeFd(fd);
});

test("absent options and wrong descriptors are refused by the kernel", () => {
  const fd = openSocket(constants.AF_INET);
  const missing = -errnoNumber("ENOPROTOOPT");
  assert.equal(setSockOptInt(fd, SOL_SOCKET, ABSENT, 1), missing);
  assert.equal(getSockOptInt(fd, SOL_SOCKET, ABSENT), missing);
  closeFd(fd);
  const closed = -errnoNumber("EBADF");
  assert.equal(getSockOptInt(fd, SOL_SOCKET, constants.SO_TYPE), closed);
  assert.equal(socketError(fd), closed);
});

test("leaves nothing behind", leaks.after);
