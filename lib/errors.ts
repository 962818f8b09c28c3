/** When an operation that failed may be tried again: never, after reading again, with backoff, or at another replica. */
export type Retry = "never" | "reread" | "backoff" | "redirect";

/** Every failure Tallship can report, with its gRPC status and how it is retried. docs/errors.md is generated from this table. */
export const ERRORS = {
  invalid_argument: { grpc: 3, retry: "never", meaning: "the request or object is malformed" },
  unknown_field: { grpc: 3, retry: "never", meaning: "a field that no kind has" },
  unknown_kind: { grpc: 3, retry: "never", meaning: "a kind or API group that is not supported" },
  too_large: { grpc: 3, retry: "never", meaning: "the input exceeds a limit of lib/limits.ts" },
  deadline_exceeded: { grpc: 4, retry: "backoff", meaning: "no answer in time; it may have happened" },
  not_found: { grpc: 5, retry: "never", meaning: "the object does not exist" },
  already_exists: { grpc: 6, retry: "never", meaning: "an object of that name exists" },
  forbidden: { grpc: 7, retry: "never", meaning: "the certificate's role does not allow it" },
  resource_exhausted: { grpc: 8, retry: "backoff", meaning: "a queue or range is full" },
  budget_exceeded: { grpc: 8, retry: "backoff", meaning: "evicting the pod now would break its disruption budget" },
  policy_refused: {
    grpc: 7,
    retry: "never",
    meaning: "a quota, a limit range or a priority class does not allow the object",
  },
  slow_watcher: { grpc: 8, retry: "backoff", meaning: "the watcher did not keep up and was cut; relist" },
  failed_precondition: { grpc: 9, retry: "never", meaning: "the object's state does not allow it" },
  version_conflict: { grpc: 10, retry: "reread", meaning: "the object changed since it was read" },
  field_conflict: { grpc: 10, retry: "never", meaning: "another manager owns the field" },
  history_lost: { grpc: 11, retry: "reread", meaning: "the watch's revision is compacted or of another epoch; relist" },
  not_supported: { grpc: 12, retry: "never", meaning: "Tallship does not do this" },
  internal: { grpc: 13, retry: "backoff", meaning: "a bug; see the log of the process named" },
  unavailable: { grpc: 14, retry: "backoff", meaning: "the peer cannot be reached" },
  not_leader: { grpc: 14, retry: "redirect", meaning: "only the leader does this" },
  too_new: { grpc: 14, retry: "backoff", meaning: "the replica has not caught up with the revision asked for" },
  leader_lost: { grpc: 14, retry: "backoff", meaning: "the writer no longer leads; its write was refused" },
  store_unavailable: { grpc: 14, retry: "backoff", meaning: "etcd does not answer" },
  seal_broken: {
    grpc: 15,
    retry: "never",
    meaning: "a secret in the store was changed, moved or sealed with another key",
  },
  image_not_found: { grpc: 5, retry: "backoff", meaning: "the registry has no such image" },
  image_unauthorized: { grpc: 7, retry: "backoff", meaning: "the registry refuses the credentials" },
  image_pull_failed: { grpc: 14, retry: "backoff", meaning: "the registry cannot be reached or broke off" },
  image_push_failed: { grpc: 14, retry: "never", meaning: "the registry cannot be reached or did not take the image" },
  image_digest_mismatch: { grpc: 15, retry: "backoff", meaning: "content does not have the digest it was asked by" },
  image_refused: { grpc: 3, retry: "never", meaning: "the image is malformed or hostile" },
  build_failed: { grpc: 9, retry: "never", meaning: "a step of an image's build failed" },
  runtime_failed: { grpc: 13, retry: "backoff", meaning: "the container runtime refused or failed" },
  command_not_found: { grpc: 9, retry: "backoff", meaning: "the container's command does not exist in its image" },
  config_missing: {
    grpc: 9,
    retry: "backoff",
    meaning: "a ConfigMap, Secret or key that the pod names does not exist",
  },
  kernel_failed: { grpc: 13, retry: "backoff", meaning: "the kernel refused a network or mount change" },
  disk_failed: { grpc: 13, retry: "backoff", meaning: "the disk is full or refuses" },
  unauthenticated: { grpc: 16, retry: "never", meaning: "no valid client certificate, token or pin" },
  cancelled: { grpc: 1, retry: "never", meaning: "the caller gave up" },
} as const satisfies Record<string, { grpc: number; retry: Retry; meaning: string }>;

/** One of the failures in ERRORS. */
export type ErrorCode = keyof typeof ERRORS;

/** Context that travels with an error, such as the leader's address. Values are short and hold no secrets. */
export type ErrorDetails = Readonly<Record<string, string>>;

/** The only error that Tallship throws. The message names the operation, the object and what disagrees. */
export class TallshipError extends Error {
  readonly code: ErrorCode;
  readonly details: ErrorDetails;

  constructor(code: ErrorCode, message: string, options: { cause?: unknown; details?: ErrorDetails } = {}) {
    super(message, { cause: options.cause });
    this.name = "TallshipError";
    this.code = code;
    this.details = options.details ?? {};
  }

  /** How the operation may be tried again. */
  get retry(): Retry {
    return ERRORS[this.code].retry;
  }
}

/** True when a string names a row of ERRORS. */
export function isErrorCode(text: string): text is ErrorCode {
  return Object.hasOwn(ERRORS, text);
}

/** The error as a TallshipError: itself, or wrapped with the code given. */
export function asTallshipError(error: unknown, code: ErrorCode = "internal"): TallshipError {
  if (error instanceof TallshipError) return error;
  return new TallshipError(code, error instanceof Error ? error.message : String(error), { cause: error });
}

/** True when the error has the code. */
export function hasCode(error: unknown, code: ErrorCode): boolean {
  return error instanceof TallshipError && error.code === code;
}

/** Never returns: the compiler proves that a switch over a union is complete. */
export function assertNever(value: never): never {
  throw new TallshipError("internal", `unexpected value ${JSON.stringify(value)}`);
}

/** Throws an internal error naming the broken promise. For bugs, never for input. */
export function assert(condition: boolean, promise: string): asserts condition {
  if (!condition) throw new TallshipError("internal", `broken promise: ${promise}`);
}
