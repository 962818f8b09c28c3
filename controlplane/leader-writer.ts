import { encodeObject, keyOf, metaOf, storeKey, type Typed, withMeta } from "../kinds/object.js";
import { limit } from "../lib/limits.js";
import { holderRecord } from "./api/taken/holder.js";
import { takenBy } from "./api/taken/taken-keys.js";
import type { View } from "./cache/view.js";
import type { ObjectWrite } from "./controllers/controller.js";
import { PackedWrites, type Sent } from "./packed-writes.js";
import type { Check, Guard, Store, Write } from "./store/store.js";
import { writeSize } from "./store/transaction.js";

/** What came of a set of writes. Writes before a conflict have happened when there are more than fit into one transaction. */
export type Written = Sent;

/** Edge of all that the leader decides: writes objects, or says what stood against it. Failures: store_unavailable, deadline_exceeded. */
export interface Planner {
  write(writes: readonly ObjectWrite[]): Promise<Written>;
}

interface Encoded {
  /** The object's own, and those of records that it takes. */
  readonly checks: readonly Check[];
  /** The object's own write, and those of the records that it takes, or held when it goes. */
  readonly writes: readonly Write[];
}

/**
 * Writes with compare-and-swap on every object and on the election's key. Up to limits.transactionObjects share one transaction, with those of
 * other sets that are written in the same turn; more are cut in their order, and a conflict stops at the cut.
 */
export function leaderPlanner(store: Pick<Store, "transact">, guard: Guard, view: View): Planner {
  const packed = new PackedWrites(store, guard);
  return {
    write: async (writes) => {
      let revision = 0;
      for (const part of cut(writes.map((write) => encode(write, view)))) {
        const checks = part.flatMap((each) => each.checks);
        const sent = await packed.send({ checks, writes: part.flatMap((each) => each.writes) });
        if (sent.is !== "written") return sent;
        revision = sent.revision;
      }
      return { is: "written", revision };
    },
  };
}

function encode(wanted: ObjectWrite, view: View): Encoded {
  const key = storeKey(wanted.op === "put" ? keyOf(wanted.typed) : wanted.key);
  const check = { key, revision: wanted.revision };
  if (wanted.op === "put") {
    const records = recordsOf(wanted.typed, view);
    const fresh = records.filter(({ op }) => op === "put");
    return {
      checks: [check, ...fresh.map((each) => ({ key: each.key, revision: 0 }))],
      writes: [{ op: "put", key, value: encodeObject(withoutVersion(wanted.typed)) }, ...records],
    };
  }
  const { kind, namespace, name } = wanted.key;
  const service = kind === "Service" ? view.get(kind, namespace, name) : undefined;
  const taken = service === undefined ? [] : takenBy(service);
  return { checks: [check], writes: [key, ...taken].map((each) => ({ op: "delete", key: each })) };
}

/** The records of what a service takes that it has not held, which nobody else may hold, and of what it holds no longer. */
function recordsOf(typed: Typed, view: View): readonly Write[] {
  if (typed.kind !== "Service") return [];
  const { namespace, name } = metaOf(typed.object);
  const before = view.get("Service", namespace, name);
  const held = new Set(before === undefined ? [] : takenBy(before));
  const wanted = new Set(takenBy(typed.object));
  return [
    ...[...wanted]
      .filter((key) => !held.has(key))
      .map((key): Write => ({ op: "put", key, value: holderRecord(typed.object) })),
    ...[...held].filter((key) => !wanted.has(key)).map((key): Write => ({ op: "delete", key })),
  ];
}

/** The version is the store's to say; what is stored carries none. */
function withoutVersion(typed: Typed): Typed {
  return withMeta(typed, { ...metaOf(typed.object), resourceVersion: "" });
}

function cut(encoded: readonly Encoded[]): readonly (readonly Encoded[])[] {
  const parts: Encoded[][] = [];
  let part: Encoded[] = [];
  let bytes = 0;
  let operations = 0;
  for (const each of encoded) {
    const size = each.writes.reduce(
      (sum, write) => sum + writeSize(write),
      2 * (each.checks[0]?.key.length ?? 0) + 100,
    );
    const isCrowded = operations + each.writes.length > limit("transactionOperations");
    const isFull =
      isCrowded || part.length >= limit("transactionObjects") || bytes + size > limit("transactionBytes") - 1_000;
    if (isFull && part.length > 0) {
      parts.push(part);
      part = [];
      bytes = 0;
      operations = 0;
    }
    part.push(each);
    bytes += size;
    operations += each.writes.length;
  }
  if (part.length > 0) parts.push(part);
  return parts;
}
