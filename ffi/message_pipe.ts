import {
  MessageChannel,
  type MessagePort,
  receiveMessageOnPort,
} from "node:worker_threads";

/**
 * One end of a channel between two threads that may both be in loops that
 * never return to their event loops: messages are taken, not delivered.
 */
export class MessagePipe {
  readonly #port: MessagePort;

  private constructor(port: MessagePort) {
    this.#port = port;
    port.unref?.();
  }

  /** A new channel: one end to keep, one to transfer to a worker. */
  static open(): { near: MessagePipe; far: MessagePort } {
    const { port1, port2 } = new MessageChannel();
    return { near: new MessagePipe(port1), far: port2 };
  }

  /** The end that was transferred to this thread. */
  static from(port: unknown): MessagePipe {
    return new MessagePipe(port as MessagePort);
  }

  post(message: unknown): void {
    this.#port.postMessage(message);
  }

  /** The next message that has come, or undefined. */
  take(): unknown {
    return receiveMessageOnPort(this.#port)?.message;
  }

  close(): void {
    this.#port.close();
  }
}

/** Adds to a shared counter and wakes who waits for it. */
export function addToCounter(counter: SharedArrayBuffer, value: number): void {
  const words = new Int32Array(counter);
  Atomics.add(words, 0, value);
  Atomics.notify(words, 0);
}

/** Sleeps until a shared counter is no longer `seen`; gives what it is. */
export function waitForCounter(
  counter: SharedArrayBuffer,
  seen: number,
): number {
  const words = new Int32Array(counter);
  Atomics.wait(words, 0, seen);
  return Atomics.load(words, 0);
}

/** Blocks this thread for so many milliseconds. */
export function pause(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}

/** The two ways a courier's messages go. */
export interface CourierPorts {
  toThread(message: unknown): void;
  toAll(message: unknown): void;
  close(): void;
}

/** Listens to a broadcast channel and to a port, from the event loop. */
export function openCourierPorts(
  channel: string,
  port: unknown,
  fromAll: (message: unknown) => void,
  fromThread: (message: unknown) => void,
): CourierPorts {
  const broadcast = new BroadcastChannel(channel);
  const own = port as MessagePort;
  broadcast.onmessage = (event: MessageEvent) => fromAll(event.data);
  own.on("message", fromThread);
  own.on("close", () => broadcast.close());
  return {
    toThread: (message) => own.postMessage(message),
    toAll: (message) => broadcast.postMessage(message),
    close: () => {
      own.close();
      broadcast.close();
    },
  };
}
