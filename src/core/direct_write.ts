// libzmq: none · runs on: app thread · RFC: –

import { borrowWriteSide, giveWriteSideBack } from "../memory/write_side.ts";
import type { QueueWriter } from "../memory/queue_writer.ts";
import { Command } from "./command.ts";
import type { Thread } from "./thread.ts";

/**
 * Largest message that the socket's thread hands to the kernel itself, bytes,
 * headers included. Above it the copy costs more than the wake-up it saves.
 */
const DIRECT_BYTES_MAX = 8192;

/** A pipe end with a message that is prepared and not yet committed. */
export interface PreparedPipe {
  readonly record: number;
  readonly peerNode: number;
  readonly writer: QueueWriter;
  commit(): void;
}

/**
 * Hands the prepared message to the kernel, if the engine lends its write side
 * and nothing waits before it. At most one message each time the thread has
 * rested: a program that sends many, one after the other, is better served by
 * the queue, out of which they go together.
 *
 * @returns false when the message still has to be committed.
 */
export function writeDirectly(thread: Thread, pipe: PreparedPipe): boolean {
  thread.rested = false;
  const { writer, record } = pipe;
  const length = writer.loneBytes;
  if (length === 0 || length > DIRECT_BYTES_MAX) return false;
  const { words, tid } = thread.control;
  const fd = borrowWriteSide(words, record, tid);
  if (fd < 0) return false;
  let left = 0;
  try {
    const { platform } = thread;
    const sent = platform.send(fd, writer.bytes, writer.loneStart, length);
    if (sent === length) {
      // It never was in the queue: neither credit nor memory is used.
      writer.rollback();
    } else {
      // The engine sends the rest, or finds out what is wrong. Ordering:
      // visible before the engine learns that the first octets are out.
      pipe.commit();
      left = Math.max(0, sent);
    }
  } catch (error) {
    writer.rollback();
    throw error;
  } finally {
    if (giveWriteSideBack(words, record, left)) {
      thread.control.post(pipe.peerNode, Command.ACTIVATE_READ);
    }
  }
  return true;
}
