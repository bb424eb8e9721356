// libzmq: none · runs on: app thread · RFC: –
/**
 * Queues in shared memory, between processes of one machine: one producer
 * writes each record once, and any number of consumers read it where it lies.
 * Deno and Bun mix freely.
 *
 * @module
 */
export {
  type HoldBackOptions,
  type ShmProducerOptions,
  type WaitingKind,
} from "./shm/producer_options.ts";
export { RecordView } from "./shm/record_view.ts";
export type { StartAt } from "./shm/ring_reader.ts";
export {
  ShmBuffer,
  type ShmBufferOptions,
  type ShmBufferStatistics,
} from "./shm/shm_buffer.ts";
export {
  ShmConsumer,
  type ShmConsumerOptions,
  type ShmConsumerStatistics,
  type ShmProducerState,
} from "./shm/shm_consumer.ts";
export { ShmError, type ShmErrorOptions } from "./shm/shm_error.ts";
export { ShmProducer, type ShmProducerStatistics } from "./shm/shm_producer.ts";
export { ZmqError, type ZmqErrorOptions } from "./base/errors.ts";
export type { ErrorCode } from "./base/error_codes.ts";
