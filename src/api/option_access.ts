// libzmq: zmq.cpp (zmq_setsockopt, zmq_getsockopt) · runs on: app thread · RFC: –

import process from "node:process";
import {
  EVENT_IN,
  EVENT_OUT,
  OPTION_CONNECT_ROUTING_ID,
  OPTION_EVENTS,
  OPTION_SUBSCRIBE,
  OPTION_UNSUBSCRIBE,
} from "../base/constants.ts";
import { ZmqError } from "../base/errors.ts";
import {
  type OptionForm,
  readRawOption,
  validateRawOption,
} from "../base/option_raw.ts";
import {
  OPTION_TABLE,
  type OptionReading,
  readOption as readRecord,
  validateOption,
} from "../base/option_table.ts";
import { checkTopicSize, routingIdValue } from "../base/option_values.ts";
import type { OptionName } from "../base/options.ts";
import { SocketType } from "../base/socket_type.ts";
import type { SocketBase } from "../core/socket_base.ts";
import type { SocketState } from "./socket_state.ts";

const encoder = new TextEncoder();

const LATE_WARNING =
  "Socket option will not take effect until next connect/bind.";
const ROUNDED_WARNING = "Value is larger than Number.MAX_SAFE_INTEGER and " +
  "may have been rounded inaccurately.";

/** Reads the option that a property of a socket class stands for. */
export function readOption(state: SocketState, name: OptionName): unknown {
  return readRecord(openSocket(state).options, name);
}

/** Writes the option that a property of a socket class stands for. */
export function writeOption(
  state: SocketState,
  name: OptionName,
  value: unknown,
): void {
  const base = openSocket(state);
  store(state, base, name, validateOption(name, value), value);
}

/** Reads an option by libzmq's number. */
export function readOptionById(
  state: SocketState,
  id: number,
  form: OptionForm,
): OptionReading {
  const base = openSocket(state);
  if (id === OPTION_EVENTS && form !== "string") {
    return (base.hasIn() ? EVENT_IN : 0) | (base.hasOut() ? EVENT_OUT : 0);
  }
  return readRawOption(base.options, id, form);
}

/** Writes an option by libzmq's number. */
export function writeOptionById(
  state: SocketState,
  id: number,
  form: OptionForm,
  value: unknown,
): void {
  const base = openSocket(state);
  if (form === "string") {
    if (id === OPTION_SUBSCRIBE) return subscribe(base, value);
    if (id === OPTION_UNSUBSCRIBE) return unsubscribe(base, value);
    if (id === OPTION_CONNECT_ROUTING_ID && base.type === SocketType.ROUTER) {
      state.nextPeerId = routingIdValue(value);
      return;
    }
  }
  const setting = validateRawOption(base.type, id, form, value);
  store(state, base, setting.name, setting.value, value);
}

/** Adds subscriptions to an open socket; none stands for the empty prefix. */
export function subscribeAll(
  state: SocketState,
  prefixes: readonly unknown[],
): void {
  for (const prefix of prefixes) checkTopicSize(prefixBytes(prefix).length);
  forAll(state, prefixes, subscribe);
}

/** Removes subscriptions of an open socket; none is the empty prefix. */
export function unsubscribeAll(
  state: SocketState,
  prefixes: readonly unknown[],
): void {
  forAll(state, prefixes, unsubscribe);
}

function forAll(
  state: SocketState,
  prefixes: readonly unknown[],
  action: (base: SocketBase, prefix: Uint8Array) => void,
): void {
  const base = openSocket(state);
  // All are checked before any takes effect: a call that throws has done
  // nothing.
  const checked = prefixes.length === 0
    ? [prefixBytes(null)]
    : prefixes.map(prefixBytes);
  for (const prefix of checked) action(base, prefix);
}

function subscribe(base: SocketBase, prefix: unknown): void {
  const bytes = prefixBytes(prefix);
  requireSubscriptions(base);
  checkTopicSize(bytes.length);
  base.subscribe(bytes);
}

function unsubscribe(base: SocketBase, prefix: unknown): void {
  const bytes = prefixBytes(prefix);
  requireSubscriptions(base);
  base.unsubscribe(bytes);
}

// An XPUB in manual mode answers its subscribers this way.
function requireSubscriptions(base: SocketBase): void {
  if (base.type === SocketType.SUB || base.type === SocketType.XPUB) return;
  throw new ZmqError("EINVAL");
}

function prefixBytes(prefix: unknown): Uint8Array {
  if (prefix instanceof Uint8Array) return prefix;
  if (typeof prefix === "string") return encoder.encode(prefix);
  if (prefix === null) return new Uint8Array(0);
  throw new TypeError("Option value must be a string or buffer");
}

// libzmq answers differently for options of a closed socket than for its
// operations, and programs can see it.
function openSocket(state: SocketState): SocketBase {
  const base = state.base;
  if (base === null) throw new ZmqError("ENOTSOCK");
  return base;
}

function store(
  state: SocketState,
  base: SocketBase,
  name: OptionName,
  value: unknown,
  written: unknown,
): void {
  // The validator of this very name made the value.
  base.setOption(name, value as never);
  const row = OPTION_TABLE[name];
  if (
    row.kind === "uint64" && typeof written === "number" &&
    written > Number.MAX_SAFE_INTEGER
  ) {
    process.emitWarning(ROUNDED_WARNING);
  }
  if (row.warns && (base.endpointCount > 0 || state.blocked)) {
    process.emitWarning(LATE_WARNING);
  }
}
