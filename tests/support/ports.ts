// Addresses for tests. Where the test can, it binds to `tcp://127.0.0.1:*` or
// `ipc://*` and asks for the endpoint; these are for the tests that cannot.
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";

/**
 * A TCP port on which nobody listens now. Another program may take it before
 * the test does, so a test that binds to it should say so when that fails.
 */
export function freeTcpPort(host: string = "127.0.0.1"): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen({ port: 0, host }, () => {
      const address = server.address();
      server.close(() => {
        if (address === null || typeof address === "string") {
          reject(new Error("The server has no port"));
        } else {
          resolve(address.port);
        }
      });
    });
  });
}

/** A folder of the test's own, short enough for a Unix socket's path. */
export interface TemporaryFolder extends Disposable {
  /** Its absolute path. */
  readonly path: string;
  /** The path of `name` in it. */
  file(name: string): string;
  /** The ipc endpoint of `name` in it. */
  endpoint(name: string): string;
  /** Removes it with all that is in it. */
  remove(): void;
}

/** Makes a folder that the test removes (`using`, or `remove()`). */
export function temporaryFolder(): TemporaryFolder {
  const path = mkdtempSync(join(tmpdir(), "purezmq-"));
  const remove = (): void => rmSync(path, { recursive: true, force: true });
  return {
    path,
    file: (name: string): string => join(path, name),
    endpoint: (name: string): string => `ipc://${join(path, name)}`,
    remove,
    [Symbol.dispose]: remove,
  };
}

/** A name in Linux's abstract namespace that no other test run uses. */
export function abstractIpcEndpoint(name: string): string {
  return `ipc://@purezmq-${process.pid}-${crypto.randomUUID()}-${name}`;
}
