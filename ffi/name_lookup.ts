import { toCString } from "./c_string.ts";
import { pointerAt, structAt } from "./c_struct.ts";
import { constants } from "./constants.ts";
import { errnoNumber } from "./errno.ts";
import { type Libc, openLibc } from "./libc.ts";
import { parseSockaddr } from "./sockaddr.ts";
import { structLayout } from "./struct_layout.ts";

/** A bound on the addresses of one name, against an endless list. */
const ADDRESS_COUNT_MAX = 1024;

/** What a name stands for. */
export interface HostLookup {
  /** 0 when found, else negative: ENOENT (no such name), EAGAIN, ENOMEM, … */
  readonly errno: number;
  /** IP texts in the system's order; link-local ones end in "%<scope id>". */
  readonly addresses: string[];
}

/**
 * getaddrinfo. It blocks this thread, perhaps for many seconds.
 *
 * @param family 4 or 6 for addresses of that IP version only, 0 for both.
 */
export function lookupHost(name: string, family: 0 | 4 | 6): HostLookup {
  const libc = openLibc();
  const hints = new Int32Array(new ArrayBuffer(structLayout.addrinfoSize));
  if (family !== 0) {
    hints[1] = family === 4 ? constants.AF_INET : constants.AF_INET6;
  }
  // One kind of socket, or every address would be listed once for each.
  hints[2] = constants.SOCK_STREAM;
  const head = new DataView(new ArrayBuffer(8));
  const code = libc.call.getaddrinfo(
    toCString(name),
    null,
    hints,
    new Uint8Array(head.buffer),
  );
  if (code !== 0) return { errno: lookupErrno(libc, code), addresses: [] };
  const first = pointerAt(head, 0);
  try {
    return { errno: 0, addresses: readAddresses(first) };
  } finally {
    libc.call.freeaddrinfo(libc.library.word(first));
  }
}

function lookupErrno(libc: Libc, code: number): number {
  // Read first, while it is still the lookup's.
  const systemError = libc.errno[0] as number;
  switch (code) {
    case constants.EAI_SYSTEM:
      return -(systemError || errnoNumber("EIO"));
    case constants.EAI_MEMORY:
      return -errnoNumber("ENOMEM");
    case constants.EAI_AGAIN:
      return -errnoNumber("EAGAIN");
    default:
      return -errnoNumber("ENOENT");
  }
}

function readAddresses(first: number): string[] {
  const addresses: string[] = [];
  let next = first;
  while (next !== 0 && addresses.length < ADDRESS_COUNT_MAX) {
    const info = structAt(next, structLayout.addrinfoSize);
    const length = info.getUint32(structLayout.addrinfoAddressLength, true);
    const pointer = pointerAt(info, structLayout.addrinfoAddress);
    const { buffer } = structAt(pointer, length);
    const parsed = parseSockaddr(new Uint8Array(buffer));
    if (parsed !== null) {
      const { address, scopeId } = parsed;
      addresses.push(scopeId === 0 ? address : `${address}%${scopeId}`);
    }
    next = pointerAt(info, structLayout.addrinfoNext);
  }
  return addresses;
}
