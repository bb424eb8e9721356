// libzmq: options.{hpp,cpp} · runs on: any · RFC: –

import { ZmqError } from "./errors.ts";
import { defaultOptions, type OptionName } from "./options.ts";
import type { SocketOptions } from "./options.ts";
import {
  booleanValue,
  bytesValue,
  choiceValue,
  int64Value,
  integerValue,
  optionText,
  routingIdValue,
  textValue,
  uint64Value,
  type Validator,
} from "./option_values.ts";
import {
  canReceive,
  canSend,
  SOCKET_TYPE_COUNT,
  SocketType,
} from "./socket_type.ts";

/** How libzmq's interface would carry a value of the option. */
export type OptionKind =
  | "bool"
  | "int32"
  | "uint32"
  | "int64"
  | "uint64"
  | "string"
  | "bytes"
  | "choice";

/** Whether an option can be read, written, or both. */
export type OptionAccess = "rw" | "r" | "w";

/** What there is to know about one option. */
export interface OptionRow<N extends OptionName = OptionName> {
  readonly name: N;
  /** libzmq's number. */
  readonly id: number;
  readonly kind: OptionKind;
  readonly access: OptionAccess;
  /** Acts on connections that exist already; others wait for the next ones. */
  readonly live: boolean;
  /** Setting it on a socket with endpoints draws zeromq.js's warning. */
  readonly warns: boolean;
  /** The types whose class has a property of this name. */
  readonly types: readonly SocketType[];
  /** Through its number, sockets of the other types take the option too. */
  readonly anyType: boolean;
  /** False: the feature is not built, and only its default can be set. */
  readonly supported: boolean;
  /** Turns what an application wrote into what the record keeps, or throws. */
  readonly validate: Validator<SocketOptions[N]>;
}

/** The option table's type: one row for each field of the record. */
export type OptionTable = { readonly [N in OptionName]: OptionRow<N> };

const ALL: readonly SocketType[] = Array.from(
  { length: SOCKET_TYPE_COUNT },
  (_, type) => type as SocketType,
);
const WRITABLE: readonly SocketType[] = ALL.filter(canSend);
const READABLE: readonly SocketType[] = ALL.filter(canReceive);
const { PUB, SUB, REQ, REP, DEALER, ROUTER, PULL, PUSH, XPUB } = SocketType;

const DEFAULTS: SocketOptions = defaultOptions(SocketType.PAIR);

const PLAIN_INTEGER = integerValue(0);
const OR_MINUS_ONE = integerValue(-1);

/** What differs from the usual row: read and write, on all types, later. */
type RowChanges = Partial<
  Pick<OptionRow, "access" | "live" | "warns" | "types" | "anyType">
>;

function row<N extends OptionName>(
  name: N,
  id: number,
  kind: OptionKind,
  validate: Validator<SocketOptions[N]>,
  changes: RowChanges = {},
): OptionRow<N> {
  const access = changes.access ?? "rw";
  return {
    name,
    id,
    kind,
    access,
    live: changes.live ?? false,
    warns: access !== "r" && (changes.warns ?? true),
    types: changes.types ?? ALL,
    anyType: changes.anyType ?? true,
    supported: true,
    validate,
  };
}

/** A row of something that is told, never set. */
function readOnly<N extends OptionName>(
  name: N,
  id: number,
  kind: OptionKind,
): OptionRow<N> {
  const validate = (): never => {
    throw new ZmqError("EINVAL");
  };
  return row(name, id, kind, validate, { access: "r" });
}

/**
 * A row of an option whose feature is not built. Accepting a value would
 * promise what does not happen (for security options, a lie), so that only the
 * default passes.
 */
function unsupported<N extends OptionName>(
  name: N,
  id: number,
  kind: OptionKind,
  check: Validator<SocketOptions[N]>,
  changes: RowChanges = {},
): OptionRow<N> {
  const validate = (value: unknown): SocketOptions[N] => {
    const checked = check(value);
    if (checked !== DEFAULTS[name]) throw notSupported(name);
    return checked;
  };
  return { ...row(name, id, kind, validate, changes), supported: false };
}

function notSupported(name: OptionName): ZmqError {
  return new ZmqError("ENOTSUP", {
    message: `Operation not supported: option "${name}" is not implemented`,
  });
}

/** Acts at once, and setting it late is what one expects: no warning. */
const LIVE = { live: true, warns: false } as const;

/** An option of certain patterns that is known nowhere else. */
function patternSwitch<N extends BooleanOptionName>(
  name: N,
  id: number,
  types: readonly SocketType[],
  changes: RowChanges = LIVE,
): OptionRow<N> {
  return row(
    name,
    id,
    "bool",
    booleanValue as Validator<SocketOptions[N]>,
    { access: "w", anyType: false, types, ...changes },
  );
}

