// libzmq: zmq_setsockopt(3), zmq_getsockopt(3) · runs on: app thread · RFC: –

import { SocketType } from "../base/socket_type.ts";
import { readOption, writeOption } from "./option_access.ts";
import type { SocketState } from "./socket_state.ts";

export { SocketType };

/** What stands behind a public socket. Internal to `src/api`. */
export let stateOf: (socket: SocketSettings) => SocketState;

/**
 * The options that sockets of all types have, as properties. Sockets are
 * instances of its subclasses.
 *
 * Durations are whole milliseconds. Unless noted otherwise an option acts on
 * later calls of `bind` and `connect` only, and setting it on a socket that has
 * an endpoint already makes the process emit a warning.
 *
 * All setters throw a TypeError for values of the wrong type, a
 * {@linkcode ZmqError} with code EINVAL for values out of bounds, and one with
 * code ENOTSOCK if the socket is closed; getters throw the latter, too.
 */
export abstract class SocketSettings {
  readonly #state: SocketState;

  static {
    stateOf = (socket) => socket.#state;
  }

  /**
   * Internal: use one of the socket classes.
   *
   * @param open Opens the socket for this object.
   */
  protected constructor(open: (owner: object) => object) {
    // Typed loosely so that no internal type shows up in public ones.
    this.#state = open(this) as SocketState;
  }

