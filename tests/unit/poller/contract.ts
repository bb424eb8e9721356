// What every poller is tested with: the backends of this machine, and a stage
// with descriptors whose events are noted. The cases themselves are in the
// poller_*_test.ts files, and every one of them runs on every backend.
import assert from "node:assert/strict";
import process from "node:process";
import { describe } from "node:test";
import {
  closeFd,
  errnoNumber,
  host,
  nativeKqueueLayout,
  openSocketPair,
  receive,
  send,
} from "../../../ffi/mod.ts";
import { EpollPoller } from "../../../src/poller/epoll_poller.ts";
import {
  KqueuePoller,
  type KqueueWakeup,
} from "../../../src/poller/kqueue_poller.ts";
import { PollPoller } from "../../../src/poller/poll_poller.ts";
import type {
  Poller,
  PollEvents,
  PollHandle,
  Trigger,
} from "../../../src/poller/poller.ts";
import { SelectPoller } from "../../../src/poller/select_poller.ts";
import { testUnless } from "../../support/skip.ts";

/** One way to poll. */
export interface Backend {
  readonly name: string;
  /** Why it cannot run here. */
  readonly obstacle: string | null;
  readonly trigger: Trigger;
  /** The library that stands in for a kernel's kqueue. */
  readonly library: string | null;
  readonly make: () => Poller;
}

const EAGAIN = errnoNumber("EAGAIN");
const BYTE = new Uint8Array([1]);
const scratch = new Uint8Array(4096);

const hasKqueue = nativeKqueueLayout(host.os) !== null;
const library = hasKqueue
  ? null
  : process.env["PUREZMQ_KQUEUE_LIBRARY"] || null;
const kqueueObstacle = hasKqueue || library !== null
  ? null
  : "this system has no kqueue and PUREZMQ_KQUEUE_LIBRARY names no library";

function epoll(trigger: Trigger): Backend {
  return {
    name: `epoll, ${trigger}`,
    obstacle: host.os === "linux" ? null : "epoll is Linux'",
    trigger,
    library: null,
    make: () => new EpollPoller(trigger),
  };
}

function kqueue(trigger: Trigger, wakeup: KqueueWakeup): Backend {
  return {
    name: `kqueue, ${trigger}, woken by ${wakeup}`,
    obstacle: kqueueObstacle,
    trigger,
    library,
    make: () => new KqueuePoller({ library, trigger, wakeup }),
  };
}

/** All of them, also those that cannot run here. */
export const BACKENDS: readonly Backend[] = [
  epoll("level"),
  epoll("edge"),
  {
    name: "poll",
    obstacle: null,
    trigger: "level",
    library: null,
    make: () => new PollPoller(),
  },
  {
    name: "select",
    obstacle: null,
    trigger: "level",
    library: null,
    make: () => new SelectPoller(),
  },
  kqueue("level", "pipe"),
  kqueue("level", "user"),
  kqueue("edge", "pipe"),
  kqueue("edge", "user"),
];

/** A registered descriptor whose events are noted. */
export class Watched implements PollEvents {
  readonly log: string[] = [];
  /** Bytes that {@link drain} got. */
  bytes = 0;
  /** Whether it met the end of the stream, or an error. */
  ended = false;
  handle!: PollHandle;
  onIn: () => void = () => {};
  onOut: () => void = () => {};
  readonly #poller: Poller;

  constructor(poller: Poller) {
    this.#poller = poller;
  }

  inEvent(): void {
    this.log.push("in");
    this.onIn();
  }

  outEvent(): void {
    this.log.push("out");
    this.onOut();
  }

  /** How often an event was told. */
  count(event: "in" | "out"): number {
    return this.log.filter((each) => each === event).length;
  }

  want(input: boolean, output: boolean): this {
    this.#poller.setInterest(this.handle, input, output);
    return this;
  }

  /** Reads what there is, as an engine does. */
  drain(): void {
    for (;;) {
      const result = receive(this.handle.fd, scratch, 0, scratch.length);
      if (result > 0) {
        this.bytes += result;
        continue;
      }
      if (result === -EAGAIN) this.#poller.inputExhausted(this.handle);
      else this.ended = true;
      return;
    }
  }

  /** Writes until no more goes. */
  fill(): void {
    while (send(this.handle.fd, scratch, 0, scratch.length) > 0);
    this.#poller.outputExhausted(this.handle);
  }
}

/** A poller and the descriptors of one test; all are closed at its end. */
export class Stage {
  readonly backend: Backend;
  readonly poller: Poller;
  readonly #open: Set<number> = new Set();

  constructor(backend: Backend) {
    this.backend = backend;
    this.poller = backend.make();
  }

  /** A connected pair of sockets: what one sends the other receives. */
  pair(): [number, number] {
    const fds = new Int32Array(2);
    assert.equal(openSocketPair(fds), 0);
    for (const fd of fds) this.#open.add(fd);
    return [fds[0] as number, fds[1] as number];
  }

  /**
   * A connected pair of which the first has that number, which is free. Other
   * threads close descriptors too, so lower numbers may come first.
   */
  pairWith(number: number): [number, number] {
    for (let n = 0; n < 50; n++) {
      const [a, b] = this.pair();
      if (a === number) return [a, b];
      if (b === number) return [b, a];
    }
    assert.fail(`${number} is not used again`);
  }

  /** Has a descriptor closed at the end. */
  keep(fd: number): number {
    assert.ok(fd >= 0, `no descriptor: ${fd}`);
    this.#open.add(fd);
    return fd;
  }

  close(fd: number): void {
    assert.ok(this.#open.delete(fd), `descriptor ${fd} is the stage's`);
    closeFd(fd);
  }

  add(fd: number, watched: Watched = new Watched(this.poller)): Watched {
    const handle = this.poller.add(fd, watched);
    assert.ok(typeof handle !== "number", `add: ${handle}`);
    watched.handle = handle;
    return watched;
  }

  /** A descriptor that reads all it gets, and the end to write to. */
  reader(): [Watched, number] {
    const [a, b] = this.pair();
    const watched = this.add(a);
    watched.onIn = () => watched.drain();
    return [watched.want(true, false), b];
  }

  /** Makes the other end readable. */
  write(fd: number): void {
    assert.equal(send(fd, BYTE, 0, 1), 1);
  }

  /** Turns that wait for nothing. */
  turns(count = 1): void {
    for (let n = 0; n < count; n++) this.poller.wait(0);
  }

  /** Turns until something holds; the bound is far beyond what is needed. */
  turnsUntil(condition: () => boolean, what: string): void {
    for (let n = 0; n < 200; n++) {
      if (condition()) return;
      this.poller.wait(50);
    }
    assert.fail(`200 turns in vain: ${what}`);
  }

  end(): void {
    this.poller.close();
    for (const fd of this.#open) closeFd(fd);
  }
}

/** A test, run on a stage of each backend. */
export type Case = (stage: Stage) => void | Promise<void>;

/** Registers cases for every backend. */
export function forEveryBackend(
  subject: string,
  cases: Readonly<Record<string, Case>>,
  exceptions: (backend: Backend, name: string) => string | null = () => null,
): void {
  for (const backend of BACKENDS) {
    describe(`${backend.name}: ${subject}`, () => {
      for (const [name, body] of Object.entries(cases)) {
        const obstacle = backend.obstacle ?? exceptions(backend, name);
        testUnless(obstacle, `${backend.name}: ${name}`, async () => {
          const stage = new Stage(backend);
          try {
            await body(stage);
          } finally {
            stage.end();
          }
        });
      }
    });
  }
}
