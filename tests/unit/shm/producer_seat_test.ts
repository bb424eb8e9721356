// A producer's seat that one thread leaves to another.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import {
  existsSync,
  readFileSync,
  renameSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { test } from "node:test";
import { ProducerSeat } from "../../../src/shm/producer_seat.ts";
import { ShmProducer } from "../../../src/shm_entry.ts";
import { leakFree } from "../../support/leaks.ts";
import { withoutDescriptors } from "../../support/refused_calls.ts";

const OPTIONS = { slots: 8, slotSize: 64 };

interface LeftSeat {
  readonly fd: number;
  readonly epoch: number;
}

class Place {
  readonly name = `seat-${randomUUID()}`;
  readonly data = `/dev/shm/purezmq.${this.name}.queue`;
  readonly lock = `/dev/shm/purezmq.${this.name}.lock`;

  /** A seat that was left. */
  left(): LeftSeat {
    const seat = ProducerSeat.take(this.name, OPTIONS);
    const { epoch } = seat.file.identity;
    return { fd: seat.leave(), epoch };
  }

  resume({ fd, epoch }: LeftSeat): ProducerSeat {
    return ProducerSeat.resume(this.name, fd, epoch);
  }

  giveUp({ fd, epoch }: LeftSeat): void {
    ProducerSeat.giveUp(fd, epoch);
  }

  refuses(left: LeftSeat, code: string): void {
    assert.throws(() => this.resume(left), { code });
  }

  get hasFiles(): boolean[] {
    return [this.data, this.lock].map(existsSync);
  }
}

test(
  "the seat is the one that was left",
  leakFree(() => {
    const place = new Place();
    const left = place.left();
    const again = place.resume(left);
    assert.equal(again.file.identity.epoch, left.epoch);
    again.end();
    assert.deepEqual(place.hasFiles, [false, false]);
  }),
);

test(
  "who comes late to a seat does not sit down on the next one's",
  leakFree(() => {
    const place = new Place();
    const left = place.left();
    place.giveUp(left);
    place.refuses(left, "EBADF");
    const next = ProducerSeat.take(place.name, OPTIONS);
    assert.equal(next.locks.fd, left.fd, "the same number again");
    place.refuses(left, "EBADF");
    // It is untouched: still the producer's, and nobody else's.
    assert.deepEqual(place.hasFiles, [true, true]);
    assert.equal(next.locks.isAt(place.lock), true);
    assert.throws(() => place.left(), { code: "EADDRINUSE" });
    next.end();
  }),
);

test(
  "files of a seat that nobody can take are removed",
  leakFree(() => {
    const place = new Place();
    const left = place.left();
    truncateSync(place.data, 4096);
    place.refuses(left, "EPROTO");
    assert.deepEqual(place.hasFiles, [false, false]);
  }),
);

test(
  "another producer's files are left alone",
  leakFree(() => {
    const place = new Place();
    const left = place.left();
    rmSync(place.data);
    rmSync(place.lock);
    using other = ShmProducer.create(place.name);
    place.refuses(left, "ENOENT");
    assert.deepEqual(place.hasFiles, [true, true]);
    other.write(new Uint8Array(8));
  }),
);

test(
  "an earlier epoch's file is not taken for the seat's",
  leakFree(() => {
    const place = new Place();
    const first = ProducerSeat.take(place.name, OPTIONS);
    const earlier = readFileSync(place.data);
    first.end();
    const left = place.left();
    writeFileSync(`${place.data}.old`, earlier, { mode: 0o600 });
    renameSync(`${place.data}.old`, place.data);
    place.refuses(left, "ENOENT");
    assert.deepEqual(place.hasFiles, [false, false]);
  }),
);

test(
  "a seat is given up until it is ended, and its number may be another's then",
  leakFree(() => {
    const place = new Place();
    const left = place.left();
    place.giveUp({ ...left, epoch: left.epoch + 1 });
    place.resume(left).end();
    place.giveUp(left);
    const next = place.left();
    assert.equal(next.fd, left.fd, "the same number again");
    place.giveUp(left);
    assert.deepEqual(place.hasFiles, [true, true]);
    place.giveUp(next);
    assert.deepEqual(place.hasFiles, [false, false]);
    // Consumers of it see that it is dead, and anybody may have the name.
    ProducerSeat.take(place.name, OPTIONS).end();
  }),
);

test(
  "giving up needs no descriptor, and leaves another's files alone",
  leakFree(() => {
    const place = new Place();
    const left = place.left();
    withoutDescriptors(() => place.giveUp(left));
    assert.deepEqual(place.hasFiles, [false, false]);
    const removed = place.left();
    rmSync(place.lock);
    using other = ShmProducer.create(place.name);
    place.giveUp(removed);
    assert.deepEqual(place.hasFiles, [true, true]);
    other.write(new Uint8Array(8));
  }),
);
