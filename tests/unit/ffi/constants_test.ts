import assert from "node:assert/strict";
import { test } from "node:test";
import { ABSENT, type Constants } from "../../../ffi/constant_names.ts";
import { constants, constantsOf } from "../../../ffi/constants.ts";
import * as epoll from "../../../ffi/epoll.ts";
import { host } from "../../../ffi/mod.ts";
import { runC } from "./run_script.ts";

/** Names under which a system has a constant, when not under ours. */
function nativeName(name: string): string {
  switch (`${host.os} ${name}`) {
    case "linux MADV_FREE":
      return "MADV_DONTNEED";
    case "darwin SO_LINGER":
      return "SO_LINGER_SEC";
    case "darwin TCP_KEEPIDLE":
      return "TCP_KEEPALIVE";
    default:
      return name;
  }
}

const HEADERS = [
  "fcntl.h",
  "netdb.h",
  "netinet/in.h",
  "netinet/tcp.h",
  "poll.h",
  "stdio.h",
  "sys/mman.h",
  "sys/resource.h",
  "sys/socket.h",
  "time.h",
];

const noCompiler = runC("int main(void) { return 0; }") === null &&
  "this machine has no C compiler";

test("constants are those of the C headers", { skip: noCompiler }, () => {
  const expected: Record<string, number> = {};
  for (const [name, value] of Object.entries(constants)) {
    const isMissingFlag = host.os === "darwin" && value === 0 &&
      ["SOCK_CLOEXEC", "SOCK_NONBLOCK", "MSG_NOSIGNAL", "POLLRDHUP"]
        .includes(name);
    if (value !== ABSENT && !isMissingFlag) expected[nativeName(name)] = value;
  }
  const headers = [...HEADERS];
  if (host.os === "linux") {
    headers.push("sys/epoll.h");
    for (const [name, value] of Object.entries(epoll)) {
      if (typeof value === "number") expected[name] = value;
    }
  }
  const includes = headers.map((header) => `#include <${header}>\n`).join("");
  const prints = Object.keys(expected)
    .map((name) => `printf("${name} %lld\\n", (long long)${name});\n`);
  const actual = runC(
    `#define _GNU_SOURCE\n${includes}int main(void) {\n${prints.join("")}}`,
  );
  assert.ok(actual !== null);
  // The one name that is an enum in some headers and signed there.
  for (const [name, value] of Object.entries(expected)) {
    const found = actual.get(name) as number;
    assert.equal(value > 0 ? found % 2 ** 32 >>> 0 : found, value, name);
  }
});

test("known constants of every system", () => {
  const known: [keyof Constants, number, number, number][] = [
    ["AF_INET6", 10, 30, 28],
    ["SOL_SOCKET", 1, 0xffff, 0xffff],
    ["SO_REUSEADDR", 2, 4, 4],
    ["SO_ERROR", 4, 0x1007, 0x1007],
    ["SO_SNDBUF", 7, 0x1001, 0x1001],
    ["SO_KEEPALIVE", 9, 8, 8],
    ["IPV6_V6ONLY", 26, 27, 27],
    ["TCP_KEEPIDLE", 4, 0x10, 0x100],
    ["TCP_KEEPINTVL", 5, 0x101, 0x200],
    ["TCP_KEEPCNT", 6, 0x102, 0x400],
    ["MSG_NOSIGNAL", 0x4000, 0, 0x20000],
    ["SOCK_NONBLOCK", 0x800, 0, 0x20000000],
    ["SOCK_CLOEXEC", 0x80000, 0, 0x10000000],
    ["O_NONBLOCK", 0x800, 4, 4],
    ["O_CLOEXEC", 0x80000, 0x1000000, 0x100000],
    ["CLOCK_MONOTONIC", 1, 6, 4],
    ["RLIMIT_NOFILE", 7, 8, 8],
  ];
  for (const [name, linux, darwin, freebsd] of known) {
    assert.equal(constantsOf("linux")[name], linux, name);
    assert.equal(constantsOf("darwin")[name], darwin, name);
    assert.equal(constantsOf("freebsd")[name], freebsd, name);
  }
});
