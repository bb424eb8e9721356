// libzmq: zmq.h, mechanism.cpp (socket types) · runs on: any · RFC: 23

/** The socket types, with the numbers of libzmq's public header. */
export const SocketType = {
  PAIR: 0,
  PUB: 1,
  SUB: 2,
  REQ: 3,
  REP: 4,
  DEALER: 5,
  ROUTER: 6,
  PULL: 7,
  PUSH: 8,
  XPUB: 9,
  XSUB: 10,
} as const;

/** One of the numbers in `SocketType`. */
export type SocketType = typeof SocketType[keyof typeof SocketType];

/** The value of the "Socket-Type" property that announces a type. */
export type SocketTypeName = keyof typeof SocketType;

interface SocketTypeRow {
  readonly name: SocketTypeName;
  readonly peers: readonly SocketTypeName[];
  readonly sends: boolean;
  readonly receives: boolean;
  readonly announcesRoutingId: boolean;
  readonly usesPeerRoutingId: boolean;
  readonly skipsDuplicateConnect: boolean;
}

function row(
  name: SocketTypeName,
  peers: readonly SocketTypeName[],
  flags: string,
): SocketTypeRow {
  return {
    name,
    peers,
    sends: flags.includes("S"),
    receives: flags.includes("R"),
    announcesRoutingId: flags.includes("A"),
    usesPeerRoutingId: flags.includes("U"),
    skipsDuplicateConnect: flags.includes("D"),
  };
}

// Indexed by SocketType. Flags: S sends, R receives, A announces its routing
// id, U uses the peer's, D skips duplicate connects. RFC 23, "The Socket-Type
// Property" (legal peers) and "The Identity Property" (who announces one).
const ROWS: readonly SocketTypeRow[] = [
  row("PAIR", ["PAIR"], "SR"),
  row("PUB", ["SUB", "XSUB"], "SD"),
  row("SUB", ["PUB", "XPUB"], "RD"),
  row("REQ", ["REP", "ROUTER"], "SRAD"),
  row("REP", ["REQ", "DEALER"], "SR"),
  row("DEALER", ["REP", "DEALER", "ROUTER"], "SRAD"),
  row("ROUTER", ["REQ", "DEALER", "ROUTER"], "SRAU"),
  row("PULL", ["PUSH"], "R"),
  row("PUSH", ["PULL"], "S"),
  row("XPUB", ["SUB", "XSUB"], "SR"),
  row("XSUB", ["PUB", "XPUB"], "SR"),
];

function rowOf(type: SocketType): SocketTypeRow {
  const found = ROWS[type];
  // Only a cast can get here; arguments pass `isSocketType` first.
  if (found === undefined) throw new RangeError(`No socket type ${type}`);
  return found;
}

/** How many socket types there are; their numbers are 0 up to here. */
export const SOCKET_TYPE_COUNT: number = ROWS.length;

/** Whether a number names a socket type that can be created. */
export function isSocketType(value: number): value is SocketType {
  return Number.isInteger(value) && value >= 0 && value < ROWS.length;
}

/** The name a type has on the wire. */
export function socketTypeName(type: SocketType): SocketTypeName {
  return rowOf(type).name;
}

/** The type with a wire name, or -1. Names are compared exactly. */
export function socketTypeFromName(name: string): SocketType | -1 {
  for (let type = 0; type < ROWS.length; type++) {
    if (ROWS[type]?.name === name) return type as SocketType;
  }
  return -1;
}

/** Whether RFC 23 lets a socket of this type talk to one of that wire name. */
export function legalPeer(mine: SocketType, theirs: string): boolean {
  return (rowOf(mine).peers as readonly string[]).includes(theirs);
}

/** Whether applications may send on the type. */
export function canSend(type: SocketType): boolean {
  return rowOf(type).sends;
}

/** Whether applications may receive on the type. */
export function canReceive(type: SocketType): boolean {
  return rowOf(type).receives;
}

/** Whether the type tells its peers its routing id (property "Identity"). */
export function announcesRoutingId(type: SocketType): boolean {
  return rowOf(type).announcesRoutingId;
}

/** Whether the type looks at its peers' routing ids. */
export function recvRoutingId(type: SocketType): boolean {
  return rowOf(type).usesPeerRoutingId;
}

/** Whether connecting twice to the same endpoint makes one connection only. */
export function skipsDuplicateConnect(type: SocketType): boolean {
  return rowOf(type).skipsDuplicateConnect;
}
