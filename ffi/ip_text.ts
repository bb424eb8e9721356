/** The four bytes of a dotted quad as `inet_pton` reads it, or null. */
export function parseIpv4(text: string): Uint8Array | null {
  const fields = text.split(".");
  if (fields.length !== 4) return null;
  const bytes = new Uint8Array(4);
  for (let i = 0; i < 4; i++) {
    const field = fields[i] as string;
    // No leading zeros: some programs would read them as octal.
    if (!/^(0|[1-9][0-9]{0,2})$/.test(field)) return null;
    const value = Number(field);
    if (value > 255) return null;
    bytes[i] = value;
  }
  return bytes;
}

/** Dotted quad of four bytes. */
export function formatIpv4(bytes: Uint8Array): string {
  return bytes.join(".");
}

/** Appends the bytes of colon-separated groups; false when they are wrong. */
function appendGroups(text: string, isTail: boolean, out: number[]): boolean {
  if (text === "") return true;
  const groups = text.split(":");
  for (let i = 0; i < groups.length; i++) {
    const group = groups[i] as string;
    if (/^[0-9a-fA-F]{1,4}$/.test(group)) {
      const value = parseInt(group, 16);
      out.push(value >> 8, value & 0xff);
      continue;
    }
    // A dotted quad may stand for the last two groups of the address.
    const quad = isTail && i === groups.length - 1 ? parseIpv4(group) : null;
    if (quad === null) return false;
    out.push(...quad);
  }
  return true;
}

/** The sixteen bytes of an IPv6 address without zone, or null. */
export function parseIpv6(text: string): Uint8Array | null {
  const halves = text.split("::");
  if (halves.length > 2) return null;
  const isCompressed = halves.length === 2;
  const head: number[] = [];
  const tail: number[] = [];
  if (!appendGroups(halves[0] as string, !isCompressed, head)) return null;
  if (isCompressed && !appendGroups(halves[1] as string, true, tail)) {
    return null;
  }
  const count = head.length + tail.length;
  // "::" stands for at least one group.
  if (isCompressed ? count > 14 : count !== 16) return null;
  const bytes = new Uint8Array(16);
  bytes.set(head);
  bytes.set(tail, 16 - tail.length);
  return bytes;
}

/** Start and length, in groups, of the first longest run of zero groups. */
function longestZeroRun(groups: readonly number[]): [number, number] {
  let bestStart = 0;
  let bestLength = 0;
  let length = 0;
  for (let i = 0; i < groups.length; i++) {
    length = groups[i] === 0 ? length + 1 : 0;
    if (length > bestLength) {
      bestLength = length;
      bestStart = i - length + 1;
    }
  }
  return [bestStart, bestLength];
}

/** The text of sixteen bytes in the form of RFC 5952. */
export function formatIpv6(bytes: Uint8Array): string {
  const groups: number[] = [];
  for (let i = 0; i < 16; i += 2) {
    groups.push((bytes[i] as number) << 8 | (bytes[i + 1] as number));
  }
  const [start, length] = longestZeroRun(groups);
  // RFC 5952 section 5: IPv4-mapped addresses end in a dotted quad.
  if (start === 0 && length === 5 && groups[5] === 0xffff) {
    return `::ffff:${formatIpv4(bytes.subarray(12, 16))}`;
  }
  const texts = groups.map((group) => group.toString(16));
  if (length < 2) return texts.join(":");
  const head = texts.slice(0, start).join(":");
  const tail = texts.slice(start + length).join(":");
  return `${head}::${tail}`;
}

/** 4 or 6 when `text` is an address of that IP version, else 0. */
export function parseIp(text: string): 4 | 6 | 0 {
  if (parseIpv4(text) !== null) return 4;
  return parseIpv6(text) !== null ? 6 : 0;
}
