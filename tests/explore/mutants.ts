// Mistakes that somebody could make in the sources, and the scenarios that
// find each of them. A search that finds nothing is worth what these show.
import type { Edit } from "./sources.ts";

/** A mistake. */
export interface Mutant {
  readonly name: string;
  /** The scenarios that must fail, each of them. */
  readonly scenarios: readonly string[];
  readonly edits: readonly Edit[];
}

function mutant(
  name: string,
  scenarios: string | readonly string[],
  file: string,
  ...texts: readonly string[]
): Mutant {
  const edits: Edit[] = [];
  for (let i = 0; i < texts.length; i += 2) {
    edits.push({
      file: `src/${file}`,
      find: texts[i] as string,
      replace: texts[i + 1] as string,
    });
  }
  return { name, scenarios: [scenarios].flat(), edits };
}

const QUEUE: readonly Mutant[] = [
  mutant(
    "publish before payload",
    "queue-limit-2",
    "memory/queue_writer.ts",
    `platform.copyBytes(this.#bytes, this.#offset, body, 0, length);`,
    `exchange(this.#control, this.#queue + QUEUE.FLUSHED,
      (this.#position() + 2 * length) | 0);
    platform.copyBytes(this.#bytes, this.#offset, body, 0, length);`,
  ),
  mutant(
    "full test off by one",
    "queue-limit-2",
    "memory/queue_writer.ts",
    `if (((this.#written - this.#readSeen) | 0) >= hwm) return false;`,
    `if (((this.#written - this.#readSeen) | 0) > hwm) return false;`,
  ),
  mutant(
    "block without looking again",
    ["queue-limit-2", "queue-limit-1", "credit-against-block"],
    "memory/queue_writer.ts",
    `store(words, queue + QUEUE.BLOCKED, 1);
    this.#readSeen = load(words, queue + QUEUE.READ);`,
    `store(words, queue + QUEUE.BLOCKED, 1);`,
  ),
  mutant(
    "look for the blocked writer before telling",
    "queue-limit-waking",
    "memory/queue_reader.ts",
    `store(words, queue + QUEUE.READ, read);
    if (load(words, queue + QUEUE.BLOCKED) === 0) return false;`,
    `const blocked = load(words, queue + QUEUE.BLOCKED);
    store(words, queue + QUEUE.READ, read);
    if (blocked === 0) return false;`,
  ),
  mutant(
    "reader sleeps without a mark",
    "queue-limit-2",
    "memory/queue_reader.ts",
    `      here | 1,`,
    `      here,`,
  ),
  mutant(
    "flush takes the reader for awake",
    "queue-limit-2",
    "memory/queue_writer.ts",
    `return (before & 1) === 0;`,
    `return true;`,
  ),
  mutant(
    "reader runs past the end of a chunk",
    "chunk-hand-over",
    "memory/queue_reader.ts",
    `used < 0 ? flushed : Math.min(flushed, used - consumed)`,
    `flushed`,
  ),
  mutant(
    "new chunk looks finished",
    "chunk-hand-over",
    "memory/queue_writer.ts",
    `put(words, at + CHUNK.USED, -1);`,
    `put(words, at + CHUNK.USED, 0);`,
  ),
  mutant(
    "chunk is left before it is read",
    "chunk-of-two",
    "memory/queue_reader.ts",
    `if (used === consumed) {`,
    `if (used >= 0 && consumed > 0) {`,
  ),
  mutant(
    "roll-back leaves the chunk finished",
    "roll-back",
    "memory/queue_writer.ts",
    `store(words, at + CHUNK.USED, -1);`,
    ``,
  ),
  mutant(
    "roll-back forgets its chunks",
    "roll-back",
    "memory/queue_writer.ts",
    `while (chunk !== 0) {
      const last`,
    `while (chunk < 0) {
      const last`,
  ),
  mutant(
    "a part is published before its message",
    "writer-stops",
    "memory/queue_writer.ts",
    `this.#offset = at + size;
    return true;`,
    `this.#offset = at + size;
    if ((flags & 1) !== 0) {
      exchange(this.#control, this.#queue + QUEUE.FLUSHED,
        (this.#position() + 2 * length) | 0);
    }
    return true;`,
  ),
];

