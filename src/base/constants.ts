// libzmq: zmq.h · runs on: any · RFC: –

// Numbers of libzmq's public header that programs pass to the raw accessors
// and that have no row in the option table, because they are not values that
// a record could keep.

/** Adds a subscription; an operation in the shape of an option. */
export const OPTION_SUBSCRIBE = 6;
/** Removes a subscription. */
export const OPTION_UNSUBSCRIBE = 7;
/** Whether the part received last has more parts behind it. */
export const OPTION_RECEIVE_MORE = 13;
/** A descriptor that becomes readable when the socket wants attention. */
export const OPTION_FD = 14;
/** What the socket is ready for: `EVENT_IN`, `EVENT_OUT`. */
export const OPTION_EVENTS = 15;
/** The routing id that the next connect of a ROUTER gives its peer. */
export const OPTION_CONNECT_ROUTING_ID = 61;

/** A whole message can be received. */
export const EVENT_IN = 1;
/** A whole message can be sent. */
export const EVENT_OUT = 2;
