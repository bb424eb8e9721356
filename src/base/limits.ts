// libzmq: config.hpp · runs on: any · RFC: 23

// Every bound that a peer or a user can run into, with its unit and its reason.

/** Octets of one command during the handshake; longer ones close at the header. */
export const HANDSHAKE_COMMAND_BYTES_MAX: number = 8 * 1024;

/** Properties in one metadata list: enough for any application, too few to hurt. */
export const METADATA_PROPERTIES_MAX = 64;

/** Octets of a property's name (its size has one octet; RFC 23). */
export const METADATA_NAME_BYTES_MAX = 255;

/** Octets of a routing id, ours or a peer's (RFC 23: identity = 0*255OCTET). */
export const ROUTING_ID_BYTES_MAX = 255;

/** Octets of a PING's context, which the PONG has to echo (RFC 37). */
export const PING_CONTEXT_BYTES_MAX = 16;

/** Octets of a subscription prefix: megabytes of topic only waste matching time. */
export const TOPIC_BYTES_MAX: number = 1024 * 1024;

/** Octets of a command once traffic flows: SUBSCRIBE with the longest topic. */
export const COMMAND_BYTES_MAX: number = 10 + TOPIC_BYTES_MAX;

/** Octets of any text option (libzmq's bound). */
export const OPTION_TEXT_BYTES_MAX = 255;

/**
 * Octets of an inproc name: 256 characters (zmq_inproc(7)) in UTF-8. The
 * context's registry has that much room for each.
 */
export const INPROC_NAME_BYTES_MAX: number = 256 * 4;

/**
 * Octets of an ipc path on Linux, where `sun_path` has 108 with its final NUL.
 * Other systems have less, which the binder knows.
 */
export const IPC_PATH_BYTES_MAX = 107;

/** Octets of the name in `shm://name`: a queue's has 200, with "zmq." before. */
export const SHM_NAME_BYTES_MAX = 196;

/**
 * Slots and octets of a slot of `shm://` unless the endpoint says otherwise:
 * room for a burst of 4096 small messages, or for one of 4 MiB.
 */
export const SHM_SLOTS_DEFAULT = 4096;
export const SHM_SLOT_BYTES_DEFAULT = 1024;

/** Characters of a host in an endpoint: the longest legal DNS name, a zone, brackets. */
export const HOST_CHARACTERS_MAX = 320;

/** The largest TCP port. */
export const PORT_MAX = 65535;

/** Sockets of a context that are open or not yet reaped (libzmq's default). */
export const MAX_SOCKETS_DEFAULT = 1023;

/** The most sockets a context may be configured for. */
export const MAX_SOCKETS_LIMIT = 65535;

/** I/O workers of a context: one bit each in the affinity mask. */
export const IO_THREADS_MAX = 64;

/** Milliseconds of a handshake unless the option says otherwise (libzmq's). */
export const HANDSHAKE_INTERVAL_MS_DEFAULT = 30_000;