const MAILBOX: readonly Mutant[] = [
  mutant(
    "summary before the ready bit",
    "two-writers",
    "memory/control_segment.ts",
    `or(words, thread + THREAD.READY + word, 1 << (readyIndex & 31));
    or(words, thread + THREAD.SUMMARY, 1 << group);`,
    `or(words, thread + THREAD.SUMMARY, 1 << group);
    or(words, thread + THREAD.READY + word, 1 << (readyIndex & 31));`,
  ),
  mutant(
    "wake before the mail is announced",
    "flush-against-sleep",
    "memory/control_segment.ts",
    `or(words, thread + THREAD.SUMMARY, 1 << group);
    this.wake(thread);`,
    `this.wake(thread);
    or(words, thread + THREAD.SUMMARY, 1 << group);`,
  ),
  mutant(
    "park without looking again",
    "post-against-serve",
    "memory/control_segment.ts",
    `if (mailbox === 0 || !this.#unpark(node)) return;`,
    `return;`,
  ),
  mutant(
    "look for parked commands before serving",
    "post-against-serve",
    "memory/control_segment.ts",
    `this.initNode(node, mailbox);
    if (this.#unpark(node)) this.#push(node, mailbox);`,
    `const parked = this.#unpark(node);
    this.initNode(node, mailbox);
    if (parked) this.#push(node, mailbox);`,
  ),
  mutant(
    "pending commands are read and cleared in two steps",
    "two-writers-one-node",
    "memory/control_segment.ts",
    `return exchange(this.words, node + NODE.PENDING, 0);`,
    `const bits = load(this.words, node + NODE.PENDING);
    store(this.words, node + NODE.PENDING, 0);
    return bits;`,
  ),
  mutant(
    "mailbox is pushed without a compare",
    "two-writers",
    "memory/control_segment.ts",
    `const seen = compareExchange(words, mailbox + MAILBOX.HEAD, head, node);`,
    `store(words, mailbox + MAILBOX.HEAD, node);
      const seen = head;`,
  ),
  mutant(
    "sleep without looking again",
    "flush-against-sleep",
    "core/thread.ts",
    `if (load(words, this.record + THREAD.SUMMARY) === 0) return true;`,
    `return true;`,
  ),
  mutant(
    "owner is looked up before the push",
    "post-against-move",
    "memory/control_segment.ts",
    `let head = load(words, mailbox + MAILBOX.HEAD);`,
    `const owner = load(words, mailbox + MAILBOX.OWNER);
    let head = load(words, mailbox + MAILBOX.HEAD);`,
    `load(words, mailbox + MAILBOX.OWNER),
      get(`,
    `owner,
      get(`,
  ),
  mutant(
    "blocking call leaves an armed event loop deaf",
    "blocking-beside-event-loop",
    "core/thread.ts",
    `if (!this.#armed) {
      store(`,
    `if (this.slot >= 0) {
      store(`,
  ),
  mutant(
    "descriptor sleep ends in two steps",
    "descriptor-sleep",
    "core/thread.ts",
    `const woken = exchange(words, sleep, Sleep.AWAKE) !== Sleep.DESCRIPTOR;`,
    `const woken = load(words, sleep) !== Sleep.DESCRIPTOR;
    store(words, sleep, Sleep.AWAKE);`,
  ),
  mutant(
    "thread slot is taken without a compare",
    "thread-slots",
    "core/thread.ts",
    `if (compareExchange(words, index, holder, tid) === holder) {`,
    `store(words, index, tid);
      if (tid !== 0) {`,
  ),
];

