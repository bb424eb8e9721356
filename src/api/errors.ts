// libzmq: err.{hpp,cpp} · runs on: any · RFC: –

export type { ErrorCode } from "../base/error_codes.ts";
export { ZmqError, type ZmqErrorOptions } from "../base/errors.ts";
