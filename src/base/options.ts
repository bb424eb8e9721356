// libzmq: options.{hpp,cpp} · runs on: any · RFC: –

import { HANDSHAKE_INTERVAL_MS_DEFAULT } from "./limits.ts";
import { SocketType } from "./socket_type.ts";

/** How far an XPUB reports repeated subscriptions to its application. */
export type Verbosity = null | "allSubs" | "allSubsUnsubs";

/**
 * The options of one socket. Every socket has all fields, whatever its type,
 * so that all records have one shape; which of them a type offers to its users
 * is the option table's business. Durations are milliseconds, -1 means without
 * end or as the operating system likes.
 *
 * Values are stored as the library uses them: what the application writes goes
 * through the validators of the option table first.
 */
export interface SocketOptions {
  /** The socket's type; never changes. */
  type: SocketType;
  /** The endpoint of the last bind or connect, wildcards resolved. */
  lastEndpoint: string | null;

  // Queues and sending.
  sendHighWaterMark: number;
  receiveHighWaterMark: number;
  linger: number;
  sendTimeout: number;
  receiveTimeout: number;
  immediate: boolean;
  conflate: boolean;
  maxMessageSize: number;
  /** Bit mask of the I/O workers new connections may use; 0 = any. */
  affinity: number;

  // Connections.
  ipv6: boolean;
  reconnectInterval: number;
  /** 0: no back-off; otherwise where the doubling stops. */
  reconnectMaxInterval: number;
  backlog: number;
  connectTimeout: number;
  handshakeInterval: number;
  tcpKeepalive: number;
  tcpKeepaliveCount: number;
  tcpKeepaliveIdle: number;
  tcpKeepaliveInterval: number;
  tcpMaxRetransmitTimeout: number;
  sendBufferSize: number;
  receiveBufferSize: number;
  typeOfService: number;
  /** Name of the network device connections are tied to. */
  interface: string | null;

  // Patterns.
  /** What the socket calls itself towards ROUTERs; empty = nothing. */
  routingId: Uint8Array;
  mandatory: boolean;
  handover: boolean;
  probeRouter: boolean;
  correlate: boolean;
  relaxed: boolean;
  noDrop: boolean;
  manual: boolean;
  /** What an XPUB sends to each new peer first; empty = nothing. */
  welcomeMessage: Uint8Array;
  invertMatching: boolean;
  verbosity: Verbosity;

  // Told to users, never set by them.
  securityMechanism: null;
  threadSafe: boolean;

  // Not built yet: always their defaults, because setting others is refused.
  heartbeatInterval: number;
  heartbeatTimeToLive: number;
  heartbeatTimeout: number;
  plainServer: boolean;
  plainUsername: string | null;
  plainPassword: string | null;
  curveServer: boolean;
  curvePublicKey: string | null;
  curveSecretKey: string | null;
  curveServerKey: string | null;
  zapDomain: string | null;
  zapEnforceDomain: boolean;
  gssapiServer: boolean;
  gssapiPrincipal: string | null;
  gssapiServicePrincipal: string | null;
  gssapiPlainText: boolean;
  gssapiPrincipalNameType: GssapiNameType;
  gssapiServicePrincipalNameType: GssapiNameType;
  socksProxy: string | null;
  tcpAcceptFilter: string | null;
  loopbackFastPath: boolean;
  rate: number;
  recoveryInterval: number;
  multicastHops: number;
  multicastMaxTransportDataUnit: number;
  vmciBufferSize: number;
  vmciBufferMinSize: number;
  vmciBufferMaxSize: number;
  vmciConnectTimeout: number;
}

/** How a GSSAPI principal's name is to be read. */
export type GssapiNameType = "hostBased" | "userName" | "krb5Principal";

/** The name of a socket option. */
export type OptionName = keyof SocketOptions;

/** The context options that new sockets start from. */
export interface OptionDefaults {
  /** Whether sockets start with IPv6 enabled. */
  readonly ipv6: boolean;
  /** Whether sockets start lingering without end; false: with linger 0. */
  readonly blocky: boolean;
}

const CONTEXT_DEFAULTS: OptionDefaults = { ipv6: false, blocky: true };

/** What a subscriber has to say is not worth waiting for at the end. */
function defaultLinger(type: SocketType, blocky: boolean): number {
  if (type === SocketType.SUB || type === SocketType.XSUB) return 0;
  return blocky ? -1 : 0;
}

/** Options that are not built yet: always these values. */
const UNSUPPORTED_DEFAULTS = {
  heartbeatInterval: 0,
  heartbeatTimeToLive: 0,
  heartbeatTimeout: -1,
  plainServer: false,
  plainUsername: null,
  plainPassword: null,
  curveServer: false,
  curvePublicKey: null,
  curveSecretKey: null,
  curveServerKey: null,
  zapDomain: null,
  zapEnforceDomain: false,
  gssapiServer: false,
  gssapiPrincipal: null,
  gssapiServicePrincipal: null,
  gssapiPlainText: false,
  gssapiPrincipalNameType: "hostBased",
  gssapiServicePrincipalNameType: "hostBased",
  socksProxy: null,
  tcpAcceptFilter: null,
  loopbackFastPath: false,
  rate: 100,
  recoveryInterval: 10000,
  multicastHops: 1,
  multicastMaxTransportDataUnit: 1500,
  vmciBufferSize: 0,
  vmciBufferMinSize: 0,
  vmciBufferMaxSize: 0,
  vmciConnectTimeout: -1,
} as const;

/** The options of a fresh socket: a new record that the caller owns. */
export function defaultOptions(
  type: SocketType,
  context: OptionDefaults = CONTEXT_DEFAULTS,
): SocketOptions {
  return {
    type,
    lastEndpoint: null,
    sendHighWaterMark: 1000,
    receiveHighWaterMark: 1000,
    linger: defaultLinger(type, context.blocky),
    sendTimeout: -1,
    receiveTimeout: -1,
    immediate: false,
    conflate: false,
    maxMessageSize: -1,
    affinity: 0,
    ipv6: context.ipv6,
    reconnectInterval: 100,
    reconnectMaxInterval: 0,
    backlog: 100,
    connectTimeout: 0,
    handshakeInterval: HANDSHAKE_INTERVAL_MS_DEFAULT,
    tcpKeepalive: -1,
    tcpKeepaliveCount: -1,
    tcpKeepaliveIdle: -1,
    tcpKeepaliveInterval: -1,
    tcpMaxRetransmitTimeout: 0,
    sendBufferSize: -1,
    receiveBufferSize: -1,
    typeOfService: 0,
    interface: null,
    routingId: new Uint8Array(0),
    mandatory: false,
    handover: false,
    probeRouter: false,
    correlate: false,
    relaxed: false,
    noDrop: false,
    manual: false,
    welcomeMessage: new Uint8Array(0),
    invertMatching: false,
    verbosity: null,
    securityMechanism: null,
    threadSafe: false,
    ...UNSUPPORTED_DEFAULTS,
  };
}

/** Whether the type honours `conflate`; the others ignore it. */
export function canConflate(type: SocketType): boolean {
  return type === SocketType.DEALER || type === SocketType.PULL ||
    type === SocketType.PUSH || type === SocketType.PUB ||
    type === SocketType.SUB;
}