const PIPE: readonly Mutant[] = [
  mutant(
    "acknowledgement is forgotten when both close",
    "close-against-close",
    "core/pipe.ts",
    `this.#post(Command.PIPE_TERM_ACK);
        this.#state = PipeState.TERM_REQ_SENT2;`,
    `this.#state = PipeState.TERM_REQ_SENT2;`,
  ),
  mutant(
    "delimiter before the last message",
    "close-against-send",
    "core/pipe.ts",
    `this.writer.flush();
        this.writer.delimit();`,
    `this.writer.delimit();
        this.writer.flush();`,
  ),
  mutant(
    "delimiter hides what was sent before it",
    "close-against-send",
    "memory/queue_reader.ts",
    `return !this.available();
  }

  /** Reads the header`,
    `return true;
  }

  /** Reads the header`,
  ),
  mutant(
    "pair is freed by both ends",
    "close-against-close",
    "core/pipe.ts",
    `if (add(control.words, this.record + PIPE.GONE, 1) !== 1) return;`,
    `add(control.words, this.record + PIPE.GONE, 1);`,
  ),
  mutant(
    "hiccup is answered before its place is known",
    "hiccup-against-send",
    "core/pipe.ts",
    `    store(words, outbound + QUEUE.HICCUP_AT, this.writer.completePosition);
    // First what the new connection has to know: it is read with the answer.
    if (this.#state === PipeState.ACTIVE) this.#sink.hiccuped(this);
    this.#post(Command.HICCUP_ACK);
`,
    `    if (this.#state === PipeState.ACTIVE) this.#sink.hiccuped(this);
    this.#post(Command.HICCUP_ACK);
    store(words, outbound + QUEUE.HICCUP_AT, this.writer.completePosition);
`,
  ),
  mutant(
    "conflating reader sleeps without a compare",
    "conflate",
    "memory/conflate_slot.ts",
    `const seen = compareExchange(
      this.#control,
      slot,
      EMPTY,
      EMPTY_READER_SLEEPS,
    );`,
    `store(this.#control, slot, EMPTY_READER_SLEEPS);
    const seen = EMPTY;`,
  ),
  mutant(
    "replaced message is kept",
    "conflate",
    "memory/conflate_slot.ts",
    `if (before > EMPTY_READER_SLEEPS) this.#memory.blocks.release(before);`,
    ``,
  ),
  mutant(
    "moving reader puts an older message back",
    "conflate-moves",
    "memory/conflate_slot.ts",
    `const seen = compareExchange(this.#control, slot, EMPTY, this.chunk);`,
    `store(this.#control, slot, this.chunk);
      const seen = EMPTY;`,
  ),
];

