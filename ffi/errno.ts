import { DARWIN_ERRNO, FREEBSD_ERRNO } from "./errno_bsd.ts";
import { LINUX_ERRNO } from "./errno_linux.ts";
import { host, type HostOs } from "./host.ts";

/** The error numbers of one operating system. */
export function errnoTableOf(os: HostOs): Readonly<Record<string, number>> {
  switch (os) {
    case "darwin":
      return DARWIN_ERRNO;
    case "freebsd":
      return FREEBSD_ERRNO;
    default:
      return LINUX_ERRNO;
  }
}

const numbers = new Map(Object.entries(errnoTableOf(host.os)));
const names = new Map<number, string>();
for (const [name, number] of numbers) {
  // Where two names share a number, the one that stands first in the table.
  if (!names.has(number)) names.set(number, name);
}

/** "EAGAIN" for this system's number of it, or for the negative of that. */
export function errnoName(errno: number): string {
  const number = Math.abs(errno);
  return names.get(number) ?? `EUNKNOWN_${number}`;
}

/** This system's number for a name such as "EAGAIN"; always positive. */
export function errnoNumber(name: string): number {
  const number = numbers.get(name);
  if (number === undefined) {
    throw new RangeError(`Cannot find an error number: "${name}" is unknown`);
  }
  return number;
}
