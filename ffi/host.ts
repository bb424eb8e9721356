import process from "node:process";

/** Runtimes with a `Library`. "other" can import this package, not use it. */
export type HostRuntime = "deno" | "bun" | "other";
/** Operating systems with tables. "other" can import this package, not use it. */
export type HostOs = "linux" | "darwin" | "freebsd" | "other";
/** CPUs with tables, both little-endian and 64-bit. */
export type HostArch = "x86_64" | "aarch64" | "other";

/** What this process runs on; decided once, when this file is loaded. */
export interface Host {
  readonly runtime: HostRuntime;
  readonly os: HostOs;
  readonly arch: HostArch;
  readonly pid: number;
}

function findRuntime(): HostRuntime {
  if ("Deno" in globalThis) return "deno";
  if ("Bun" in globalThis) return "bun";
  return "other";
}

function findOs(): HostOs {
  // Wider than the type @types/node gives, which varies between versions.
  const platform: string = process.platform;
  switch (platform) {
    case "linux":
    case "darwin":
    case "freebsd":
      return platform;
    default:
      return "other";
  }
}

function findArch(): HostArch {
  const arch: string = process.arch;
  switch (arch) {
    case "x64":
      return "x86_64";
    case "arm64":
      return "aarch64";
    default:
      return "other";
  }
}

export const host: Host = {
  runtime: findRuntime(),
  os: findOs(),
  arch: findArch(),
  pid: process.pid,
};

/**
 * Why the C structures of this host are unknown, or null when there are tables
 * for it. One list, so that an untested pair is never taken for a tested one.
 */
export function unsupportedReason(candidate: Host): string | null {
  const { runtime, os, arch } = candidate;
  if (runtime === "other") {
    return "This runtime is not supported: run the program with Deno or Bun";
  }
  const pair = `${os} ${arch}`;
  switch (pair) {
    case "linux x86_64":
    case "linux aarch64":
    case "darwin x86_64":
    case "darwin aarch64":
    case "freebsd x86_64":
      return null;
    default:
      return `This platform is not supported: ${process.platform} on ` +
        `${process.arch}; run the program on Linux or macOS (x86-64 or ` +
        `arm64) or on FreeBSD (x86-64)`;
  }
}
