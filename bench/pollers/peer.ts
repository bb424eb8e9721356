// The other ends of the connections that a poller watches, where there is no
// compiler for peer.c, whose head tells what both do.
//
//   peer.ts <port> <connections> <active>

import process from "node:process";
import {
  closeFd,
  connectSocket,
  constants,
  errnoName,
  errnoNumber,
  monotonicMs,
  openSocket,
  POLLIN,
  POLLOUT,
  PollSet,
  receive,
  send,
  setSockOptBytes,
  sockaddrIn,
  socketError,
} from "../../ffi/mod.ts";
import { printLine } from "../perf_arguments.ts";

const EINPROGRESS = -errnoNumber("EINPROGRESS");
const WINDOW = 128;
const BUFFER_SIZE = 64;
const BYTE = Uint8Array.of("e".charCodeAt(0));
const END = "x".charCodeAt(0);
/** struct linger: on, and no time. */
const RESET = new Uint8Array(Int32Array.of(1, 0).buffer);

function checked(result: number, what: string): number {
  if (result < 0) throw new Error(`Cannot ${what}: ${errnoName(-result)}`);
  return result;
}

function openConnection(address: Uint8Array, one: PollSet): number {
  const fd = checked(openSocket(constants.AF_INET), "open a socket");
  // Closed with a reset: ten thousand TIME_WAITs would outlive the run.
  setSockOptBytes(fd, constants.SOL_SOCKET, constants.SO_LINGER, RESET);
  const result = connectSocket(fd, address);
  if (result === EINPROGRESS) {
    one.set(0, fd, POLLOUT);
    checked(one.wait(1, -1), "wait");
    checked(socketError(fd), "connect");
  } else checked(result, "connect");
  return fd;
}

function sendByte(fd: number): void {
  checked(send(fd, BYTE, 0, 1), "send");
}

/** Takes the echoes. */
class Echoes {
  /** The byte that ends the run came; it may be close behind an echo. */
  ended = false;
  readonly #buffer = new Uint8Array(new ArrayBuffer(BUFFER_SIZE));

  receive(fd: number): void {
    const count = checked(receive(fd, this.#buffer, 0, BUFFER_SIZE), "receive");
    if (count === 0) throw new Error("The server closed a connection");
    if (this.#buffer.subarray(0, count).includes(END)) this.ended = true;
  }
}

function openAll(echoes: Echoes, port: number, count: number): number[] {
  const address = sockaddrIn("127.0.0.1", port);
  if (address === null) throw new RangeError(`Cannot connect to ${port}`);
  const one = new PollSet(1);
  const set = new PollSet(WINDOW);
  const fds: number[] = [];
  let outstanding: number[] = [];
  while (fds.length < count || outstanding.length > 0) {
    if (fds.length < count && outstanding.length < WINDOW) {
      const fd = openConnection(address, one);
      sendByte(fd);
      fds.push(fd);
      outstanding.push(fd);
      continue;
    }
    for (const [index, fd] of outstanding.entries()) set.set(index, fd, POLLIN);
    checked(set.wait(outstanding.length, -1), "wait");
    outstanding = outstanding.filter((fd, index) => {
      if (set.revents(index) === 0) return true;
      echoes.receive(fd);
      return false;
    });
  }
  return fds;
}

function bounce(
  echoes: Echoes,
  fds: readonly number[],
  active: number,
): void {
  // Spread over all, the first connection among them.
  const watched = Array.from(
    { length: Math.max(active, 1) },
    (_, index) =>
      fds[Math.floor(index * fds.length / Math.max(active, 1))] ?? -1,
  );
  const set = new PollSet(watched.length);
  for (const [index, fd] of watched.entries()) {
    set.set(index, fd, POLLIN);
    if (active > 0) sendByte(fd);
  }
  while (!echoes.ended) {
    checked(set.wait(watched.length, -1), "wait");
    for (let index = 0; index < watched.length; index++) {
      if (set.revents(index) === 0) continue;
      const fd = watched[index] as number;
      echoes.receive(fd);
      if (echoes.ended) return;
      sendByte(fd);
    }
  }
}

function main(): void {
  const [port, count, active] = process.argv.slice(2).map(Number);
  if (port === undefined || !((count ?? 0) > 0)) {
    throw new RangeError("Cannot connect: see the head of this file");
  }
  const echoes = new Echoes();
  const startMs = monotonicMs();
  const fds = openAll(echoes, port, count ?? 0);
  const openedUs = (monotonicMs() - startMs) * 1000;
  bounce(echoes, fds, active ?? 0);
  // The server ends when its first connection does: that one is the last.
  for (const fd of fds.reverse()) closeFd(fd);
  printLine(JSON.stringify({ openedUs }));
}

main();
