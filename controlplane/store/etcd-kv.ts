import type { ICompare, IKeyValue, IRangeRequest, IRequestOp } from "etcd3";
import { hasCode } from "../../lib/errors.js";
import { limit } from "../../lib/limits.js";
import type { EtcdConnection } from "./etcd-connection.js";
import { prefixEnd } from "./keys.js";
import type { Check, Entry, Listing, ListOptions, Transaction, TransactionResult, Write } from "./store.js";
import { validateTransaction } from "./transaction.js";

// A list that a compaction cut short is begun anew this often.
const listTries = 3;
// The first page is small, since nothing is known yet of the size of values.
const firstPageEntries = 128;

/** The entry of a pair. The value is copied, or it would keep the whole message of which it is a part. */
export function entryOf(pair: IKeyValue): Entry {
  return {
    key: pair.key.toString(),
    value: Buffer.from(pair.value),
    revision: Number(pair.mod_revision),
    createRevision: Number(pair.create_revision),
  };
}

/** Reads one key, linearizable. */
export async function getEntry(connection: EtcdConnection, key: string): Promise<Entry | undefined> {
  const { kvs } = await connection.call(`get ${key}`, (client, options) =>
    client.kv.range({ key: Buffer.from(key) }, options),
  );
  return kvs[0] && entryOf(kvs[0]);
}

/** Reads all keys below the prefixes at the revision of the first page. */
export async function listEntries(
  connection: EtcdConnection,
  prefixes: readonly string[],
  options: ListOptions,
): Promise<Listing> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await listOnce(connection, [...prefixes].sort(), options);
    } catch (error) {
      if (!hasCode(error, "history_lost") || tries === listTries) throw error;
    }
  }
}

async function listOnce(
  connection: EtcdConnection,
  prefixes: readonly string[],
  options: ListOptions,
): Promise<Listing> {
  const entries: Entry[] = [];
  let revision = 0;
  for (const prefix of prefixes) {
    const end = Buffer.from(prefixEnd(prefix));
    let key: Buffer | undefined = Buffer.from(prefix);
    let pageEntries = options.keysOnly ? limit("storePageEntries") : firstPageEntries;
    while (key !== undefined) {
      const range: IRangeRequest = { key, range_end: end, limit: pageEntries, revision, keys_only: options.keysOnly };
      const page = await connection.call(`list ${prefix}`, (client, call) => client.kv.range(range, call));
      if (revision === 0) revision = Number(page.header.revision);
      for (const pair of page.kvs) entries.push(entryOf(pair));
      const last = page.kvs.at(-1);
      key = page.more && last !== undefined ? Buffer.concat([last.key, Buffer.of(0)]) : undefined;
      pageEntries = nextPageEntries(page.kvs);
    }
  }
  return { entries, revision };
}

/** As many entries as fill a page of limits.storePageBytes if they are like those of the last. */
function nextPageEntries(pairs: readonly IKeyValue[]): number {
  const bytes = pairs.reduce((sum, pair) => sum + pair.key.length + pair.value.length, 1);
  const fitting = Math.floor((limit("storePageBytes") * pairs.length) / bytes);
  return Math.min(limit("storePageEntries"), Math.max(8, fitting));
}

/** Commits or tells why not, in one request; never repeated. */
export async function transactOnce(connection: EtcdConnection, transaction: Transaction): Promise<TransactionResult> {
  validateTransaction(transaction);
  const { guard, checks, writes } = transaction;
  const guards = guard === undefined ? [] : [guard];
  const compare = [
    ...guards.map(({ key, createRevision }): ICompare => {
      return { key: Buffer.from(key), target: "Create", result: "Equal", create_revision: createRevision };
    }),
    ...checks.map(({ key, revision }): ICompare => {
      return { key: Buffer.from(key), target: "Mod", result: "Equal", mod_revision: revision };
    }),
  ];
  // What is read when a comparison fails, in the order of the comparisons.
  const failure = [...guards, ...checks].map(({ key }): IRequestOp => {
    return { request_range: { key: Buffer.from(key), keys_only: true } };
  });
  const response = await connection.call("transact", (client, options) =>
    client.kv.txn({ compare, success: writes.map(requestOf), failure }, options),
  );
  if (response.succeeded) return { is: "committed", revision: Number(response.header.revision) };
  const found = response.responses.map(({ response_range }) => response_range.kvs[0]);
  if (guard !== undefined && Number(found.shift()?.create_revision ?? 0) !== guard.createRevision)
    return { is: "guard_failed" };
  return { is: "conflict", conflicts: conflictsOf(checks, found) };
}

function requestOf(write: Write): IRequestOp {
  const key = Buffer.from(write.key);
  if (write.op === "delete") return { request_delete_range: { key } };
  return { request_put: { key, value: Buffer.from(write.value), lease: write.leaseId ?? "0" } };
}

function conflictsOf(checks: readonly Check[], found: readonly (IKeyValue | undefined)[]): readonly Check[] {
  return checks
    .map(({ key }, at) => ({ key, revision: Number(found[at]?.mod_revision ?? 0) }))
    .filter(({ revision }, at) => revision !== checks[at]?.revision);
}

/** Forgets changes at and before the revision; nothing when they are forgotten already. */
export async function compactTo(connection: EtcdConnection, revision: number): Promise<void> {
  try {
    await connection.call(`compact ${revision}`, (client, options) => client.kv.compact({ revision }, options));
  } catch (error) {
    if (!hasCode(error, "history_lost")) throw error;
  }
}