type BooleanOptionName = {
  [N in OptionName]: SocketOptions[N] extends boolean ? N : never;
}[OptionName];

const GSSAPI_NAME_TYPE = choiceValue("hostBased", "userName", "krb5Principal");

/** All socket options. */
export const OPTION_TABLE: OptionTable = {
  type: readOnly("type", 16, "int32"),
  lastEndpoint: readOnly("lastEndpoint", 32, "string"),

  sendHighWaterMark: row("sendHighWaterMark", 23, "int32", PLAIN_INTEGER, {
    ...LIVE,
    types: WRITABLE,
  }),
  receiveHighWaterMark: row(
    "receiveHighWaterMark",
    24,
    "int32",
    PLAIN_INTEGER,
    { ...LIVE, types: READABLE },
  ),
  linger: row("linger", 17, "int32", OR_MINUS_ONE, LIVE),
  sendTimeout: row("sendTimeout", 28, "int32", OR_MINUS_ONE, {
    ...LIVE,
    types: WRITABLE,
  }),
  receiveTimeout: row("receiveTimeout", 27, "int32", OR_MINUS_ONE, {
    ...LIVE,
    types: READABLE,
  }),
  immediate: row("immediate", 39, "bool", booleanValue),
  conflate: row("conflate", 54, "bool", booleanValue, {
    access: "w",
    types: [PUB, SUB, DEALER, PULL, PUSH],
  }),
  maxMessageSize: row("maxMessageSize", 22, "int64", int64Value),
  affinity: row("affinity", 4, "uint64", uint64Value),

  ipv6: row("ipv6", 42, "bool", booleanValue),
  reconnectInterval: row("reconnectInterval", 18, "int32", OR_MINUS_ONE),
  reconnectMaxInterval: row(
    "reconnectMaxInterval",
    21,
    "int32",
    PLAIN_INTEGER,
  ),
  backlog: row("backlog", 19, "int32", PLAIN_INTEGER),
  connectTimeout: row("connectTimeout", 79, "int32", PLAIN_INTEGER),
  handshakeInterval: row("handshakeInterval", 66, "int32", PLAIN_INTEGER),
  tcpKeepalive: row("tcpKeepalive", 34, "int32", integerValue(-1, 1)),
  tcpKeepaliveCount: row("tcpKeepaliveCount", 35, "int32", OR_MINUS_ONE),
  tcpKeepaliveIdle: row("tcpKeepaliveIdle", 36, "int32", OR_MINUS_ONE),
  tcpKeepaliveInterval: row("tcpKeepaliveInterval", 37, "int32", OR_MINUS_ONE),
  tcpMaxRetransmitTimeout: row(
    "tcpMaxRetransmitTimeout",
    80,
    "int32",
    PLAIN_INTEGER,
  ),
  sendBufferSize: row("sendBufferSize", 11, "int32", OR_MINUS_ONE, {
    types: WRITABLE,
  }),
  receiveBufferSize: row("receiveBufferSize", 12, "int32", OR_MINUS_ONE, {
    types: READABLE,
  }),
  typeOfService: row("typeOfService", 57, "uint32", PLAIN_INTEGER),
  interface: row("interface", 92, "string", textValue),

  routingId: row("routingId", 5, "bytes", routingIdValue, {
    types: [REQ, REP, DEALER, ROUTER],
  }),
  mandatory: patternSwitch("mandatory", 33, [ROUTER]),
  handover: patternSwitch("handover", 56, [ROUTER]),
  probeRouter: patternSwitch("probeRouter", 51, [REQ, DEALER, ROUTER]),
  correlate: patternSwitch("correlate", 52, [REQ]),
  relaxed: patternSwitch("relaxed", 53, [REQ]),
  noDrop: patternSwitch("noDrop", 69, [PUB, XPUB], { live: true }),
  manual: patternSwitch("manual", 71, [XPUB], { live: true }),
  welcomeMessage: row("welcomeMessage", 72, "bytes", bytesValue, {
    access: "w",
    live: true,
    types: [XPUB],
    anyType: false,
  }),
  invertMatching: row("invertMatching", 74, "bool", booleanValue, {
    live: true,
    types: [PUB, SUB, XPUB],
  }),
  verbosity: row(
    "verbosity",
    40,
    "choice",
    choiceValue(null, "allSubs", "allSubsUnsubs"),
    { access: "w", ...LIVE, types: [XPUB], anyType: false },
  ),

  securityMechanism: readOnly("securityMechanism", 43, "choice"),
  threadSafe: readOnly("threadSafe", 81, "bool"),

  heartbeatInterval: unsupported(
    "heartbeatInterval",
    75,
    "int32",
    PLAIN_INTEGER,
  ),
  heartbeatTimeToLive: unsupported(
    "heartbeatTimeToLive",
    76,
    "int32",
    integerValue(0, 6553599),
  ),
  heartbeatTimeout: unsupported(
    "heartbeatTimeout",
    77,
    "int32",
    OR_MINUS_ONE,
  ),
  plainServer: unsupported("plainServer", 44, "bool", booleanValue),
  plainUsername: unsupported("plainUsername", 45, "string", textValue),
  plainPassword: unsupported("plainPassword", 46, "string", textValue),
  curveServer: unsupported("curveServer", 47, "bool", booleanValue),
  curvePublicKey: unsupported("curvePublicKey", 48, "string", textValue),
  curveSecretKey: unsupported("curveSecretKey", 49, "string", textValue),
  curveServerKey: unsupported("curveServerKey", 50, "string", textValue),
  zapDomain: unsupported("zapDomain", 55, "string", textValue),
  zapEnforceDomain: unsupported("zapEnforceDomain", 93, "bool", booleanValue),
  gssapiServer: unsupported("gssapiServer", 62, "bool", booleanValue),
  gssapiPrincipal: unsupported("gssapiPrincipal", 63, "string", textValue),
  gssapiServicePrincipal: unsupported(
    "gssapiServicePrincipal",
    64,
    "string",
    textValue,
  ),
  gssapiPlainText: unsupported("gssapiPlainText", 65, "bool", booleanValue),
  gssapiPrincipalNameType: unsupported(
    "gssapiPrincipalNameType",
    90,
    "choice",
    GSSAPI_NAME_TYPE,
  ),
  gssapiServicePrincipalNameType: unsupported(
    "gssapiServicePrincipalNameType",
    91,
    "choice",
    GSSAPI_NAME_TYPE,
  ),
  socksProxy: unsupported("socksProxy", 68, "string", textValue),
  tcpAcceptFilter: unsupported("tcpAcceptFilter", 38, "string", textValue),
  loopbackFastPath: unsupported("loopbackFastPath", 94, "bool", booleanValue),
  rate: unsupported("rate", 8, "int32", integerValue(1)),
  recoveryInterval: unsupported("recoveryInterval", 9, "int32", PLAIN_INTEGER),
  multicastHops: unsupported("multicastHops", 25, "int32", integerValue(1), {
    types: WRITABLE,
  }),
  multicastMaxTransportDataUnit: unsupported(
    "multicastMaxTransportDataUnit",
    84,
    "int32",
    integerValue(1),
  ),
  vmciBufferSize: unsupported("vmciBufferSize", 85, "uint64", uint64Value),
  vmciBufferMinSize: unsupported(
    "vmciBufferMinSize",
    86,
    "uint64",
    uint64Value,
  ),
  vmciBufferMaxSize: unsupported(
    "vmciBufferMaxSize",
    87,
    "uint64",
    uint64Value,
  ),
  vmciConnectTimeout: unsupported(
    "vmciConnectTimeout",
    88,
    "int32",
    OR_MINUS_ONE,
  ),
};

