// Installs the real libzmq that the interop tests talk to: npm's `zeromq`, in a
// git-ignored folder beside its package.json, used only by Node processes.
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** The folder of the Node programs that speak through libzmq. */
export const PEER_FOLDER: string = fileURLToPath(
  new URL("../interop/peer", import.meta.url),
);

const INSTALL_LIMIT_MS = 180_000;

/**
 * Installs the package unless it is there in the wanted version. Returns why it
 * could not be, or null.
 */
export function installInteropPeer(say: (line: string) => void): string | null {
  const wanted = wantedVersion();
  if (installedVersion() === wanted) return null;
  say(`set-up: npm ci (zeromq ${wanted}) in tests/interop/peer`);
  // The package brings its binary; its install script would only build one.
  const run = spawnSync(
    "npm",
    ["ci", "--ignore-scripts", "--no-audit", "--no-fund"],
    { cwd: PEER_FOLDER, encoding: "utf8", timeout: INSTALL_LIMIT_MS },
  );
  if (run.status === 0 && installedVersion() === wanted) return null;
  const cause = run.error?.message ?? `${run.stdout}${run.stderr}`.trim();
  return `npm could not install zeromq ${wanted}: ${cause}`;
}

function wantedVersion(): string {
  const file = join(PEER_FOLDER, "package.json");
  const parsed = JSON.parse(readFileSync(file, "utf8")) as {
    dependencies: Record<string, string>;
  };
  return parsed.dependencies["zeromq"] ?? "";
}

function installedVersion(): string | null {
  const file = join(PEER_FOLDER, "node_modules", "zeromq", "package.json");
  if (!existsSync(file)) return null;
  const parsed = JSON.parse(readFileSync(file, "utf8")) as { version: string };
  return parsed.version;
}
