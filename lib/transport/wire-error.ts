import { asTallshipError, ERRORS, type ErrorCode, type ErrorDetails, isErrorCode, TallshipError } from "../errors.js";
import { LIMITS } from "../limits.js";

/** An error as it crosses the wire: gRPC status, message, and trailers that hold the code and its details. */
export interface WireError {
  readonly status: number;
  readonly message: string;
  readonly trailers: Readonly<Record<string, string>>;
}

const CODE_TRAILER = "tallship-code";
const DETAIL_PREFIX = "tallship-";

/** Any failure as it is sent: the code in the trailer tallship-code, each detail in tallship-<name>, URI-encoded and cut to its limit. */
export function toWireError(failure: unknown): WireError {
  const error = asTallshipError(failure);
  const trailers: Record<string, string> = { [CODE_TRAILER]: error.code };
  for (const [name, value] of Object.entries(error.details)) {
    if (/^[a-z0-9-]+$/.test(name) && name !== "code") trailers[`${DETAIL_PREFIX}${name}`] = encodeDetail(value);
  }
  return { status: ERRORS[error.code].grpc, message: cut(error.message, LIMITS.errorMessageBytes.value), trailers };
}

/** The error that was sent. Without a trailer (the peer is no Tallship, or never answered) the code follows from status and message. */
export function fromWireError(wire: WireError): TallshipError {
  const code = wire.trailers[CODE_TRAILER];
  if (code === undefined || !isErrorCode(code)) return new TallshipError(codeOfStatus(wire), wire.message);
  return new TallshipError(code, wire.message, { details: detailsOf(wire.trailers) });
}

function detailsOf(trailers: Readonly<Record<string, string>>): ErrorDetails {
  return Object.fromEntries(
    Object.entries(trailers)
      .filter(([name]) => name.startsWith(DETAIL_PREFIX) && name !== CODE_TRAILER)
      .map(([name, value]) => [name.slice(DETAIL_PREFIX.length), decodeDetail(value)]),
  );
}

const CODE_OF_STATUS: Readonly<Record<number, ErrorCode>> = {
  1: "cancelled",
  3: "invalid_argument",
  4: "deadline_exceeded",
  5: "not_found",
  6: "already_exists",
  7: "forbidden",
  8: "resource_exhausted",
  9: "failed_precondition",
  12: "not_supported",
  14: "unavailable",
  16: "unauthenticated",
};

/** What OpenSSL and Node say when one side refuses the other's certificate; trying again does not help. */
const CERTIFICATE_REFUSED = /certificate|self-signed|ALERT_|tlsv1[^ ]* alert|wrong role/i;

function codeOfStatus({ status, message }: WireError): ErrorCode {
  if (status === 8 && /larger than max/.test(message)) return "too_large";
  if (status === 14 && CERTIFICATE_REFUSED.test(message)) return "unauthenticated";
  return CODE_OF_STATUS[status] ?? "internal";
}

function cut(text: string, maxBytes: number): string {
  return Buffer.from(text).subarray(0, maxBytes).toString();
}

function encodeDetail(value: string): string {
  return encodeURIComponent(cut(value, LIMITS.errorDetailBytes.value));
}

function decodeDetail(value: string): string {
  try {
    return decodeURIComponent(value);
  } catch {
    return value;
  }
}
