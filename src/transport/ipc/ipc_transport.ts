// libzmq: ipc_listener.cpp, ipc_connecter.cpp · runs on: io thread · RFC: –

import { constants } from "../../../ffi/mod.ts";
import { parseEndpoint } from "../../base/endpoint.ts";
import type { IpcEndpoint } from "../../base/endpoint.ts";
import type { SocketOptions } from "../../base/options.ts";
import type {
  Connecter,
  Engine,
  IoContext,
  Listener,
  SessionPort,
  Transport,
} from "../../core/transport.ts";
import { ZmtpEngine } from "../../engine/zmtp_engine.ts";
import { engineBuffers } from "../engine_factory.ts";
import { StreamConnecter } from "../stream_connecter.ts";
import { StreamListener } from "../stream_listener.ts";
import type { StreamProtocol } from "../stream_protocol.ts";
import { nameOf, removeWildcard, sockaddrOf } from "./ipc_address.ts";
import { tuneIpcSocket } from "./ipc_options.ts";

const IPC: StreamProtocol = {
  protocols: ["ipc"],
  tune: () => {},
  tuneConnecting: (fd, options) => (tuneIpcSocket(fd, options), 0),
  isSelfConnection: () => false,
  peerText: () => "ipc://",
};

/** `ipc://`: Unix-domain sockets. */
export class IpcTransport implements Transport {
  readonly protocols: readonly string[] = IPC.protocols;

  accept(
    io: IoContext,
    fd: number,
    endpoint: string,
    options: SocketOptions,
    accepted: (fd: number) => void,
    temporary = false,
  ): Listener {
    return new StreamListener(
      io,
      fd,
      (connection) => {
        // Nothing is inherited from the listening descriptor.
        tuneIpcSocket(connection, options);
        accepted(connection);
      },
      () => {
        if (temporary) removeWildcard(endpoint.slice("ipc://".length));
      },
    );
  }

  connect(io: IoContext, session: SessionPort, wait: boolean): Connecter {
    const endpoint = parseEndpoint(session.endpoint, "connect") as IpcEndpoint;
    const sockaddr = sockaddrOf(nameOf(endpoint));
    return new StreamConnecter(
      io,
      session,
      IPC,
      (found) => {
        found({ family: constants.AF_UNIX, sockaddr, source: null });
        return () => {};
      },
      (fd) => this.createEngine(io, fd, session),
      wait,
    );
  }

  createEngine(io: IoContext, fd: number, session: SessionPort): Engine {
    return new ZmtpEngine(io, fd, session, engineBuffers(io));
  }
}
