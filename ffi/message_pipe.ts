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
