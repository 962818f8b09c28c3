import { type ErrorCode, TallshipError } from "../../lib/errors.js";

/** What says most about a pull that failed everywhere, first: a mirror that is down tells less than a registry that says no. */
const TELLING: readonly ErrorCode[] = [
  "image_digest_mismatch",
  "image_unauthorized",
  "image_not_found",
  "image_pull_failed",
];

/** One error for all endpoints that were asked in vain, with the code that tells most and every message. */
export function pullFailure(what: string, failures: readonly TallshipError[]): TallshipError {
  const codes = new Set(failures.map(({ code }) => code));
  const code = TELLING.find((each) => codes.has(each)) ?? "image_pull_failed";
  const said = [...new Set(failures.map(({ message }) => message))].join("; ");
  return new TallshipError(code, `pull ${what}: ${said === "" ? "no endpoint is configured" : said}`, {
    cause: failures.find((failure) => failure.code === code),
  });
}

/** True when another endpoint may do better. A hostile image, a full disk or a caller who gave up is the same everywhere. */
export function isWorthAnotherEndpoint(error: TallshipError): boolean {
  return TELLING.includes(error.code);
}
