// libzmq: zmq.cpp (zmq_version) · runs on: any · RFC: –

/** The version of this package. */
export const VERSION: string = "0.1.0";

// The libzmq whose rules and options this package follows.
const LIBZMQ_VERSION = "4.3.5";

/**
 * The version of libzmq whose behaviour this package has. The package's own
 * version is another matter.
 */
export const version: string = LIBZMQ_VERSION;
