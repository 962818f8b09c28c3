import type { ErrorCode, TallshipError } from "../lib/errors.js";
import { isUsageError } from "./verb.js";

/** What tsctl's exit codes mean; scripts may rely on them. `exec` passes the command's own code on. */
export const EXIT = {
  ok: 0,
  failed: 1,
  usage: 2,
  notFound: 3,
  conflict: 4,
  unreachable: 5,
  invalidInput: 6,
  denied: 7,
  timedOut: 8,
  interrupted: 130,
  /** As shells show a program that SIGPIPE has ended: 128 and the signal's number. */
  pipeClosed: 141,
} as const;

const OF_CODE: Partial<Record<ErrorCode, number>> = {
  not_found: EXIT.notFound,
  already_exists: EXIT.conflict,
  version_conflict: EXIT.conflict,
  field_conflict: EXIT.conflict,
  unavailable: EXIT.unreachable,
  not_leader: EXIT.unreachable,
  store_unavailable: EXIT.unreachable,
  invalid_argument: EXIT.invalidInput,
  unknown_field: EXIT.invalidInput,
  unknown_kind: EXIT.invalidInput,
  too_large: EXIT.invalidInput,
  forbidden: EXIT.denied,
  unauthenticated: EXIT.denied,
  deadline_exceeded: EXIT.timedOut,
  cancelled: EXIT.interrupted,
};

/** The exit code of a failure. */
export function exitCodeOf(error: TallshipError): number {
  return isUsageError(error) ? EXIT.usage : (OF_CODE[error.code] ?? EXIT.failed);
}
