// The process whose poller is measured: accepts connections and echoes what
// comes. `echo_epoll.c` does the same in C.
//
//   serve.ts <port> <connections> <warm-up events> <measured ms> <kind> <trigger>
//
// Once every connection has had its first echo and the warm-up's events were
// there it measures for a while, says "x" to the first connection, waits for
// its end and prints one line of JSON, a ServerReading or a Refusal.

import { writeSync } from "node:fs";
import process from "node:process";
import {
  acceptSocket,
  bindSocket,
  closeFd,
  constants,
  errnoName,
  errnoNumber,
  listenSocket,
  monotonicMs,
  openSocket,
  receive,
  send,
  setSockOptInt,
  sockaddrIn,
} from "../../ffi/mod.ts";
import { createPoller } from "../../src/poller/create_poller.ts";
import type {
  Poller,
  PollEvents,
  PollHandle,
  Trigger,
} from "../../src/poller/poller.ts";
import { printLine } from "../perf_arguments.ts";
import type { Refusal, ServerReading } from "./readings.ts";

const EAGAIN = -errnoNumber("EAGAIN");
const BACKLOG = 4096;
/** As many as the library's listener accepts before others get their turn. */
const ACCEPTS_PER_TURN_MAX = 64;
/** The longest sleep while measured: half of an I/O thread's own. */
const WAKE_MS = 1000;
/** More than is ever on its way: what comes short of it was everything. */
const BUFFER_SIZE = 64;
const END = Uint8Array.of("x".charCodeAt(0));

class Server {
  readonly poller: Poller;
  readonly wanted: number;
  accepted = 0;
  events = 0;
  turns = 0;
  /** The peer was told to end; what happens from now on is no error. */
  finishing = false;
  firstFd = -1;
  ended = false;
  refusal: string | null = null;
  readonly buffer = new Uint8Array(new ArrayBuffer(BUFFER_SIZE));

  constructor(poller: Poller, wanted: number) {
    this.poller = poller;
    this.wanted = wanted;
  }

  turn(timeoutMs: number): void {
    this.poller.wait(timeoutMs);
    this.turns++;
    if (this.refusal !== null) throw new Refused(this.refusal);
  }

  /** Watches a descriptor's input; what cannot be watched ends the run. */
  watch(fd: number, events: PollEvents): PollHandle | null {
    const handle = this.poller.add(fd, events);
    if (typeof handle === "number") {
      this.refusal ??= errnoName(-handle);
      return null;
    }
    this.poller.setInterest(handle, true, false);
    return handle;
  }
}

/** The poller or the process takes no more descriptors. */
class Refused extends Error {}

class Listener implements PollEvents {
  readonly #server: Server;
  readonly #fd: number;
  readonly #handle: PollHandle | null;

  constructor(server: Server, port: number) {
    this.#server = server;
    const fd = openSocket(constants.AF_INET);
    const address = sockaddrIn("127.0.0.1", port);
    if (fd < 0 || address === null) throw new Error(`No socket: ${fd}`);
    setSockOptInt(fd, constants.SOL_SOCKET, constants.SO_REUSEADDR, 1);
    const result = bindSocket(fd, address) || listenSocket(fd, BACKLOG);
    if (result < 0) throw new Error(`Cannot listen: ${errnoName(-result)}`);
    this.#fd = fd;
    this.#handle = server.watch(fd, this);
  }

