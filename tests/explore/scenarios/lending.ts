// The engine's write side, lent to the socket's thread.
import { Pool } from "../../../src/memory/layout.ts";
import { exchange, load, store } from "../../../src/memory/shared_access.ts";
import {
  borrowWriteSide,
  giveWriteSideBack,
  offerWriteSide,
  Reclaim,
  reclaimWriteSide,
  takeBorrowerSent,
} from "../../../src/memory/write_side.ts";
import { zeroed } from "../buffers.ts";
import type { Scenario } from "../scenario.ts";
import { expect, same, Scene } from "./scene.ts";

const FD = 9;
const BORROWER_TID = 100;

// Words that stand for the descriptor and for what the kernel was given.
const OPEN = 0;
const WRITING = 1;
const WRITTEN = 2;
/** The message whose first octets went out is in the pipe. */
const QUEUED = 3;

/** A pipe whose write side is lent, and the kernel behind it. */
class LendingScene {
  readonly scene: Scene;
  readonly kernel: Int32Array = new Int32Array(zeroed("kernel", 64));
  readonly pipe: number;

  constructor() {
    this.scene = new Scene();
    this.pipe = this.scene.view(0).control.takeRecord(Pool.PIPE);
    store(this.kernel, OPEN, 1);
    offerWriteSide(this.scene.words, this.pipe, FD);
  }

  /** One call that writes: never two at once, never to a closed number. */
  write(octets: number): void {
    const { kernel } = this;
    expect(exchange(kernel, WRITING, 1) === 0, "nobody else writes");
    expect(load(kernel, OPEN) === 1, "the descriptor is open");
    store(kernel, WRITTEN, load(kernel, WRITTEN) + octets);
    store(kernel, WRITING, 0);
  }

  /** The socket's thread sends; `octets` of a message go out, or all of it. */
  send(octets: number): void {
    const { words } = this.scene;
    const fd = borrowWriteSide(words, this.pipe, BORROWER_TID);
    if (fd < 0) return;
    same(fd, FD, "the descriptor that is lent");
    this.write(octets);
    if (octets > 0) store(this.kernel, QUEUED, 1);
    if (giveWriteSideBack(words, this.pipe, octets)) this.scene.bells.ring(0);
  }

  /** The engine has its write side back; what the borrower wrote of a message. */
  reclaim(): number {
    const { words } = this.scene;
    while (reclaimWriteSide(words, this.pipe) === Reclaim.WAIT) {
      this.scene.bells.hear(0);
    }
    const sent = takeBorrowerSent(words, this.pipe, FD);
    expect(sent === 0 || load(this.kernel, QUEUED) === 1, "the rest is queued");
    return sent;
  }
}

export const lendingScenarios: readonly Scenario[] = [
  {
    name: "lend-against-close",
    what: "the engine closes a descriptor that it lends to who sends twice",
    threads: ["socket", "engine"],
    set() {
      const lending = new LendingScene();
      return {
        threads: [
          () => {
            lending.send(0);
            lending.send(0);
          },
          () => {
            lending.reclaim();
            store(lending.kernel, OPEN, 0);
          },
        ],
        check: () => same(load(lending.kernel, OPEN), 0, "the descriptor"),
      };
    },
  },
  {
    name: "lend-against-pong",
    what:
      "the engine answers a PING, and lends again, while a message goes out",
    threads: ["socket", "engine"],
    set() {
      const lending = new LendingScene();
      let taken = 0;
      return {
        threads: [
          () => {
            lending.send(0);
            lending.send(3);
          },
          () => {
            for (let pings = 0; pings < 2; pings++) {
              const sent = lending.reclaim();
              taken += sent;
              lending.write(10);
              // What is half written is not lent: the rest goes first.
              if (taken > 0) return;
              offerWriteSide(lending.scene.words, lending.pipe, FD);
            }
          },
        ],
        check: () => {
          taken += lending.reclaim();
          const own = load(lending.kernel, WRITTEN) % 10;
          same(taken, own, "octets of the message that went out in part");
        },
      };
    },
  },
];
