import {
  castGrpcError,
  EtcdLeaseInvalidError,
  GRPCDeadlineExceededError,
  GRPCFailedPreconditionError,
  GRPCInvalidArgumentError,
  GRPCNotFoundError,
  GRPCOutOfRangeError,
  GRPCResourceExhastedError,
} from "etcd3";
import { type ErrorCode, TallshipError } from "../../lib/errors.js";

/** What etcd's or the connection's failure means: everything that is not known to be otherwise is store_unavailable. */
export function storeError(operation: string, failure: unknown): TallshipError {
  if (failure instanceof TallshipError) return failure;
  const cause = failure instanceof Error ? castGrpcError(failure) : new Error(String(failure));
  return new TallshipError(codeOf(cause), `${operation}: ${cause.message}`, { cause });
}

function codeOf(error: Error): ErrorCode {
  if (error instanceof GRPCDeadlineExceededError) return "deadline_exceeded";
  if (error instanceof GRPCFailedPreconditionError || error instanceof EtcdLeaseInvalidError)
    return "failed_precondition";
  if (error instanceof GRPCNotFoundError) return "not_found";
  if (error instanceof GRPCOutOfRangeError) return isCompacted(error) ? "history_lost" : "invalid_argument";
  if (error instanceof GRPCInvalidArgumentError) return isTooLarge(error) ? "too_large" : "invalid_argument";
  // The database is full (quota) or etcd sheds load.
  if (error instanceof GRPCResourceExhastedError) return "resource_exhausted";
  return "store_unavailable";
}

function isCompacted(error: Error): boolean {
  return error.message.includes("has been compacted");
}

function isTooLarge(error: Error): boolean {
  return error.message.includes("too large") || error.message.includes("too many operations");
}
