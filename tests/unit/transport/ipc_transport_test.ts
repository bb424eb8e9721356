import assert from "node:assert/strict";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import process from "node:process";
import { describe, test } from "node:test";
import { closeFd, localAddress } from "../../../ffi/mod.ts";
import { parseEndpoint } from "../../../src/base/endpoint.ts";
import { defaultOptions } from "../../../src/base/options.ts";
import { SocketType } from "../../../src/base/socket_type.ts";
import type { Listening } from "../../../src/core/binder.ts";
import type {
  Connecter,
  Engine,
  SessionPort,
} from "../../../src/core/transport.ts";
import { IpcBinder } from "../../../src/transport/ipc/ipc_binder.ts";
import { IpcTransport } from "../../../src/transport/ipc/ipc_transport.ts";
import { FakeIo } from "../../support/fake_io.ts";
import { openDescriptors } from "../../support/leaks.ts";
import { testUnless } from "../../support/skip.ts";

const transport = new IpcTransport();
const options = defaultOptions(SocketType.PAIR);

function listen(endpoint: string): Listening {
  return new IpcBinder().listen(parseEndpoint(endpoint, "bind"), options);
}

function pathOf(endpoint: string): string {
  return endpoint.slice("ipc://".length);
}

/** Runs the test in a folder of its own. */
function inFolder(
  body: (folder: string) => void | Promise<void>,
): () => Promise<void> {
  return async () => {
    const folder = mkdtempSync(join(tmpdir(), "purezmq-"));
    try {
      await body(folder);
    } finally {
      rmSync(folder, { recursive: true });
    }
  };
}

/** A listener on an I/O worker, and a session that connects to it. */
class Stage {
  readonly io = new FakeIo();
  readonly endpoint: string;
  readonly accepted: number[] = [];
  readonly engines: Engine[] = [];
  readonly #connecters: Connecter[] = [];
  readonly #close: () => void;

  constructor(endpoint: string) {
    const listening = listen(endpoint);
    this.endpoint = listening.endpoint;
    const listener = transport.accept(
      this.io,
      listening.fd,
      listening.endpoint,
      options,
      (fd) => this.accepted.push(fd),
      listening.temporary,
    );
    this.#close = () => listener.close();
  }

  async connect(): Promise<void> {
    const session: SessionPort = {
      options,
      endpoint: this.endpoint,
      pipe: null,
      reconnectIntervalMs: 0,
      attach: (engine) => this.engines.push(engine),
      gaveUp: () => {},
      engineReady: () => false,
      engineError: () => {},
    };
    this.#connecters.push(transport.connect(this.io, session, false));
    await this.io.turnUntil(
      () => this.accepted.length > 0 && this.engines.length > 0,
      "a connection",
    );
  }

  end(): void {
    for (const connecter of this.#connecters) connecter.close();
    for (const engine of this.engines) engine.terminate();
    for (const fd of this.accepted) closeFd(fd);
    this.#close();
    assert.equal(this.io.poller.load, 0);
    this.io.stop();
  }
}

describe("ipc transport", () => {
  test(
    "a path",
    inFolder(async (folder) => {
      const s = new Stage(`ipc://${join(folder, "a")}`);
      assert.equal(s.endpoint, `ipc://${join(folder, "a")}`);
      await s.connect();
      s.end();
    }),
  );

  testUnless(
    process.platform !== "linux" && "only Linux has abstract names",
    "an abstract name leaves nothing in the file system",
    async () => {
      const s = new Stage(`ipc://@purezmq-test-${crypto.randomUUID()}`);
      await s.connect();
      s.end();
      const again = listen(s.endpoint);
      assert.equal(again.endpoint, s.endpoint, "and is free again");
      again.discard();
    },
  );

  test("*: a path of its own, which is gone afterwards with its folder", async () => {
    const [s, other] = [new Stage("ipc://*"), new Stage("ipc://*")];
    assert.notEqual(s.endpoint, other.endpoint);
    assert.ok(existsSync(pathOf(s.endpoint)));
    await s.connect();
    s.end();
    assert.equal(existsSync(dirname(pathOf(s.endpoint))), false);
    assert.ok(existsSync(pathOf(other.endpoint)), "the other one's stays");
    other.end();
    assert.equal(existsSync(dirname(pathOf(other.endpoint))), false);
  });

  test(
    "a folder that the user made stays, whatever its name",
    inFolder((folder) => {
      for (const name of ["a", "purezmq-service"]) {
        const own = join(folder, name);
        mkdirSync(own);
        new Stage(`ipc://${join(own, "socket")}`).end();
        assert.ok(existsSync(own), name);
      }
    }),
  );

  test(
    "a file that a dead process left is no obstacle",
    inFolder((folder) => {
      const endpoint = `ipc://${join(folder, "a")}`;
      closeFd(listen(endpoint).fd);
      assert.ok(existsSync(pathOf(endpoint)));
      const again = listen(endpoint);
      again.discard();
      assert.equal(localAddress(again.fd), null);
      assert.equal(existsSync(pathOf(endpoint)), false);
    }),
  );

  test(
    "a path that this system has no room for is refused, also for connects",
    inFolder((folder) => {
      const before = openDescriptors().size;
      const endpoint = {
        protocol: "ipc",
        path: join(folder, "x".repeat(200)),
        abstract: false,
        wildcard: false,
      } as const;
      const binder = new IpcBinder();
      const tooLong = { code: "ENAMETOOLONG" };
      assert.throws(() => binder.check(endpoint), tooLong);
      assert.throws(() => binder.listen(endpoint, options), tooLong);
      assert.equal(openDescriptors().size, before);
    }),
  );

  test(
    "*: a folder for temporary files whose path is too long is left empty",
    inFolder((folder) => {
      const { TMPDIR } = process.env;
      const long = join(folder, "x".repeat(100));
      mkdirSync(long);
      process.env.TMPDIR = long;
      try {
        assert.throws(() => listen("ipc://*"), { code: "ENAMETOOLONG" });
        assert.deepEqual(readdirSync(long), []);
      } finally {
        if (TMPDIR === undefined) delete process.env.TMPDIR;
        else process.env.TMPDIR = TMPDIR;
      }
    }),
  );

  test(
    "a path that cannot be is refused",
    inFolder((folder) => {
      const lost = `ipc://${join(folder, "no", "folder")}`;
      assert.throws(() => listen(lost), { code: "ENOENT" });
      assert.throws(() => listen(`ipc://${folder}`), { code: "EADDRINUSE" });
    }),
  );
});
