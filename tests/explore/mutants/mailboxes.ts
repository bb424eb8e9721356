// Mistakes in how threads tell each other, and sleep.
import { type Mutant, mutant } from "./mutant.ts";

export const mailboxMutants: readonly Mutant[] = [
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
    `if (load(words, this.record + THREAD.SUMMARY) === 0) {`,
    `if (this.record !== 0) {`,
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
  mutant(
    "sleep that ended for no reason is gone on with, unmarked",
    "flush-against-waking",
    "core/thread.ts",
    `const result = wait(
        this.control.words,
        this.record + THREAD.SLEEP,
        Sleep.FUTEX,
        Math.min(left, LIVENESS_INTERVAL_MS),
      );
      this.awake();`,
    `const sleep = (how: number): string =>
        wait(
          this.control.words,
          this.record + THREAD.SLEEP,
          how,
          Math.min(left, LIVENESS_INTERVAL_MS),
        );
      let result = sleep(Sleep.FUTEX);
      this.awake();
      while (result === "ok" && !this.hasMail()) result = sleep(Sleep.AWAKE);`,
  ),
  mutant(
    "newest command comes first",
    "three-commands",
    "memory/control_segment.ts",
    `    nodes.reverse();
`,
    ``,
  ),
  mutant(
    "event loop is armed without a look for mail",
    "event-loop",
    "core/thread.ts",
    `if (!this.prepareSleep(Sleep.FUTEX)) {
      Promise`,
    `this.prepareSleep(Sleep.FUTEX);
    if (this.slot < 0) {
      Promise`,
  ),
  mutant(
    "event loop is armed once",
    "event-loop",
    "core/thread.ts",
    `this.#retained > 0 || this.#standing || this.memory.loanCount > 0`,
    `this.#retained > 0 || this.memory.loanCount > 0`,
  ),
];
