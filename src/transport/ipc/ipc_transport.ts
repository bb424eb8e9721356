// libzmq: ipc_listener.cpp, ipc_connecter.cpp, ipc_address.cpp · runs on: app thread and io thread · RFC: –

import {
  bindSocket,
  closeFd,
  constants,
  errnoName,
  listenSocket,
  makeTempDir,
  openSocket,
  removeDir,
  setSockOptInt,
  sockaddrUn,
  unlinkPath,
} from "../../../ffi/mod.ts";
import { assert } from "../../base/assert.ts";
import { parseEndpoint } from "../../base/endpoint.ts";
import type { Endpoint, IpcEndpoint } from "../../base/endpoint.ts";
import { systemError, ZmqError } from "../../base/errors.ts";
import type { SocketOptions } from "../../base/options.ts";
import type {
  Connecter,
  Engine,
  IoContext,
  Listener,
  Listening,
  SessionPort,
  Transport,
} from "../../core/transport.ts";
import { ZmtpEngine } from "../../engine/zmtp_engine.ts";
import { engineBuffers } from "../engine_factory.ts";
import { StreamConnecter } from "../stream_connecter.ts";
import { StreamListener } from "../stream_listener.ts";
import type { StreamProtocol } from "../stream_protocol.ts";

/** File within the directory that `ipc://*` makes. */
const WILDCARD_FILE = "socket";

/** Names of such directories begin so. */
const WILDCARD_DIRECTORY_PREFIX = "purezmq-";

const IPC: StreamProtocol = {
  protocols: ["ipc"],
  tune: () => {},
  tuneConnecting: tuneIpcSocket,
  isSelfConnection: () => false,
  peerText: () => "ipc://",
};

/** `ipc://`: Unix-domain sockets. */
export class IpcTransport implements Transport {
  readonly protocols: readonly string[] = IPC.protocols;

  listen(endpoint: Endpoint, options: SocketOptions): Listening {
    assert(endpoint.protocol === "ipc", "ipc listens on ipc endpoints");
    const name = endpoint.wildcard ? wildcardPath() : nameOf(endpoint);
    const fd = openSocket(constants.AF_UNIX);
    if (fd < 0) throw systemError(errnoName(-fd), fd);
    tuneIpcSocket(fd, options);
    // A file that a former process left behind would be in the way.
    if (!name.startsWith("@")) unlinkPath(name);
    let result = bindSocket(fd, sockaddrOf(name));
    if (result >= 0) result = listenSocket(fd, options.backlog);
    if (result < 0) {
      closeFd(fd);
      if (endpoint.wildcard) removeWildcard(name);
      throw systemError(errnoName(-result), result);
    }
    return { fd, endpoint: `ipc://${name}` };
  }

  accept(
    io: IoContext,
    fd: number,
    endpoint: string,
    _options: SocketOptions,
    accepted: (fd: number, peer: string) => void,
  ): Listener {
    return new StreamListener(
      io,
      fd,
      (connection) => accepted(connection, endpoint),
      () => {
        const name = endpoint.slice("ipc://".length);
        if (isWildcard(name)) removeWildcard(name);
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

function tuneIpcSocket(fd: number, options: SocketOptions): void {
  const { sendBufferSize, receiveBufferSize } = options;
  const { SOL_SOCKET } = constants;
  if (sendBufferSize >= 0) {
    setSockOptInt(fd, SOL_SOCKET, constants.SO_SNDBUF, sendBufferSize);
  }
  if (receiveBufferSize >= 0) {
    setSockOptInt(fd, SOL_SOCKET, constants.SO_RCVBUF, receiveBufferSize);
  }
}

function nameOf(endpoint: IpcEndpoint): string {
  return endpoint.abstract ? `@${endpoint.path}` : endpoint.path;
}

function sockaddrOf(name: string): Uint8Array {
  const sockaddr = sockaddrUn(name);
  if (sockaddr === null) throw new ZmqError("ENAMETOOLONG");
  return sockaddr;
}

/** A path that nobody else has. */
function wildcardPath(): string {
  const directory = makeTempDir(WILDCARD_DIRECTORY_PREFIX);
  if (typeof directory === "number") {
    throw systemError(errnoName(-directory), directory);
  }
  return `${directory}/${WILDCARD_FILE}`;
}

function isWildcard(name: string): boolean {
  const parts = name.split("/");
  return parts.at(-1) === WILDCARD_FILE &&
    (parts.at(-2) ?? "").startsWith(WILDCARD_DIRECTORY_PREFIX);
}

function removeWildcard(name: string): void {
  unlinkPath(name);
  removeDir(name.slice(0, -(WILDCARD_FILE.length + 1)));
}
