import { TallshipError } from "../../lib/errors.js";
import { limit } from "../../lib/limits.js";
import type { Transaction, Write } from "./store.js";

// Field tags, lengths and revisions around each key and value, at most.
const envelopeBytes = 48;

/** Bytes that a write takes in a request, rounded up; a batch stays below limits.transactionBytes. */
export function writeSize(write: Write): number {
  return envelopeBytes + Buffer.byteLength(write.key) + (write.op === "put" ? write.value.length : 0);
}

/** Bytes that a transaction takes in a request, rounded up. A check's key is sent twice: to compare and to report. */
export function transactionSize(transaction: Transaction): number {
  let bytes = transaction.guard === undefined ? 0 : 2 * (envelopeBytes + transaction.guard.key.length);
  for (const check of transaction.checks) bytes += 2 * (envelopeBytes + Buffer.byteLength(check.key));
  for (const write of transaction.writes) bytes += writeSize(write);
  return bytes;
}

/** Throws what every store refuses before it sends anything: too many operations, too many bytes, a key written twice. */
export function validateTransaction(transaction: Transaction): void {
  const { checks, writes } = transaction;
  const most = limit("transactionOperations");
  if (checks.length > most || writes.length > most)
    throw new TallshipError(
      "too_large",
      `transact: ${checks.length} checks and ${writes.length} writes, at most ${most} each`,
    );
  const bytes = transactionSize(transaction);
  if (bytes > limit("transactionBytes"))
    throw new TallshipError("too_large", `transact: ${bytes} bytes, at most ${limit("transactionBytes")}`);
  const written = new Set<string>();
  for (const { key } of writes) {
    if (written.has(key)) throw new TallshipError("invalid_argument", `transact: ${key} is written twice`);
    written.add(key);
  }
}
