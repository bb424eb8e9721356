// libzmq: tcp_listener.cpp, tcp_connecter.cpp · runs on: io thread · RFC: –

import { parseIp } from "../../../ffi/mod.ts";
import { parseEndpoint } from "../../base/endpoint.ts";
import type { HostPort, TcpEndpoint } from "../../base/endpoint.ts";
import type { SocketOptions } from "../../base/options.ts";
import type {
  Connecter,
  Engine,
  IoContext,
  Listener,
  SessionPort,
  Transport,
} from "../../core/transport.ts";
import { engineBuffers } from "../engine_factory.ts";
import { ZmtpEngine } from "../../engine/zmtp_engine.ts";
import { resolverOf } from "../resolver.ts";
import { StreamConnecter } from "../stream_connecter.ts";
import { StreamListener } from "../stream_listener.ts";
import type { StreamProtocol, StreamTarget } from "../stream_protocol.ts";
import {
  interfaceAddress,
  isSelfConnection,
  literalAddress,
  lookedUpAddress,
  peerEndpoint,
} from "./tcp_address.ts";
import type { TcpAddress } from "./tcp_address.ts";
import { tuneTcpConnection, tuneTcpSocket } from "./tcp_options.ts";

const TCP: StreamProtocol = {
  protocols: ["tcp"],
  tune: tuneTcpConnection,
  tuneConnecting: tuneTcpSocket,
  isSelfConnection,
  peerText: peerEndpoint,
};

/** `tcp://` */
export class TcpTransport implements Transport {
  readonly protocols: readonly string[] = TCP.protocols;

  accept(
    io: IoContext,
    fd: number,
    _endpoint: string,
    options: SocketOptions,
    accepted: (fd: number) => void,
  ): Listener {
    return new StreamListener(io, fd, (connection) => {
      tuneTcpConnection(connection, options);
      accepted(connection);
    }, () => {});
  }

  connect(io: IoContext, session: SessionPort, wait: boolean): Connecter {
    const endpoint = parseEndpoint(session.endpoint, "connect") as TcpEndpoint;
    return new StreamConnecter(
      io,
      session,
      TCP,
      (found) => resolve(io, endpoint, session.options.ipv6, found),
      (fd) => this.createEngine(io, fd, session),
      wait,
    );
  }

  createEngine(io: IoContext, fd: number, session: SessionPort): Engine {
    return new ZmtpEngine(io, fd, session, engineBuffers(io));
  }
}

/** Finds the address to connect to: literals at once, names by the resolver. */
function resolve(
  io: IoContext,
  endpoint: TcpEndpoint,
  ipv6: boolean,
  found: (target: StreamTarget | null) => void,
): () => void {
  const { host, port, zone, source } = endpoint;
  const finish = (address: TcpAddress | null) => {
    if (address === null) {
      found(null);
      return;
    }
    const from = source === null ? null : sourceAddress(source, ipv6);
    if (source !== null && from === null) found(null);
    else found({ ...address, source: from?.sockaddr ?? null });
  };
  if (parseIp(host) !== 0) {
    finish(literalAddress(host, zone, port, ipv6));
    return () => {};
  }
  return resolverOf(io).lookup(host, ipv6 ? 0 : 4, (addresses) => {
    const first = addresses[0];
    finish(first === undefined ? null : lookedUpAddress(first, port));
  });
}

/** Local address of a connection: literal, interface, or localhost. */
function sourceAddress(source: HostPort, ipv6: boolean): TcpAddress | null {
  const { host, port, zone } = source;
  if (host === "localhost") {
    return literalAddress("127.0.0.1", "", port, ipv6);
  }
  return literalAddress(host, zone, port, ipv6) ??
    interfaceAddress(host, port, ipv6);
}
