import assert from "node:assert/strict";
import { test } from "node:test";
import { host, type HostArch, type HostOs } from "../../../ffi/mod.ts";
import { structLayout, structLayoutOf } from "../../../ffi/struct_layout.ts";
import { runC } from "./run_script.ts";

// Every field of the layout as a C expression.
const EXPRESSIONS: Record<string, string> = {
  sockaddrInSize: "sizeof(struct sockaddr_in)",
  sockaddrIn6Size: "sizeof(struct sockaddr_in6)",
  sockaddrUnSize: "sizeof(struct sockaddr_un)",
  sockaddrUnPathSize: "sizeof(((struct sockaddr_un *)0)->sun_path)",
  msghdrSize: "sizeof(struct msghdr)",
  msghdrIov: "offsetof(struct msghdr, msg_iov)",
  msghdrIovLength: "offsetof(struct msghdr, msg_iovlen)",
  iovecSize: "sizeof(struct iovec)",
  pollfdSize: "sizeof(struct pollfd)",
  timespecSize: "sizeof(struct timespec)",
  rlimitSize: "sizeof(struct rlimit)",
  addrinfoSize: "sizeof(struct addrinfo)",
  addrinfoAddressLength: "offsetof(struct addrinfo, ai_addrlen)",
  addrinfoAddress: "offsetof(struct addrinfo, ai_addr)",
  addrinfoNext: "offsetof(struct addrinfo, ai_next)",
  ifaddrsName: "offsetof(struct ifaddrs, ifa_name)",
  ifaddrsFlags: "offsetof(struct ifaddrs, ifa_flags)",
  ifaddrsAddress: "offsetof(struct ifaddrs, ifa_addr)",
  ifaddrsSize: "sizeof(struct ifaddrs)",
  statSize: "sizeof(struct stat)",
  statMode: "offsetof(struct stat, st_mode)",
  statOwner: "offsetof(struct stat, st_uid)",
  statBytes: "offsetof(struct stat, st_size)",
};
const EPOLL_EXPRESSIONS: Record<string, string> = {
  epollEventSize: "sizeof(struct epoll_event)",
  epollEventData: "offsetof(struct epoll_event, data)",
};

// Offsets that the code relies on without a name for them.
const FIXED: [string, number][] = [
  ["offsetof(struct iovec, iov_base)", 0],
  ["offsetof(struct iovec, iov_len)", 8],
  ["offsetof(struct pollfd, fd)", 0],
  ["offsetof(struct pollfd, events)", 4],
  ["offsetof(struct pollfd, revents)", 6],
  ["offsetof(struct timespec, tv_sec)", 0],
  ["offsetof(struct timespec, tv_nsec)", 8],
  ["offsetof(struct sockaddr_in, sin_port)", 2],
  ["offsetof(struct sockaddr_in, sin_addr)", 4],
  ["offsetof(struct sockaddr_in6, sin6_port)", 2],
  ["offsetof(struct sockaddr_in6, sin6_addr)", 8],
  ["offsetof(struct sockaddr_in6, sin6_scope_id)", 24],
  ["offsetof(struct sockaddr_un, sun_path)", 2],
  ["offsetof(struct addrinfo, ai_family)", 4],
  ["offsetof(struct addrinfo, ai_socktype)", 8],
  ["offsetof(struct ifaddrs, ifa_next)", 0],
  ["offsetof(struct stat, st_dev)", 0],
  ["offsetof(struct stat, st_ino)", 8],
  ["offsetof(struct timeval, tv_sec)", 0],
  ["offsetof(struct timeval, tv_usec)", 8],
];

const HEADERS = [
  "ifaddrs.h",
  "netdb.h",
  "netinet/in.h",
  "poll.h",
  "stddef.h",
  "stdio.h",
  "sys/resource.h",
  "sys/socket.h",
  "sys/stat.h",
  "sys/time.h",
  "sys/uio.h",
  "sys/un.h",
  "time.h",
];

const noCompiler = runC("int main(void) { return 0; }") === null &&
  "this machine has no C compiler";

test("layouts are those of the C headers", { skip: noCompiler }, () => {
  const headers = [...HEADERS];
  const named = { ...EXPRESSIONS };
  if (host.os === "linux") {
    headers.push("sys/epoll.h");
    Object.assign(named, EPOLL_EXPRESSIONS);
  }
  const all: [string, string][] = [
    ...Object.entries(named),
    ...FIXED.map(([text], i): [string, string] => [`fixed${i}`, text]),
  ];
  const includes = headers.map((header) => `#include <${header}>\n`).join("");
  const prints = all
    .map(([name, text]) => `printf("${name} %d\\n", (int)(${text}));\n`);
  const actual = runC(
    `#define _GNU_SOURCE\n${includes}int main(void) {\n${prints.join("")}}`,
  );
  assert.ok(actual !== null);
  for (const [name, value] of Object.entries(structLayout)) {
    if (name in named) assert.equal(actual.get(name), value, name);
  }
  FIXED.forEach(([text, value], i) =>
    assert.equal(actual.get(`fixed${i}`), value, text)
  );
});

test("every field of the layout is compared", () => {
  const compared = Object.keys({ ...EXPRESSIONS, ...EPOLL_EXPRESSIONS });
  assert.deepEqual(
    Object.keys(structLayout).sort(),
    ["sockaddrHasLength", ...compared].sort(),
  );
});

test("known layouts of every host", () => {
  const intel = structLayoutOf("linux", "x86_64");
  const arm = structLayoutOf("linux", "aarch64");
  assert.equal(intel.epollEventSize, 12);
  assert.equal(intel.epollEventData, 4);
  assert.equal(arm.epollEventSize, 16);
  assert.equal(arm.epollEventData, 8);
  assert.equal(intel.msghdrSize, 56);
  assert.equal(arm.sockaddrHasLength, false);
  for (const os of ["darwin", "freebsd"] as const) {
    const bsd = structLayoutOf(os, "x86_64");
    assert.equal(bsd.sockaddrHasLength, true);
    assert.equal(bsd.msghdrSize, 48);
    assert.equal(bsd.sockaddrUnPathSize, 104);
    assert.equal(bsd.addrinfoAddress, 32);
  }
  const stats: [HostOs, HostArch, number, number][] = [
    ["linux", "x86_64", 144, 24],
    ["linux", "aarch64", 128, 16],
    ["darwin", "aarch64", 144, 4],
    ["freebsd", "x86_64", 224, 24],
  ];
  for (const [os, arch, size, mode] of stats) {
    const layout = structLayoutOf(os, arch);
    assert.deepEqual([layout.statSize, layout.statMode], [size, mode], os);
  }
});