  inEvent(): void {
    const server = this.#server;
    for (let n = 0; n < ACCEPTS_PER_TURN_MAX; n++) {
      const fd = acceptSocket(this.#fd);
      if (fd === EAGAIN) {
        if (this.#handle !== null) server.poller.inputExhausted(this.#handle);
        return;
      }
      if (fd < 0) {
        server.refusal = errnoName(-fd);
        return;
      }
      const connection = new Connection(server, fd);
      if (!connection.watched) return;
      if (server.firstFd < 0) server.firstFd = fd;
      // What is watched from now on is the connections alone.
      if (++server.accepted === server.wanted) return this.#close();
    }
  }

  outEvent(): void {}

  #close(): void {
    if (this.#handle !== null) this.#server.poller.remove(this.#handle);
    closeFd(this.#fd);
  }
}

class Connection implements PollEvents {
  readonly #server: Server;
  readonly #fd: number;
  readonly #handle: PollHandle | null;

  constructor(server: Server, fd: number) {
    this.#server = server;
    this.#fd = fd;
    this.#handle = server.watch(fd, this);
  }

  get watched(): boolean {
    return this.#handle !== null;
  }

  inEvent(): void {
    const server = this.#server;
    const { buffer } = server;
    const handle = this.#handle as PollHandle;
    const count = receive(this.#fd, buffer, 0, BUFFER_SIZE);
    if (count <= 0) {
      if (count === EAGAIN) server.poller.inputExhausted(handle);
      else this.#close();
      return;
    }
    server.poller.inputExhausted(handle);
    const sent = send(this.#fd, buffer, 0, count);
    if (sent !== count && !server.finishing) {
      throw new Error(`Cannot echo: ${errnoName(-sent)}`);
    }
    server.events++;
  }

  outEvent(): void {}

  #close(): void {
    const server = this.#server;
    server.poller.remove(this.#handle as PollHandle);
    closeFd(this.#fd);
    if (this.#fd === server.firstFd) server.ended = true;
  }
}

interface Now {
  readonly wallUs: number;
  readonly cpuUs: number;
}

/** Both clocks; the CPU's counts all threads of this process. */
function now(): Now {
  const { user, system } = process.cpuUsage();
  return { wallUs: monotonicMs() * 1000, cpuUs: user + system };
}

function measure(
  server: Server,
  warmUpEvents: number,
  measuredMs: number,
): ServerReading {
  const { wanted } = server;
  while (server.accepted === 0) server.turn(-1);
  const start = now();
  while (server.accepted < wanted || server.events < wanted) server.turn(-1);
  const opened = now();
  while (server.events < wanted + warmUpEvents) server.turn(-1);

  const { events, turns } = server;
  const before = now();
  const endMs = before.wallUs / 1000 + measuredMs;
  for (let leftMs = measuredMs; leftMs > 0; leftMs = endMs - monotonicMs()) {
    server.turn(Math.min(leftMs, WAKE_MS));
  }
  const after = now();
  return {
    connections: server.accepted,
    setupCpuUs: opened.cpuUs - start.cpuUs,
    setupWallUs: opened.wallUs - start.wallUs,
    events: server.events - events,
    turns: server.turns - turns,
    cpuUs: after.cpuUs - before.cpuUs,
    wallUs: after.wallUs - before.wallUs,
  };
}

function finish(server: Server): void {
  server.finishing = true;
  const sent = send(server.firstFd, END, 0, END.length);
  if (sent !== END.length) throw new Error(`Cannot end: ${errnoName(-sent)}`);
  while (!server.ended) server.turn(-1);
  server.poller.close();
}

function main(): void {
  const [port, wanted, warmUp, ms] = process.argv.slice(2, 6).map(Number);
  const [kind, trigger] = process.argv.slice(6);
  if (!((port ?? 0) > 0 && (wanted ?? 0) > 0)) {
    throw new RangeError("Cannot serve: see the head of this file");
  }
  const options = { kind: kind ?? "", trigger: trigger as Trigger };
  const server = new Server(createPoller(options), wanted ?? 0);
  new Listener(server, port ?? 0);
  // Written with the blocking call: the next thing this thread does is to wait.
  writeSync(2, "ready\n");
  try {
    const reading = measure(server, warmUp ?? 0, ms ?? 0);
    finish(server);
    printLine(JSON.stringify(reading));
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    const refusal: Refusal = {
      refused: error.message,
      connections: server.accepted,
    };
    printLine(JSON.stringify(refusal));
  }
}

main();
// Ten thousand descriptors are the kernel's to close, and nothing is left to do.
process.exit(0);