const MEMORY: readonly Mutant[] = [
  mutant(
    "references are counted in two steps",
    "block-release",
    "memory/block.ts",
    `if (add(words, at + REFERENCES, -1) !== 1) return;`,
    `const count = load(words, at + REFERENCES);
    store(words, at + REFERENCES, count - 1);
    if (count !== 1) return;`,
    `import { add, compareExchange, get, load, put } from`,
    `import { add, compareExchange, get, load, put, store } from`,
  ),
  mutant(
    "block is freed one reference early",
    "block-release",
    "memory/block.ts",
    `if (add(words, at + REFERENCES, -1) !== 1) return;`,
    `if (add(words, at + REFERENCES, -1) !== 2) return;`,
  ),
  mutant(
    "lent block is given back without a compare",
    "lent-memory",
    "memory/block.ts",
    `const seen = compareExchange(control, list, head, ref);`,
    `store(control, list, ref);
      const seen = head;`,
    `import { add, compareExchange, get, load, put } from`,
    `import { add, get, load, put, store } from`,
  ),
  mutant(
    "rest of the shared stack is put back over others",
    ["shared-stack", "shared-stack-short"],
    "memory/payload_segments.ts",
    `if (ref !== 0 && compareExchange(words, stack, 0, ref) !== 0) {`,
    `if (ref !== 0) store(words, stack, ref);
    if (ref < 0) {`,
  ),
  mutant(
    "shared stack is read and emptied in two steps",
    ["shared-stack", "shared-stack-short"],
    "memory/payload_segments.ts",
    `let ref = load(words, stack) === 0 ? 0 : exchange(words, stack, 0);`,
    `let ref = load(words, stack);
    store(words, stack, 0);`,
  ),
  mutant(
    "cells of pages that are not free are dropped",
    "sweep",
    "memory/payload_segments.ts",
    `      if (cells.get(ref >>> PAGE_GRANULES_SHIFT) === whole) freedCount++;`,
    `      if (ref !== 0) freedCount++;`,
  ),
  mutant(
    "cells that are kept are put back over others",
    "sweep",
    "memory/payload_segments.ts",
    `    if (kept !== 0) this.#pushChain(stack, kept, last);`,
    `    if (kept !== 0) exchange(words, stack, kept);`,
  ),
  mutant(
    "cells are swept that others may still take",
    "sweep",
    "memory/payload_segments.ts",
    `    const first = exchange(words, stack, 0);
    const cells`,
    `    const first = load(words, stack);
    exchange(words, stack, 0);
    const cells`,
  ),
  mutant(
    "run is kept outside of the allocator's lock",
    ["kept-runs", "kept-runs-short"],
    "memory/payload_segments.ts",
    `this.#control.locked(H.ALLOCATOR_LOCK, () => {
      if (this.#mayStayDirty(pages) && this.#keptRuns.push(ref)) {
        const { words } = this.#control;
        put(words, H.DIRTY_PAGES, get(words, H.DIRTY_PAGES) + pages);
      } else this.#giveRunLocked(ref, pages);
    });`,
    `if (this.#mayStayDirty(pages) && this.#keptRuns.push(ref)) {
      const { words } = this.#control;
      put(words, H.DIRTY_PAGES, get(words, H.DIRTY_PAGES) + pages);
    } else this.#giveRun(ref, pages);`,
  ),
  mutant(
    "memory limit is passed for a moment",
    "memory-limit-shared",
    "memory/payload_segments.ts",
    `        const seen = compareExchange(
          words,
          H.MEMORY_USED,
          used,
          used + granules,
        );`,
    `        add(words, H.MEMORY_USED, granules);
        const seen = used;`,
  ),
  mutant(
    "look for waiters before counting what came free",
    "memory-limit",
    "memory/control_segment.ts",
    `add(words, H.MEMORY_FREED, 1);
    if (load(words, H.MEMORY_WAITERS) === 0) return;`,
    `const waiters = load(words, H.MEMORY_WAITERS);
    add(words, H.MEMORY_FREED, 1);
    if (waiters === 0) return;`,
  ),
  mutant(
    "want memory without looking again",
    "memory-limit",
    "memory/control_segment.ts",
    `if (freed === this.#freedSeen) return;`,
    `if (freed >= 0) return;`,
  ),
  mutant(
    "lock is let go of without waking",
    "lock-2",
    "memory/lock.ts",
    `if ((exchange(words, index, 0) & CONTENDED) !== 0) notifyAll(words, index);`,
    `exchange(words, index, 0);`,
  ),
  mutant(
    "lock is taken without a compare",
    "lock-2",
    "memory/lock.ts",
    `const held = compareExchange(words, index, 0, tid | CONTENDED);`,
    `const held = load(words, index);
    if (held === 0) exchange(words, index, tid | CONTENDED);`,
  ),
  mutant(
    "dead holder's lock is waited for without its life being asked for",
    "lock-holder-stops",
    "memory/lock.ts",
    `if (result !== "timed-out" || alive(held & ~CONTENDED)) continue;`,
    `if (result !== "timed-out" || held !== 0) continue;`,
  ),
];

const LENDING: readonly Mutant[] = [
  mutant(
    "write side is lent before its descriptor is told",
    "lend-against-pong",
    "memory/write_side.ts",
    `put(words, pipe + PIPE.BORROWER_SENT, 0);
  store(words, pipe + PIPE.WRITE_SIDE, WriteSide.LENDABLE);`,
    `store(words, pipe + PIPE.WRITE_SIDE, WriteSide.LENDABLE);
  put(words, pipe + PIPE.BORROWER_SENT, 0);`,
  ),
  mutant(
    "engine takes its write side back without a compare",
    "lend-against-close",
    "memory/write_side.ts",
    `if (compareExchange(words, state, seen, WriteSide.ENGINE) === seen) {
          return Reclaim.BACK;
        }
        break;`,
    `store(words, state, WriteSide.ENGINE);
        return Reclaim.BACK;`,
  ),
  mutant(
    "borrower gives back without looking who waits",
    "lend-against-close",
    "memory/write_side.ts",
    `if (seen === WriteSide.LENT) return false;`,
    `if (seen !== WriteSide.ENGINE) return false;`,
  ),
  mutant(
    "octets written are told after the write side is back",
    "lend-against-pong",
    "memory/write_side.ts",
    `if (sent > 0) put(words, pipe + PIPE.BORROWER_SENT, sent);
  const seen = compareExchange(
    words,
    state,
    WriteSide.LENT,
    WriteSide.LENDABLE,
  );`,
    `const seen = compareExchange(
    words,
    state,
    WriteSide.LENT,
    WriteSide.LENDABLE,
  );
  if (sent > 0) put(words, pipe + PIPE.BORROWER_SENT, sent);`,
  ),
];

