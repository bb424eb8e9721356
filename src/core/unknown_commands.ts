// libzmq: none · runs on: app thread, reaper · RFC: –

import { get, load } from "../memory/shared_access.ts";
import { MAILBOX, NODE, PIPE, Pool, SOCKET } from "../memory/layout.ts";
import { Command } from "./command.ts";
import type { SocketBase } from "./socket_base.ts";
import type { Thread } from "./thread.ts";

/**
 * Handles commands to objects that a thread does not know yet: pipes that
 * others made for its sockets, and mail for a socket that has moved on.
 *
 * @param sockets The thread's sockets by record.
 */
export function dispatchUnknown(
  thread: Thread,
  sockets: ReadonlyMap<number, SocketBase>,
  node: number,
  bits: number,
): void {
  const { control } = thread;
  const { words, layout } = control;
  const mailbox = get(words, node + NODE.MAILBOX);
  if (load(words, mailbox + MAILBOX.OWNER) !== thread.slot) {
    control.post(node, bits);
    return;
  }
  const socket = sockets.get(mailbox - SOCKET.MAILBOX);
  if (socket === undefined) {
    // The socket was let go of when this was already out of its mailbox: whoever
    // adopts the socket finds it there again.
    if (layout.poolOf(mailbox) === Pool.SOCKET) control.post(node, bits);
    return;
  }
  if (layout.poolOf(node) !== Pool.PIPE || (bits & Command.BIND) === 0) return;
  const record = layout.recordOf(Pool.PIPE, node);
  const pipe = socket.processBind(record, node === record + PIPE.END ? 0 : 1);
  pipe.processCommands(bits & ~Command.BIND);
}