/** The names of all options. */
export const OPTION_NAMES: readonly OptionName[] = Object.keys(
  OPTION_TABLE,
) as OptionName[];

/** libzmq's second number for `verbosity`, which reports cancels as well. */
export const OPTION_XPUB_VERBOSER = 78;

const BY_ID: ReadonlyMap<number, OptionRow> = new Map([
  ...OPTION_NAMES.map((name) =>
    [OPTION_TABLE[name].id, OPTION_TABLE[name] as OptionRow] as const
  ),
  [OPTION_XPUB_VERBOSER, OPTION_TABLE.verbosity as OptionRow] as const,
]);

/** The row with a number of libzmq's. */
export function optionById(id: number): OptionRow | undefined {
  return BY_ID.get(id);
}

/** Whether the class of a socket type has the option as a property. */
export function hasOption(type: SocketType, name: OptionName): boolean {
  return OPTION_TABLE[name].types.includes(type);
}

/**
 * Checks what an application wrote into an option and gives what the record is
 * to keep.
 *
 * @throws {TypeError} The value is of the wrong JavaScript type.
 * @throws {ZmqError} EINVAL: out of bounds, or the option is read-only;
 * ENOTSUP: the option's feature is not built.
 */
export function validateOption<N extends OptionName>(
  name: N,
  value: unknown,
): SocketOptions[N] {
  return OPTION_TABLE[name].validate(value);
}

/** What an application may see of an option. */
export type OptionReading = number | boolean | string | null | undefined;

/** Reads an option as an application sees it; undefined if write-only. */
export function readOption(
  options: SocketOptions,
  name: OptionName,
): OptionReading {
  if (OPTION_TABLE[name].access === "w") return undefined;
  const value = options[name];
  return value instanceof Uint8Array ? optionText(value) : value;
}
