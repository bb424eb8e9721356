// libzmq: none · runs on: courier thread · RFC: –

import { openCourierPorts } from "../../ffi/mod.ts";
import { COURIER_RUNS } from "./segment_exchange.ts";
import type { CourierData, SegmentNote } from "./segment_exchange.ts";

/** Passes segments between its thread and the other couriers. */
export function runCourier(data: CourierData): void {
  const known = new Map<number, SharedArrayBuffer>();
  const ports = openCourierPorts(
    data.channel,
    data.port,
    (message) => {
      const note = message as SegmentNote;
      if (note.buffer !== undefined) {
        known.set(note.index, note.buffer);
        ports.toThread(note);
      } else if (known.has(note.index)) answer(note.index);
    },
    (message) => {
      const note = message as SegmentNote | null;
      if (note === null) {
        ports.close();
        return;
      }
      if (note.buffer !== undefined) known.set(note.index, note.buffer);
      ports.toAll(note);
    },
  );
  ports.toThread({ index: COURIER_RUNS } satisfies SegmentNote);
  function answer(index: number): void {
    const buffer = known.get(index);
    if (buffer !== undefined) ports.toAll({ index, buffer });
  }
}