  /**
   * Which of the context's I/O workers may serve new connections: a bit mask,
   * bit 0 for the first worker. 0 leaves the choice to the load.
   *
   * @default {0}
   */
  get affinity(): number {
    return readOption(this.#state, "affinity") as number;
  }

  set affinity(value: number) {
    writeOption(this.#state, "affinity", value);
  }

  /**
   * How many connections the operating system may hold before they are
   * accepted, for `bind` over tcp and ipc.
   *
   * @default {100}
   */
  get backlog(): number {
    return readOption(this.#state, "backlog") as number;
  }

  set backlog(value: number) {
    writeOption(this.#state, "backlog", value);
  }

  /**
   * How long one attempt to connect may take, in milliseconds. 0 leaves it to
   * the operating system.
   *
   * @default {0}
   */
  get connectTimeout(): number {
    return readOption(this.#state, "connectTimeout") as number;
  }

  set connectTimeout(value: number) {
    writeOption(this.#state, "connectTimeout", value);
  }

  /**
   * This side's public CURVE key, 40 characters of Z85.
   *
   * Not supported yet: only the default can be set.
   *
   * @throws {ZmqError} ENOTSUP for any other value.
   * @default {null}
   */
  get curvePublicKey(): string | null {
    return readOption(this.#state, "curvePublicKey") as string | null;
  }

  set curvePublicKey(value: string | null) {
    writeOption(this.#state, "curvePublicKey", value);
  }

  /**
   * This side's secret CURVE key, 40 characters of Z85.
   *
   * Not supported yet: only the default can be set.
   *
   * @throws {ZmqError} ENOTSUP for any other value.
   * @default {null}
   */
  get curveSecretKey(): string | null {
    return readOption(this.#state, "curveSecretKey") as string | null;
  }

  set curveSecretKey(value: string | null) {
    writeOption(this.#state, "curveSecretKey", value);
  }

  /**
   * Whether this side is the server of the CURVE mechanism.
   *
   * Not supported yet: only the default can be set.
   *
   * @throws {ZmqError} ENOTSUP for any other value.
   * @default {false}
   */
  get curveServer(): boolean {
    return readOption(this.#state, "curveServer") as boolean;
  }

  set curveServer(value: boolean) {
    writeOption(this.#state, "curveServer", value);
  }

  /**
   * The CURVE server's public key, 40 characters of Z85.
   *
   * Not supported yet: only the default can be set.
   *
   * @throws {ZmqError} ENOTSUP for any other value.
   * @default {null}
   */
  get curveServerKey(): string | null {
    return readOption(this.#state, "curveServerKey") as string | null;
  }

  set curveServerKey(value: string | null) {
    writeOption(this.#state, "curveServerKey", value);
  }

  /**
   * How long a new connection's handshake may take, in milliseconds, before
   * the connection is closed. 0 means without end.
   *
   * @default {30000}
   */
  get handshakeInterval(): number {
    return readOption(this.#state, "handshakeInterval") as number;
  }

  set handshakeInterval(value: number) {
    writeOption(this.#state, "handshakeInterval", value);
  }

  /**
   * Milliseconds between the pings that are sent on a connection; 0 sends
   * none. Pings of peers are answered in any case.
   *
   * Not supported yet: only the default can be set.
   *
   * @throws {ZmqError} ENOTSUP for any other value.
   * @default {0}
   */
  get heartbeatInterval(): number {
    return readOption(this.#state, "heartbeatInterval") as number;
  }

  set heartbeatInterval(value: number) {
    writeOption(this.#state, "heartbeatInterval", value);
  }

  /**
   * How long the peer shall wait for traffic, in milliseconds, before it
   * takes the connection for dead.
   *
   * Not supported yet: only the default can be set.
   *
   * @throws {ZmqError} ENOTSUP for any other value.
   * @default {0}
   */
  get heartbeatTimeToLive(): number {
    return readOption(this.#state, "heartbeatTimeToLive") as number;
  }

  set heartbeatTimeToLive(value: number) {
    writeOption(this.#state, "heartbeatTimeToLive", value);
  }

  /**
   * How long to wait for the answer to a ping, in milliseconds; -1 means as
   * long as `heartbeatInterval`.
   *
   * Not supported yet: only the default can be set.
   *
   * @throws {ZmqError} ENOTSUP for any other value.
   * @default {-1}
   */
  get heartbeatTimeout(): number {
    return readOption(this.#state, "heartbeatTimeout") as number;
  }

  set heartbeatTimeout(value: number) {
    writeOption(this.#state, "heartbeatTimeout", value);
  }

  /**
   * Whether messages are queued for completed connections only. By default a
   * socket queues for a peer from `connect` on, and such messages are lost if
   * the socket disconnects before the peer was there.
   *
   * @default {false}
   */
  get immediate(): boolean {
    return readOption(this.#state, "immediate") as boolean;
  }

  set immediate(value: boolean) {
    writeOption(this.#state, "immediate", value);
  }

  /**
   * Name of the network device that connections are tied to, such as
   * `"eth1"`; `null` for any. Linux only.
   *
   * @default {null}
   */
  get interface(): string | null {
    return readOption(this.#state, "interface") as string | null;
  }

  set interface(value: string | null) {
    writeOption(this.#state, "interface", value);
  }

  /**
   * Whether endpoints may be IPv6 addresses, and names resolve to them. Such
   * sockets accept IPv4 connections as well.
   *
   * @default {false, or the context's `ipv6`}
   */
  get ipv6(): boolean {
    return readOption(this.#state, "ipv6") as boolean;
  }

  set ipv6(value: boolean) {
    writeOption(this.#state, "ipv6", value);
  }

  /**
   * How long messages that are not yet sent outlive `close` and the end of
   * the program, in milliseconds: -1 until they are delivered, 0 not at all.
   * Takes effect at once.
   *
   * @default {-1; 0 for `Subscriber` and `XSubscriber`, and if the context is
   * not `blocky`}
   */
  get linger(): number {
    return readOption(this.#state, "linger") as number;
  }

  set linger(value: number) {
    writeOption(this.#state, "linger", value);
  }

  /**
   * A faster loopback on old versions of Windows.
   *
   * Not supported yet: only the default can be set.
   *
   * @throws {ZmqError} ENOTSUP for any other value.
   * @default {false}
   */
  get loopbackFastPath(): boolean {
    return readOption(this.#state, "loopbackFastPath") as boolean;
  }

  set loopbackFastPath(value: boolean) {
    writeOption(this.#state, "loopbackFastPath", value);
  }

  /**
   * The largest message part a peer may send, in bytes; a connection that
   * announces a larger one is closed. -1 means no limit.
   *
   * @default {-1}
   */
  get maxMessageSize(): number {
    return readOption(this.#state, "maxMessageSize") as number;
  }

  set maxMessageSize(value: number) {
    writeOption(this.#state, "maxMessageSize", value);
  }

  /**
   * The largest packet of a multicast transport, in bytes.
   *
   * Not supported yet: only the default can be set.
   *
   * @throws {ZmqError} ENOTSUP for any other value.
   * @default {1500}
   */
  get multicastMaxTransportDataUnit(): number {
    return readOption(this.#state, "multicastMaxTransportDataUnit") as number;
  }

  set multicastMaxTransportDataUnit(value: number) {
    writeOption(this.#state, "multicastMaxTransportDataUnit", value);
  }

  /**
   * The password this side gives in the PLAIN mechanism.
   *
   * Not supported yet: only the default can be set.
   *
   * @throws {ZmqError} ENOTSUP for any other value.
   * @default {null}
   */
  get plainPassword(): string | null {
    return readOption(this.#state, "plainPassword") as string | null;
  }

  set plainPassword(value: string | null) {
    writeOption(this.#state, "plainPassword", value);
  }

  /**
   * Whether this side is the server of the PLAIN mechanism.
   *
   * Not supported yet: only the default can be set.
   *
   * @throws {ZmqError} ENOTSUP for any other value.
   * @default {false}
   */
  get plainServer(): boolean {
    return readOption(this.#state, "plainServer") as boolean;
  }

  set plainServer(value: boolean) {
    writeOption(this.#state, "plainServer", value);
  }

  /**
   * The user name this side gives in the PLAIN mechanism.
   *
   * Not supported yet: only the default can be set.
   *
   * @throws {ZmqError} ENOTSUP for any other value.
   * @default {null}
   */
  get plainUsername(): string | null {
    return readOption(this.#state, "plainUsername") as string | null;
  }

  set plainUsername(value: string | null) {
    writeOption(this.#state, "plainUsername", value);
  }

  /**
   * The rate of a multicast transport, in kilobits per second.
   *
   * Not supported yet: only the default can be set.
   *
   * @throws {ZmqError} ENOTSUP for any other value.
   * @default {100}
   */
  get rate(): number {
    return readOption(this.#state, "rate") as number;
  }

  set rate(value: number) {
    writeOption(this.#state, "rate", value);
  }

  /**
   * How long to wait before a lost or refused connection is tried again, in
   * milliseconds. Attempts are spread a little at random. -1 means never.
   *
   * @default {100}
   */
  get reconnectInterval(): number {
    return readOption(this.#state, "reconnectInterval") as number;
  }

  set reconnectInterval(value: number) {
    writeOption(this.#state, "reconnectInterval", value);
  }

  /**
   * Where the doubling of `reconnectInterval` stops, in milliseconds. 0 means
   * that the interval never grows.
   *
   * @default {0}
   */
  get reconnectMaxInterval(): number {
    return readOption(this.#state, "reconnectMaxInterval") as number;
  }

  set reconnectMaxInterval(value: number) {
    writeOption(this.#state, "reconnectMaxInterval", value);
  }

  /**
   * How long a multicast receiver may be away without loss, in milliseconds.
   *
   * Not supported yet: only the default can be set.
   *
   * @throws {ZmqError} ENOTSUP for any other value.
   * @default {10000}
   */
  get recoveryInterval(): number {
    return readOption(this.#state, "recoveryInterval") as number;
  }

  set recoveryInterval(value: number) {
    writeOption(this.#state, "recoveryInterval", value);
  }

  /**
   * The SOCKS5 proxy for tcp connections, as `host:port`.
   *
   * Not supported yet: only the default can be set.
   *
   * @throws {ZmqError} ENOTSUP for any other value.
   * @default {null}
   */
  get socksProxy(): string | null {
    return readOption(this.#state, "socksProxy") as string | null;
  }

  set socksProxy(value: string | null) {
    writeOption(this.#state, "socksProxy", value);
  }

  /**
   * Which addresses may connect over tcp.
   *
   * Not supported yet: only the default can be set.
   *
   * @throws {ZmqError} ENOTSUP for any other value.
   * @default {null}
   */
  get tcpAcceptFilter(): string | null {
    return readOption(this.#state, "tcpAcceptFilter") as string | null;
  }

  set tcpAcceptFilter(value: string | null) {
    writeOption(this.#state, "tcpAcceptFilter", value);
  }

  /**
   * SO_KEEPALIVE of tcp connections: 1 on, 0 off, -1 as the operating system
   * likes.
   *
   * @default {-1}
   */
  get tcpKeepalive(): number {
    return readOption(this.#state, "tcpKeepalive") as number;
  }

  set tcpKeepalive(value: number) {
    writeOption(this.#state, "tcpKeepalive", value);
  }

  /**
   * TCP_KEEPCNT of tcp connections: unanswered probes before the peer is
   * given up; -1 as the operating system likes.
   *
   * @default {-1}
   */
  get tcpKeepaliveCount(): number {
    return readOption(this.#state, "tcpKeepaliveCount") as number;
  }

  set tcpKeepaliveCount(value: number) {
    writeOption(this.#state, "tcpKeepaliveCount", value);
  }

  /**
   * TCP_KEEPIDLE of tcp connections: seconds of silence before the first
   * probe; -1 as the operating system likes.
   *
   * @default {-1}
   */
  get tcpKeepaliveIdle(): number {
    return readOption(this.#state, "tcpKeepaliveIdle") as number;
  }

  set tcpKeepaliveIdle(value: number) {
    writeOption(this.#state, "tcpKeepaliveIdle", value);
  }

  /**
   * TCP_KEEPINTVL of tcp connections: seconds between probes; -1 as the
   * operating system likes.
   *
   * @default {-1}
   */
  get tcpKeepaliveInterval(): number {
    return readOption(this.#state, "tcpKeepaliveInterval") as number;
  }

  set tcpKeepaliveInterval(value: number) {
    writeOption(this.#state, "tcpKeepaliveInterval", value);
  }

  /**
   * How long sent data may stay unacknowledged, in milliseconds, before a tcp
   * connection is given up (TCP_USER_TIMEOUT). 0 leaves it to the operating
   * system.
   *
   * @default {0}
   */
  get tcpMaxRetransmitTimeout(): number {
    return readOption(this.#state, "tcpMaxRetransmitTimeout") as number;
  }

  set tcpMaxRetransmitTimeout(value: number) {
    writeOption(this.#state, "tcpMaxRetransmitTimeout", value);
  }

  /**
   * The type-of-service octet (DSCP and ECN) of packets.
   *
   * @default {0}
   */
  get typeOfService(): number {
    return readOption(this.#state, "typeOfService") as number;
  }

  set typeOfService(value: number) {
    writeOption(this.#state, "typeOfService", value);
  }

  /**
   * Buffer of the VMCI transport, in bytes.
   *
   * Not supported yet: only the default can be set.
   *
   * @throws {ZmqError} ENOTSUP for any other value.
   * @default {0}
   */
  get vmciBufferSize(): number {
    return readOption(this.#state, "vmciBufferSize") as number;
  }

  set vmciBufferSize(value: number) {
    writeOption(this.#state, "vmciBufferSize", value);
  }

  /**
   * Smallest buffer of the VMCI transport, in bytes.
   *
   * Not supported yet: only the default can be set.
   *
   * @throws {ZmqError} ENOTSUP for any other value.
   * @default {0}
   */
  get vmciBufferMinSize(): number {
    return readOption(this.#state, "vmciBufferMinSize") as number;
  }

  set vmciBufferMinSize(value: number) {
    writeOption(this.#state, "vmciBufferMinSize", value);
  }

  /**
   * Largest buffer of the VMCI transport, in bytes.
   *
   * Not supported yet: only the default can be set.
   *
   * @throws {ZmqError} ENOTSUP for any other value.
   * @default {0}
   */
  get vmciBufferMaxSize(): number {
    return readOption(this.#state, "vmciBufferMaxSize") as number;
  }

  set vmciBufferMaxSize(value: number) {
    writeOption(this.#state, "vmciBufferMaxSize", value);
  }

  /**
   * Time for connecting over the VMCI transport, in milliseconds.
   *
   * Not supported yet: only the default can be set.
   *
   * @throws {ZmqError} ENOTSUP for any other value.
   * @default {-1}
   */
  get vmciConnectTimeout(): number {
    return readOption(this.#state, "vmciConnectTimeout") as number;
  }

  set vmciConnectTimeout(value: number) {
    writeOption(this.#state, "vmciConnectTimeout", value);
  }

  /**
   * The domain that authentication requests (ZAP) name.
   *
   * Not supported yet: only the default can be set.
   *
   * @throws {ZmqError} ENOTSUP for any other value.
   * @default {null}
   */
  get zapDomain(): string | null {
    return readOption(this.#state, "zapDomain") as string | null;
  }

  set zapDomain(value: string | null) {
    writeOption(this.#state, "zapDomain", value);
  }

  /**
   * Whether authentication demands a `zapDomain`.
   *
   * Not supported yet: only the default can be set.
   *
   * @throws {ZmqError} ENOTSUP for any other value.
   * @default {false}
   */
  get zapEnforceDomain(): boolean {
    return readOption(this.#state, "zapEnforceDomain") as boolean;
  }

  set zapEnforceDomain(value: boolean) {
    writeOption(this.#state, "zapEnforceDomain", value);
  }

  /**
   * The endpoint of the last `bind` or `connect`, with wildcards replaced by
   * what was chosen; `null` before the first.
   */
  get lastEndpoint(): string | null {
    return readOption(this.#state, "lastEndpoint") as string | null;
  }

  /**
   * The security mechanism in use; `null` means none.
   */
  get securityMechanism(): null | "plain" | "curve" | "gssapi" {
    return readOption(this.#state, "securityMechanism") as
      | null
      | "plain"
      | "curve"
      | "gssapi";
  }

  /**
   * Whether several threads may use the socket at once. Always false here.
   */
  get threadSafe(): boolean {
    return readOption(this.#state, "threadSafe") as boolean;
  }

  /**
   * The kind of socket, as the number that libzmq gives it.
   */
  get type(): SocketType {
    return readOption(this.#state, "type") as SocketType;
  }
}
