// libzmq: zmq.cpp (zmq_has, zmq_version) · runs on: any · RFC: –

/** Which optional parts of ZeroMQ there are. */
export interface Capability {
  /** Endpoints `ipc://`. */
  ipc: boolean;
  /** Endpoints `pgm://` and `epgm://` (multicast). */
  pgm: boolean;
  /** Endpoints `tipc://`. */
  tipc: boolean;
  /** Endpoints `norm://` (multicast). */
  norm: boolean;
  /** Encryption and authentication with the CURVE mechanism. */
  curve: boolean;
  /** Authentication with the GSSAPI mechanism. */
  gssapi: boolean;
  /** The socket types that libzmq calls drafts. */
  draft: boolean;
}

/** Which optional parts of ZeroMQ this package has. */
export const capability: Capability = {
  ipc: true,
  pgm: false,
  tipc: false,
  norm: false,
  curve: false,
  gssapi: false,
  draft: false,
};
