import { host } from "./host.ts";
import { FAULT_GUARD_AARCH64, FAULT_GUARD_X86_64 } from "./fault_guard_code.ts";
import { mapPrivate, protectCode, unmapMemory } from "./file_mapping.ts";
import { openLibc } from "./libc.ts";
import { viewAt } from "./raw_memory.ts";
import { signalNumber } from "./signal_number.ts";

/*
 * Who touches a mapped file behind its end gets a SIGBUS, and anybody who may
 * write the file can move its end at any time. No look at the size helps: the
 * cut may come between the look and the access. So a handler takes the signal,
 * puts zeros in the place of the whole mapping, sets a flag and lets the access
 * happen again.
 *
 * No JavaScript can run in a signal handler: it is machine code, in memory that
 * stays for the life of the process. The data beside it:
 *
 *   the handler before it, and its flags   faults that are none of ours go there
 *   a struct sigaction of zeros            for when that was the default
 *   rows                                   see `GuardRow`
 *
 * One handler serves all threads, and all copies of this package that know this
 * table: they find it as the signal's handler, by the text in front of it. Where
 * another has come above it, a second one is put above that one.
 */
const MAGIC = new TextEncoder().encode("purezmq fault guard, table 1");
/** Of the handler in the code; a page holds both it and the text. */
const ENTRY = 64;
const PAGE_MIN = 4096;

/** Where the data begins: behind a page of code, on any CPU. */
const DATA_AT = 0x10000;
const GUARD_BYTES = 2 * DATA_AT;
const PREVIOUS = 0;
const PREVIOUS_FLAGS = 8;
const ROWS = 64;

/** Ranges of memory that one handler knows. */
export const GUARD_ROWS = 1024;

/** The 32-bit words of a row. */
export const GuardRow = {
  /** Two words each; the end is behind the last byte. */
  BEGIN: 0,
  END: 2,
  /** Set by the handler: zeros have taken the range's place. */
  LOST: 4,
  /** Counts; the handler believes the range while it is odd, and the same. */
  STATE: 5,
  /** 1 = somebody's; not looked at by the handler. */
  OWNED: 6,
  WORDS: 8,
} as const;

// struct sigaction on both CPUs, in bytes: the handler, a mask of 128 bytes, then
// the flags in 32 bits.
const SIGACTION_BYTES = 256;
const FLAGS_AT = 136;
const SA_SIGINFO = 4;
const SA_ONSTACK = 0x08000000;
const SA_RESTART = 0x10000000;
const SA_RESETHAND = 0x80000000;
const SIG_IGN = 1;

const SIGBUS: number = signalNumber("SIGBUS");

/**
 * The address of the rows of the handler that is in place; it is put there if
 * need be. 0 where the system allows no such thing. Rows stay where they are for
 * the life of the process.
 */
export function faultGuardRows(): number {
  const code = findGuard() || installGuard();
  return code === 0 ? 0 : code + DATA_AT + ROWS;
}

/** The code of the handler that is in place; 0 when that is another's. */
function findGuard(): number {
  const handler = Number(currentAction().getBigUint64(0, true));
  // Safety: what lies before the handler in its page is there to be read.
  if (handler <= SIG_IGN || handler % PAGE_MIN !== ENTRY) return 0;
  const text = viewAt(handler - ENTRY, MAGIC.length);
  return MAGIC.every((byte, at) => text[at] === byte) ? handler - ENTRY : 0;
}

function currentAction(): DataView {
  const action = new Uint8Array(SIGACTION_BYTES);
  openLibc().call.sigaction(SIGBUS, null, action);
  return new DataView(action.buffer);
}

/** Puts a new handler above the one that is in place. */
function installGuard(): number {
  const code = mapPrivate(GUARD_BYTES);
  if (code < 0) return 0;
  const isArm = host.arch === "aarch64";
  const instructions = isArm ? FAULT_GUARD_AARCH64 : FAULT_GUARD_X86_64;
  // Safety: this and the data are written before anybody else knows of them.
  new Uint32Array(viewAt(code, instructions.length * 4).buffer)
    .set(instructions);
  const data = new DataView(viewAt(code + DATA_AT, ROWS).buffer);
  const before = currentAction();
  setPrevious(data, before);
  const action = actionFor(before, code + ENTRY);
  const replaced = new Uint8Array(SIGACTION_BYTES);
  const { call } = openLibc();
  // On arm64 the kernel makes the instructions visible to all cores when memory
  // that was written becomes executable.
  if (
    protectCode(code, DATA_AT) < 0 ||
    call.sigaction(SIGBUS, new Uint8Array(action.buffer), replaced) < 0
  ) {
    unmapMemory(code, GUARD_BYTES);
    return 0;
  }
  // Another thread may have come between the two.
  setPrevious(data, new DataView(replaced.buffer));
  return code;
}

function setPrevious(data: DataView, action: DataView): void {
  data.setInt32(PREVIOUS_FLAGS, action.getInt32(FLAGS_AT, true), true);
  data.setBigUint64(PREVIOUS, action.getBigUint64(0, true), true);
}

/** As the handler before was called, so that it notices nothing. */
function actionFor(before: DataView, handler: number): DataView {
  const isHandled = before.getBigUint64(0, true) > BigInt(SIG_IGN);
  const action = new DataView(
    isHandled ? before.buffer.slice(0) : new ArrayBuffer(SIGACTION_BYTES),
  );
  const flags = isHandled
    ? before.getUint32(FLAGS_AT, true) & ~SA_RESETHAND
    : SA_ONSTACK | SA_RESTART;
  action.setUint32(FLAGS_AT, flags | SA_SIGINFO, true);
  action.setBigUint64(0, BigInt(handler), true);
  return action;
}
