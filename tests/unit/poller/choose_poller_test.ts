import assert from "node:assert/strict";
import { describe, test } from "node:test";
import process from "node:process";
import { host, nativeKqueueLayout } from "../../../ffi/mod.ts";
import { ZmqError } from "../../../src/base/errors.ts";
import {
  choosePoller,
  choosePollerWithDescriptor,
  type PollerOptions,
} from "../../../src/poller/choose_poller.ts";
import { createPoller } from "../../../src/poller/create_poller.ts";
import { testUnless } from "../../support/skip.ts";

/** An environment of its own for a choice. */
function variables(
  values: Readonly<Record<string, string>> = {},
): (name: string) => string | null {
  return (name) => values[name] ?? null;
}

function refused(
  options: PollerOptions,
  environment: Readonly<Record<string, string>>,
  os: "linux" | "darwin" | "freebsd",
  message: RegExp,
): void {
  assert.throws(
    () => choosePoller(options, variables(environment), os),
    (error) => {
      assert.ok(error instanceof ZmqError, String(error));
      assert.equal(error.code, "EINVAL");
      assert.match(error.message, message);
      return true;
    },
  );
}

describe("the choice of a poller", () => {
  test("is the system's best, level-triggered, by default", () => {
    const kinds = (["linux", "darwin", "freebsd", "other"] as const)
      .map((os) => choosePoller({}, variables(), os));
    assert.deepEqual(kinds.map(({ kind }) => kind), [
      "epoll",
      "kqueue",
      "kqueue",
      "poll",
    ]);
    assert.ok(kinds.every(({ trigger }) => trigger === "level"));
  });

  test("is the option's, else the environment's", () => {
    const environment = variables({
      PUREZMQ_POLLER: "kqueue",
      PUREZMQ_POLLER_TRIGGER: "edge",
      PUREZMQ_KQUEUE_LIBRARY: "/lib/one.so",
    });
    assert.deepEqual(choosePoller({}, environment, "linux"), {
      kind: "kqueue",
      trigger: "edge",
      kqueueLibrary: "/lib/one.so",
    });
    const options = {
      kind: "epoll",
      trigger: "level",
      kqueueLibrary: "/lib/two.so",
    };
    assert.deepEqual(choosePoller(options, environment, "linux"), options);
  });

  test("names what is unknown and what is possible", () => {
    refused({ kind: "iocp" }, {}, "linux", /"iocp".*"epoll".*"select"/);
    refused({ kind: "" }, {}, "linux", /Unknown poller ""/);
    refused({ kind: "EPOLL" }, {}, "linux", /"EPOLL"/);
    refused({}, { PUREZMQ_POLLER: "devpoll" }, "darwin", /"devpoll"/);
    refused({ trigger: "both" }, {}, "linux", /"both".*"level", "edge"/);
    const environment = { PUREZMQ_POLLER_TRIGGER: "never" };
    refused({}, environment, "linux", /trigger of a poller "never"/);
  });

  test("says which pollers have no edges", () => {
    for (const kind of ["poll", "select"]) {
      const message = new RegExp(`"${kind}" has no trigger "edge"`);
      refused({ kind, trigger: "edge" }, {}, "linux", message);
      const environment = {
        PUREZMQ_POLLER: kind,
        PUREZMQ_POLLER_TRIGGER: "edge",
      };
      refused({}, environment, "darwin", message);
      // What the program asks for has nothing to do with the environment's.
      const { trigger } = choosePoller(
        { kind },
        (name) => name === "PUREZMQ_POLLER_TRIGGER" ? "edge" : null,
        "linux",
      );
      assert.equal(trigger, "level");
    }
  });

  test("says which system a poller is for", () => {
    refused({ kind: "epoll" }, {}, "darwin", /Linux'.*"kqueue", "poll"/);
    refused({ kind: "kqueue" }, {}, "linux", /PUREZMQ_KQUEUE_LIBRARY/);
    for (const os of ["darwin", "freebsd"] as const) {
      const { kqueueLibrary } = choosePoller(
        { kind: "kqueue" },
        variables(),
        os,
      );
      assert.equal(kqueueLibrary, null, os);
    }
  });
});

describe("the choice of a poller that another thread waits for", () => {
  test("is the system's own, whatever the environment names", () => {
    for (
      const environment of [
        {},
        { PUREZMQ_POLLER: "poll" },
        { PUREZMQ_POLLER: "select" },
        { PUREZMQ_POLLER: "kqueue", PUREZMQ_KQUEUE_LIBRARY: "/lib/one.so" },
      ]
    ) {
      const choices = (["linux", "darwin", "freebsd"] as const).map((os) =>
        choosePollerWithDescriptor({}, variables(environment), os)
      );
      assert.deepEqual(choices, [
        { kind: "epoll", trigger: "level", kqueueLibrary: null },
        { kind: "kqueue", trigger: "level", kqueueLibrary: null },
        { kind: "kqueue", trigger: "level", kqueueLibrary: null },
      ]);
    }
  });

  test("has the trigger that is asked for", () => {
    const environment = variables({
      PUREZMQ_POLLER: "poll",
      PUREZMQ_POLLER_TRIGGER: "edge",
    });
    const choose = (trigger?: string): string =>
      choosePollerWithDescriptor({ trigger }, environment, "linux").trigger;
    assert.deepEqual([choose(), choose("level")], ["edge", "level"]);
  });

  test("is refused where there is none, and what is unknown", () => {
    const choose = (name: string, os: "linux" | "other") => () =>
      choosePollerWithDescriptor({}, variables({ PUREZMQ_POLLER: name }), os);
    assert.throws(choose("poll", "other"), /Neither "epoll" nor "kqueue"/);
    assert.throws(choose("iocp", "linux"), /Unknown poller "iocp"/);
  });
});

describe("a poller of choice", () => {
  const library = nativeKqueueLayout(host.os) === null
    ? process.env["PUREZMQ_KQUEUE_LIBRARY"] || null
    : null;
  const obstacles: Record<string, string | null> = {
    epoll: host.os === "linux" ? null : "epoll is Linux'",
    kqueue: library !== null || nativeKqueueLayout(host.os) !== null
      ? null
      : "this system has no kqueue and PUREZMQ_KQUEUE_LIBRARY names no library",
  };
  const choices: [string, string][] = [
    ["epoll", "level"],
    ["epoll", "edge"],
    ["kqueue", "level"],
    ["kqueue", "edge"],
    ["poll", "level"],
    ["select", "level"],
  ];
  for (const [kind, trigger] of choices) {
    testUnless(obstacles[kind], `is of kind ${kind}, ${trigger}`, () => {
      const poller = createPoller({ kind, trigger });
      assert.deepEqual([poller.kind, poller.trigger], [kind, trigger]);
      assert.equal(poller.load, 0);
      assert.equal(poller.wait(0), 0);
      poller.close();
    });
  }

  testUnless(
    nativeKqueueLayout(host.os) === null ? null : "this system has a kqueue",
    "is refused when its library is missing",
    () => {
      for (const name of ["/nowhere/libkqueue.so", "libc.so.6"]) {
        assert.throws(
          () => createPoller({ kind: "kqueue", kqueueLibrary: name }),
          (error) =>
            error instanceof ZmqError && error.code === "EINVAL" &&
            error.message.includes(`"${name}"`),
          name,
        );
      }
    },
  );
});
