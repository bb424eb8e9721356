// Programs of ours in a mount namespace of their own, where names mean what a
// test says. Linux only, and only where the user may make such a namespace.
import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { JsonChild } from "./json_child.ts";
import { commandFor } from "./runtime.ts";
import type { Scenario } from "./scenario.ts";

/** "own": no network but a loopback interface that nobody else uses. */
export type Network = "shared" | "own";

const LOOPBACK_UP = "ip link set lo up";
const MOUNTS = 'mount --bind "$1/hosts" /etc/hosts && ' +
  'mount --bind "$1/resolv.conf" /etc/resolv.conf';

/** Arguments of unshare, as root and as anybody else. */
function namespaces(network: Network): string[][] {
  const own = network === "own" ? ["-n"] : [];
  return [["-m", ...own], ["-r", "-m", ...own]];
}

function script(network: Network): string {
  return network === "own" ? `${LOOPBACK_UP} && ${MOUNTS}` : MOUNTS;
}

/** The arguments that this machine takes; null when it takes none. */
function permitted(network: Network): string[] | null {
  for (const flags of namespaces(network)) {
    const run = spawnSync(
      "unshare",
      [...flags, "sh", "-c", script(network), "sh", "/etc"],
      { stdio: "ignore" },
    );
    if (run.status === 0) return flags;
  }
  return null;
}

/** Why there can be no such namespace here, or false when there can. */
export function namespaceObstacle(network: Network): string | false {
  return permitted(network) === null &&
    `unshare may not make a mount namespace here (network: ${network})`;
}

/** A program, and the files that tell it what names mean. */
export class NameService {
  readonly child: JsonChild;
  readonly #folder: string;

  /**
   * @param nameserver Whom to ask for names that `hosts` does not have; at
   * 127.0.0.9 nobody listens, so that the answer is no at once.
   * @param timeoutSeconds How long to wait for it, twice.
   */
  constructor(
    s: Scenario,
    program: string,
    network: Network = "shared",
    nameserver: string = "127.0.0.9",
    timeoutSeconds: number = 1,
  ) {
    this.#folder = s.folder();
    this.setHosts({});
    writeFileSync(
      `${this.#folder}/resolv.conf`,
      `nameserver ${nameserver}\noptions timeout:${timeoutSeconds} attempts:2\n`,
    );
    const path = new URL(`./children/${program}`, import.meta.url);
    const { command, args } = commandFor(fileURLToPath(path), []);
    this.child = new JsonChild("unshare", [
      ...(permitted(network) ?? []),
      "sh",
      "-c",
      `${script(network)} && shift && exec "$@"`,
      "sh",
      this.#folder,
      command,
      ...args,
    ]);
    s.defer(() => this.child.stop());
  }

  /** Says which address each name has from now on; others have none. */
  setHosts(hosts: Record<string, string>): void {
    const rows = Object.entries({ localhost: "127.0.0.1", ...hosts })
      .map(([name, address]) => `${address} ${name}\n`);
    // In place: the namespace sees the file, not its name.
    writeFileSync(`${this.#folder}/hosts`, rows.join(""));
  }
}
