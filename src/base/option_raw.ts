// libzmq: socket_base.cpp (setsockopt, getsockopt) · runs on: any · RFC: –

// Options by libzmq's numbers, for programs that reach those without a
// property of their own. libzmq looks at the size of a value: a boolean and a
// number of 32 bits are the same to it, other mixtures are EINVAL.

import { ZmqError } from "./errors.ts";
import {
  OPTION_XPUB_VERBOSER,
  optionById,
  type OptionReading,
  type OptionRow,
  readOption,
} from "./option_table.ts";
import type { OptionName, SocketOptions } from "./options.ts";
import type { SocketType } from "./socket_type.ts";

/** The form in which a raw accessor carries a value. */
export type OptionForm =
  | "bool"
  | "int32"
  | "uint32"
  | "int64"
  | "uint64"
  | "string";

/** A checked value and the option it belongs to. */
export interface OptionSetting {
  readonly name: OptionName;
  readonly value: SocketOptions[OptionName];
}

type Width = "4" | "8" | "text";

function widthOf(kind: string): Width {
  if (kind === "int64" || kind === "uint64") return "8";
  return kind === "string" || kind === "bytes" ? "text" : "4";
}

function rowFor(type: SocketType, id: number, form: OptionForm): OptionRow {
  const row = optionById(id);
  if (
    row === undefined || (!row.anyType && !row.types.includes(type)) ||
    widthOf(row.kind) !== widthOf(form)
  ) {
    throw new ZmqError("EINVAL");
  }
  return row;
}

/**
 * Checks a value that a raw accessor is to write.
 *
 * @throws {TypeError} The value does not have the accessor's type.
 * @throws {ZmqError} EINVAL: no such option, or not of this size, or out of
 * bounds, or read-only; ENOTSUP: the option's feature is not built.
 */
export function validateRawOption(
  type: SocketType,
  id: number,
  form: OptionForm,
  value: unknown,
): OptionSetting {
  checkForm(form, value);
  const row = rowFor(type, id, form);
  if (row.kind === "bool") {
    return { name: row.name, value: row.validate(asBoolean(value)) };
  }
  if (row.name === "verbosity") {
    const level = id === OPTION_XPUB_VERBOSER ? "allSubsUnsubs" : "allSubs";
    const wanted = asBoolean(value) ? level : null;
    return { name: row.name, value: row.validate(wanted) };
  }
  const plain = typeof value === "boolean" ? Number(value) : value;
  return { name: row.name, value: row.validate(plain) };
}

/**
 * Reads an option as a raw accessor shows it.
 *
 * @throws {ZmqError} EINVAL: no such option, not of this size, or write-only.
 */
export function readRawOption(
  options: SocketOptions,
  id: number,
  form: OptionForm,
): OptionReading {
  const row = rowFor(options.type, id, form);
  if (row.access === "w") throw new ZmqError("EINVAL");
  const value = readOption(options, row.name);
  if (form === "string") return value;
  const number = asNumber(value);
  if (form === "bool") return number !== 0;
  // The same 32 bits, looked at without a sign.
  return form === "uint32" ? number >>> 0 : number;
}

function checkForm(form: OptionForm, value: unknown): void {
  if (form === "bool" && typeof value !== "boolean") {
    throw new TypeError("Option value must be a boolean");
  }
  if (form !== "bool" && form !== "string" && typeof value !== "number") {
    throw new TypeError("Option value must be a number");
  }
}

function asBoolean(value: unknown): boolean {
  if (value === true || value === 1) return true;
  if (value === false || value === 0) return false;
  throw new ZmqError("EINVAL");
}

/** Choices are numbers to libzmq; the first one, which ours all are, is 0. */
function asNumber(value: OptionReading): number {
  return typeof value === "number" ? value : Number(value === true);
}
