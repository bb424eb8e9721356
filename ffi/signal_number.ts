import { host, type HostOs } from "./host.ts";

/** The numbers that are the same on every system. */
const EVERYWHERE: Readonly<Record<string, number>> = {
  SIGHUP: 1,
  SIGINT: 2,
  SIGQUIT: 3,
  SIGILL: 4,
  SIGTRAP: 5,
  SIGABRT: 6,
  SIGFPE: 8,
  SIGKILL: 9,
  SIGSEGV: 11,
  SIGPIPE: 13,
  SIGALRM: 14,
  SIGTERM: 15,
  SIGTTIN: 21,
  SIGTTOU: 22,
  SIGXCPU: 24,
  SIGXFSZ: 25,
  SIGVTALRM: 26,
  SIGPROF: 27,
  SIGWINCH: 28,
};

const LINUX: Readonly<Record<string, number>> = {
  ...EVERYWHERE,
  SIGBUS: 7,
  SIGUSR1: 10,
  SIGUSR2: 12,
  SIGSTKFLT: 16,
  SIGCHLD: 17,
  SIGCONT: 18,
  SIGSTOP: 19,
  SIGTSTP: 20,
  SIGURG: 23,
  SIGIO: 29,
  SIGPWR: 30,
  SIGSYS: 31,
};

// macOS and FreeBSD agree.
const BSD: Readonly<Record<string, number>> = {
  ...EVERYWHERE,
  SIGBUS: 10,
  SIGSYS: 12,
  SIGURG: 16,
  SIGSTOP: 17,
  SIGTSTP: 18,
  SIGCONT: 19,
  SIGCHLD: 20,
  SIGIO: 23,
  SIGINFO: 29,
  SIGUSR1: 30,
  SIGUSR2: 31,
};

/** The signals of one operating system, by name. */
export function signalTableOf(os: HostOs): Readonly<Record<string, number>> {
  return os === "darwin" || os === "freebsd" ? BSD : LINUX;
}

const numbers = new Map(Object.entries(signalTableOf(host.os)));
const names = new Map([...numbers].map(([name, number]) => [number, name]));

/** This system's number for a name such as "SIGTERM"; 0 for an unknown one. */
export function signalNumber(name: string): number {
  return numbers.get(name) ?? 0;
}

/** "SIGTERM" for this system's number of it. */
export function signalName(number: number): string {
  return names.get(number) ?? `SIG${number}`;
}