const NAMES: readonly Mutant[] = [
  mutant(
    "withdrawn connect stays in the registry",
    "bind-against-withdraw",
    "core/inproc_registry.ts",
    `this.#remove(entry);
      return true;`,
    `return true;`,
  ),
  mutant(
    "names are found without the lock",
    "bind-against-connect",
    "core/inproc_registry.ts",
    `const result = this.#locked(() => {
      const entry = this.#find(bytes, true);
      if (entry !== 0) {`,
    `const bound = this.#find(bytes, true);
    const result = this.#locked(() => {
      const entry = bound;
      if (entry !== 0) {`,
  ),
  mutant(
    "binder is not counted on to see a connect",
    "bind-connect-close",
    "core/inproc_registry.ts",
    `this.#handOver(pipe, socket);
        return socket;`,
    `return socket;`,
  ),
];

const TERMINATION: readonly Mutant[] = [
  mutant(
    "end that acknowledged asks for the end, too",
    ["pipe-states-at-once", "pipe-orders-at-once"],
    "core/pipe.ts",
    `case PipeState.TERM_ACK_SENT:
        return;`,
    `return;
      case PipeState.TERM_ACK_SENT:`,
  ),
  mutant(
    "end that read the delimiter waits for another one",
    ["pipe-states-reader", "pipe-orders-reader"],
    "core/pipe.ts",
    `case PipeState.DELIMITER_RECEIVED:
        this.#acknowledge();`,
    `case PipeState.DELIMITER_RECEIVED:
        this.#state = PipeState.WAITING_FOR_DELIMITER;`,
  ),
  mutant(
    "delay is forgotten when the other end goes",
    ["pipe-states-delay", "pipe-orders-delay"],
    "core/pipe.ts",
    `if (delay) return;
        this.#acknowledge();`,
    `this.#acknowledge();`,
  ),
  mutant(
    "closed socket is not handed to the reaper",
    "end-one-socket",
    "core/socket_base.ts",
    `control.post(this.record + SOCKET.TO_REAPER, Command.REAP);`,
    ``,
  ),
  mutant(
    "last socket goes without telling who waits",
    "end-one-socket",
    "core/socket_base.ts",
    `if (thread.control.count(H.SOCKET_COUNT, -1) === 0) {`,
    `if (thread.control.count(H.SOCKET_COUNT, -1) < 0) {`,
  ),
  mutant(
    "I/O worker is not told to stop",
    "end-listener",
    "core/ctx.ts",
    `for (let slot = 0; slot < FIRST_IO_SLOT + this.options.ioThreads; slot++) {
      this.#control.post(`,
    `for (let slot = 0; slot < FIRST_IO_SLOT; slot++) {
      this.#control.post(`,
  ),
  mutant(
    "session's acknowledgement to its owner is forgotten",
    "end-connecting",
    "core/session.ts",
    `thread.control.post(this.record + OWN.TO_OWNER, Command.TERM_ACK);`,
    ``,
  ),
  mutant(
    "listener's acknowledgement to its owner is forgotten",
    "end-listener",
    "core/listener_object.ts",
    `thread.control.post(this.record + OWN.TO_OWNER, Command.TERM_ACK);`,
    ``,
  ),
  mutant(
    "acknowledgements awaited are one too many",
    "end-connecting",
    "core/own.ts",
    `    this.#terminating = true;
    for`,
    `    this.#terminating = true;
    this.#termAcks++;
    for`,
  ),
  mutant(
    "children's acknowledgements are not counted",
    "end-connecting",
    "core/own.ts",
    `this.#termAcks++;
      link.markTerminating();
      this.#sendTerm(link.child, lingerMs);`,
    `link.markTerminating();
      this.#sendTerm(link.child, lingerMs);`,
  ),
  mutant(
    "TERM is answered before the children are gone",
    "end-accepted",
    "core/own.ts",
    `if (!this.#terminating || this.#destroyed || this.#termAcks !== 0) return;`,
    `if (!this.#terminating || this.#destroyed) return;`,
  ),
  mutant(
    "child that was told to end is told again",
    "end-disconnect",
    "core/own.ts",
    `if (link.terminating) continue;`,
    ``,
  ),
  mutant(
    "pipes of a dying socket are not waited for",
    "end-two-sockets",
    "core/socket_base.ts",
    `this.#own.registerTermAcks(pipes.length);`,
    ``,
  ),
  mutant(
    "pipe that was drained is not acknowledged",
    "end-two-sockets",
    "core/pipe.ts",
    `this.#post(Command.PIPE_TERM_ACK);
    this.#state = PipeState.TERM_ACK_SENT;`,
    `this.#state = PipeState.TERM_ACK_SENT;`,
  ),
  mutant(
    "pipe's acknowledgement is not answered",
    "end-two-sockets",
    "core/pipe.ts",
    `if (this.#state === PipeState.TERM_REQ_SENT1) {
      this.#post(Command.PIPE_TERM_ACK);
    }`,
    ``,
  ),
  mutant(
    "session goes before its pipe",
    "end-session",
    "core/session.ts",
    `if (this.#pipe !== null || this.#dyingPipes > 0) return;`,
    ``,
  ),
  {
    name: "TERM overtakes the end of a session's pipe",
    scenarios: ["end-session"],
    edits: [
      {
        file: "src/core/session.ts",
        find:
          `return (load(words, pipe.node + NODE.PENDING) & Command.PIPE_TERM) !== 0;`,
        replace: `return load(words, pipe.node + NODE.PENDING) < 0;`,
      },
      {
        file: "src/core/io_thread.ts",
        find: `object.processCommands(bits & ~Command.TERM);`,
        replace: `object.processCommands(bits);
    bits &= ~Command.TERM;`,
      },
    ],
  },
  mutant(
    "connect that nobody bound for is not given up",
    "end-no-bind-lingers",
    "core/reaper.ts",
    `if (this.#inproc.withdraw(pipe)) socket.attachLonelyEnd(pipe);`,
    ``,
  ),
  mutant(
    "given up connect's far end is not waited for",
    "end-no-bind-lingers",
    "core/socket_base.ts",
    `if (this.#own.terminating) this.#own.registerTermAcks(1);
    control.serveNode`,
    `control.serveNode`,
  ),
  mutant(
    "hiccup is not answered",
    "end-hiccup-lingers",
    "core/pipe.ts",
    `    this.#post(Command.HICCUP_ACK);
`,
    ``,
  ),
  mutant(
    "socket is counted after the last look at the context's state",
    "end-against-socket",
    "core/ctx.ts",
    `      // sets its state first, then looks at the count. One sees the other.
      this.thread.checkState();`,
    ``,
  ),
  mutant(
    "sockets are counted without the lock of their pool",
    "end-against-record",
    "core/ctx.ts",
    `this.#control.locked(
      H.REGISTRY_LOCK,
      () => this.#findOwners(owners, inTransit),
    );`,
    `this.#findOwners(owners, inTransit);`,
  ),
  mutant(
    "socket on its way is left there at the end",
    "end-in-transit",
    "core/ctx.ts",
    `if (this.#takeInTransit(record)) {`,
    `if (record < 0 && this.#takeInTransit(record)) {`,
  ),
  mutant(
    "socket on its way is taken without a compare",
    "end-in-transit",
    "core/ctx.ts",
    `return compareExchange(words, record + SOCKET.TICKET, ticket, 0) === ticket;`,
    `return load(words, record + SOCKET.TICKET) === ticket;`,
  ),
  mutant(
    "commands under way are not waited for",
    "end-against-connect",
    "core/own.ts",
    `if (sent !== this.#processedSeqnum) return;`,
    `if (sent < 0) return;`,
  ),
  mutant(
    "late pipe of a dying socket is not waited for",
    "end-against-connect",
    "core/socket_base.ts",
    `      this.#own.registerTermAcks(1);
      pipe.terminate(false);`,
    `      pipe.terminate(false);`,
  ),
];

/** All mistakes. */
export const MUTANTS: readonly Mutant[] = [
  ...QUEUE,
  ...MAILBOX,
  ...PIPE,
  ...MEMORY,
  ...LENDING,
  ...NAMES,
  ...TERMINATION,
];
