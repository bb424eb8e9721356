// Mistakes in the end of pipes, sockets, sessions and contexts.
import { type Mutant, mutant } from "./mutant.ts";

export const terminationMutants: readonly Mutant[] = [
  mutant(
    "end that acknowledged asks for the end, too",
    ["pipe-states-at-once", "pipe-orders-at-once", "end-hiccup"],
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
  mutant(
    "end that was to wait for no message waits",
    "pipe-states-no-delay",
    "core/pipe.ts",
    `  setNoDelay(): void {
    this.#delay = false;`,
    `  setNoDelay(): void {`,
  ),
  mutant(
    "end that is told twice asks twice",
    "pipe-states-both",
    "core/pipe.ts",
    `      case PipeState.TERM_REQ_SENT1:
      case PipeState.TERM_REQ_SENT2:
      case PipeState.TERM_ACK_SENT:
        return;
      case PipeState.ACTIVE:`,
    `      case PipeState.TERM_REQ_SENT2:
      case PipeState.TERM_ACK_SENT:
        return;
      case PipeState.TERM_REQ_SENT1:
      case PipeState.ACTIVE:`,
  ),
  mutant(
    "one pipe of a dying socket is waited for",
    "end-three-sockets",
    "core/socket_base.ts",
    `this.#own.registerTermAcks(pipes.length);`,
    `this.#own.registerTermAcks(pipes.length > 0 ? 1 : 0);`,
  ),
  mutant(
    "withdrawn connect's far end ends nobody",
    "end-no-bind",
    "core/socket_endpoints.ts",
    `this.#socket.attachLonelyEnd(pipe.record);`,
    ``,
  ),
  mutant(
    "acknowledgements of several children count as one",
    "end-two-sessions",
    "core/own.ts",
    `this.#termAcks++;
      link.markTerminating();
      this.#sendTerm(link.child, lingerMs);`,
    `this.#termAcks = 1;
      link.markTerminating();
      this.#sendTerm(link.child, lingerMs);`,
  ),
  mutant(
    "session that is to end connects no more",
    "end-broken-session",
    "core/session.ts",
    `if (this.active && end !== EngineEnd.PROTOCOL) this.#reconnect();`,
    `if (this.active && !this.#pending) this.#reconnect();`,
  ),
  mutant(
    "pipe that a session makes is not counted on",
    "end-late-pipe",
    "core/session.ts",
    `add(thread.control.words, socket + SOCKET.SENT_SEQNUM, 1);
    thread`,
    `thread`,
  ),
  mutant(
    "acknowledgement of a child that asked for its end is not awaited",
    "end-accepted-breaks",
    "core/own.ts",
    `this.#termAcks++;
    link.markTerminating();`,
    `link.markTerminating();`,
  ),
  mutant(
    "child that asked for its end is told twice",
    "end-accepted-breaks",
    "core/own.ts",
    `link.markTerminating();
    this.#sendTerm(child, this.#host.lingerMs);`,
    `this.#sendTerm(child, this.#host.lingerMs);`,
  ),
  mutant(
    "linger is never over",
    ["end-linger", "end-broken-linger"],
    "core/session.ts",
    `() => this.#pipe?.terminate(false),`,
    `() => this.#pipe?.rollback(),`,
  ),
  mutant(
    "session that connects again is given up as one that does not",
    "end-broken-session",
    "core/session.ts",
    `const hopeless = this.#engine === null && this.#connecter === null;`,
    `const hopeless = this.#engine === null;`,
  ),
  mutant(
    "mail does not wake who waits for the end in its event loop",
    ["end-promise", "end-promise-session"],
    "core/ctx.ts",
    `    this.#onTurn?.();
`,
    ``,
  ),
  mutant(
    "one child's acknowledgement counts for all",
    ["end-two-sessions", "end-accepted-two"],
    "core/own.ts",
    `this.#termAcks--;`,
    `this.#termAcks = 0;`,
  ),
];
