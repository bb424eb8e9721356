// libzmq: msg.{hpp,cpp} (subscribe, cancel) · runs on: app thread · RFC: 37

import type { Pipe } from "../../core/pipe_contract.ts";

/** What the front frame of a pipe, a ZMTP command, asks for. */
export const SubscriptionKind = {
  OTHER: 0,
  SUBSCRIBE: 1,
  CANCEL: 2,
} as const;

/** One of the numbers in `SubscriptionKind`. */
export type SubscriptionKind =
  typeof SubscriptionKind[keyof typeof SubscriptionKind];

// RFC 37, "Commands": a command's name has its length in front.
const SUBSCRIBE: Uint8Array = new TextEncoder().encode("\x09SUBSCRIBE");
const CANCEL: Uint8Array = new TextEncoder().encode("\x06CANCEL");

/** Octets in front of the topic in a SUBSCRIBE body. */
export const SUBSCRIBE_NAME_BYTES: number = SUBSCRIBE.length;
/** Octets in front of the topic in a CANCEL body. */
export const CANCEL_NAME_BYTES: number = CANCEL.length;

/** The body of a SUBSCRIBE (or else CANCEL) command for a topic. */
export function subscriptionBody(
  subscribe: boolean,
  topic: Uint8Array,
): Uint8Array {
  const name = subscribe ? SUBSCRIBE : CANCEL;
  const body = new Uint8Array(name.length + topic.length);
  body.set(name);
  body.set(topic, name.length);
  return body;
}

/** What the command at the front of the pipe is. */
export function subscriptionKind(pipe: Pipe): SubscriptionKind {
  if (startsWith(pipe, SUBSCRIBE)) return SubscriptionKind.SUBSCRIBE;
  if (startsWith(pipe, CANCEL)) return SubscriptionKind.CANCEL;
  return SubscriptionKind.OTHER;
}

function startsWith(pipe: Pipe, name: Uint8Array): boolean {
  if (pipe.frameLength < name.length) return false;
  const bytes = pipe.frameBytes;
  const start = pipe.frameStart;
  for (let i = 0; i < name.length; i++) {
    if (bytes[start + i] !== name[i]) return false;
  }
  return true;
}
