// What calls of libc cost from here, their system calls included.

import {
  EPOLL_CTL_ADD,
  epollControl,
  epollCreate,
  EpollEvents,
  EPOLLIN,
  gettid,
  monotonicMs,
  wake,
  Wakeup,
  yieldThread,
} from "../ffi/mod.ts";
import { BATCH, perBatch } from "./parts.ts";

perBatch("ffi", "gettid", () => {
  for (let n = 0; n < BATCH; n++) gettid();
});

perBatch("ffi", "the clock", () => {
  for (let n = 0; n < BATCH; n++) monotonicMs();
});

perBatch("ffi", "sched_yield", () => {
  for (let n = 0; n < BATCH; n++) yieldThread();
});

const wakeup = Wakeup.open();
perBatch("ffi", "wake and drain", () => {
  for (let n = 0; n < BATCH; n++) {
    wake(wakeup.writeFd);
    wakeup.drain();
  }
});

// What only Linux has.
const epoll = Deno.build.os === "linux" ? epollCreate() : -1;
if (epoll >= 0) {
  epollControl(epoll, EPOLL_CTL_ADD, wakeup.readFd, EPOLLIN, 1);
  const events = new EpollEvents(64);
  perBatch("ffi", "epoll_wait that finds nothing", () => {
    for (let n = 0; n < BATCH; n++) {
      if (events.wait(epoll, 0) !== 0) throw new Error("nobody woke it");
    }
  });
}
