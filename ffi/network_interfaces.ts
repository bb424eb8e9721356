import { cStringAt, toCString } from "./c_string.ts";
import { pointerAt, structAt } from "./c_struct.ts";
import { constants } from "./constants.ts";
import { openLibc, syscall } from "./libc.ts";
import { parseSockaddr } from "./sockaddr.ts";
import { structLayout } from "./struct_layout.ts";

const NAME_LENGTH_MAX = 64; // IF_NAMESIZE is 16
const ENTRY_COUNT_MAX = 65_536;

/** One IP address of a network interface. */
export interface NetworkInterface {
  readonly name: string;
  readonly family: "inet" | "inet6";
  readonly address: string;
  readonly scopeId: number;
}

/** The IP addresses of this machine's interfaces that are known now. */
export function interfaces(): NetworkInterface[] {
  const libc = openLibc();
  const head = new DataView(new ArrayBuffer(8));
  const bytes = new Uint8Array(head.buffer);
  // Fails only for want of memory or descriptors: then nothing is known.
  if (syscall(libc, () => libc.call.getifaddrs(bytes)) < 0) return [];
  const first = pointerAt(head, 0);
  const found: NetworkInterface[] = [];
  try {
    let next = first;
    for (let i = 0; next !== 0 && i < ENTRY_COUNT_MAX; i++) {
      const entry = structAt(next, structLayout.ifaddrsSize);
      const one = readEntry(entry);
      if (one !== null) found.push(one);
      next = pointerAt(entry, 0);
    }
  } finally {
    if (first !== 0) libc.call.freeifaddrs(libc.library.word(first));
  }
  return found;
}

function readEntry(entry: DataView): NetworkInterface | null {
  const pointer = pointerAt(entry, structLayout.ifaddrsAddress);
  // An interface without address, such as a tunnel that is down.
  if (pointer === 0) return null;
  // The list does not say how long a sockaddr is: its family does.
  const start = structAt(pointer, 2);
  const family = start.getUint8(structLayout.sockaddrHasLength ? 1 : 0);
  let size: number;
  if (family === constants.AF_INET) size = structLayout.sockaddrInSize;
  else if (family === constants.AF_INET6) size = structLayout.sockaddrIn6Size;
  else return null;
  const parsed = parseSockaddr(new Uint8Array(structAt(pointer, size).buffer));
  if (parsed === null || parsed.family === "unix") return null;
  const name = pointerAt(entry, structLayout.ifaddrsName);
  return {
    name: cStringAt(name, NAME_LENGTH_MAX),
    family: parsed.family,
    address: parsed.address,
    scopeId: parsed.scopeId,
  };
}

/** The index of a network interface, or 0 when there is none of that name. */
export function interfaceIndex(name: string): number {
  return openLibc().call.if_nametoindex(toCString(name));
}
