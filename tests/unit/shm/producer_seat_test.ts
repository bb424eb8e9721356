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

class Place {
  readonly name = `seat-${randomUUID()}`;
  readonly data = `/dev/shm/purezmq.${this.name}.queue`;
  readonly lock = `/dev/shm/purezmq.${this.name}.lock`;

  /** The descriptor of a seat that was left. */
  left(): number {
    return ProducerSeat.take(this.name, { slots: 8, slotSize: 64 }).leave();
  }

  refuses(fd: number, code: string): void {
    assert.throws(() => ProducerSeat.resume(this.name, fd), { code });
  }
}

test(
  "the seat is the one that was left",
  leakFree(() => {
    const { name, data, lock } = new Place();
    const seat = ProducerSeat.take(name, {});
    const { epoch } = seat.file.identity;
    const again = ProducerSeat.resume(name, seat.leave());
    assert.equal(again.file.identity.epoch, epoch);
    again.end();
    assert.deepEqual([data, lock].map(existsSync), [false, false]);
  }),
);

test(
  "files of a seat that nobody can take are removed",
  leakFree(() => {
    const place = new Place();
    const fd = place.left();
    truncateSync(place.data, 4096);
    place.refuses(fd, "EPROTO");
    assert.deepEqual([place.data, place.lock].map(existsSync), [false, false]);
  }),
);

test(
  "another producer's files are left alone",
  leakFree(() => {
    const place = new Place();
    const fd = place.left();
    rmSync(place.data);
    rmSync(place.lock);
    using other = ShmProducer.create(place.name);
    place.refuses(fd, "ENOENT");
    assert.deepEqual([place.data, place.lock].map(existsSync), [true, true]);
    other.write(new Uint8Array(8));
  }),
);

test(
  "an earlier epoch's file is not taken for the seat's",
  leakFree(() => {
    const place = new Place();
    const first = ProducerSeat.take(place.name, { slots: 8, slotSize: 64 });
    const earlier = readFileSync(place.data);
    first.end();
    const fd = place.left();
    writeFileSync(`${place.data}.old`, earlier, { mode: 0o600 });
    renameSync(`${place.data}.old`, place.data);
    place.refuses(fd, "ENOENT");
    assert.deepEqual([place.data, place.lock].map(existsSync), [false, false]);
  }),
);

test(
  "a seat is left until it is ended, and its number may be another's then",
  leakFree(() => {
    const { name, data, lock } = new Place();
    const options = { slots: 8, slotSize: 64 };
    const seat = ProducerSeat.take(name, options);
    const { epoch } = seat.file.identity;
    const fd = seat.leave();
    assert.equal(ProducerSeat.isLeft(name, fd, epoch), true);
    assert.equal(ProducerSeat.isLeft(name, fd, epoch + 1), false);
    const resumed = ProducerSeat.resume(name, fd);
    assert.equal(ProducerSeat.isLeft(name, fd, epoch), true);
    resumed.end();
    assert.equal(ProducerSeat.isLeft(name, fd, epoch), false);
    const next = ProducerSeat.take(name, options);
    assert.equal(next.locks.fd, fd, "the same number again");
    assert.equal(ProducerSeat.isLeft(name, fd, epoch), false);
    const nextEpoch = next.file.identity.epoch;
    assert.equal(ProducerSeat.isLeft(name, next.file.fd, nextEpoch), false);
    next.leave();
    ProducerSeat.giveUp(name, fd);
    assert.deepEqual([data, lock].map(existsSync), [false, false]);
    // Consumers of it see that it is dead, and anybody may have the name.
    ProducerSeat.take(name, options).end();
  }),
);
