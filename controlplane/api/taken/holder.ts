import { type ObjectKey, parseStoreKey, storeKey, storePrefix } from "../../../kinds/object.js";
import { TakenRecord } from "../../../proto/gen/tallship/v1/record.js";
import type { Service } from "../../../proto/gen/tallship/v1/service.js";
import type { Reads } from "../write/reads.js";

/** Who holds a value. */
export type Holding =
  /** Nobody, or somebody who is gone, or the claimer itself; `revision` is that of the record, 0 when there is none. */
  | { readonly is: "free"; readonly revision: number }
  /** By what is known. `doubt` names the holder's key: the store has the last word on whether it stands. */
  | { readonly is: "held"; readonly holder: string; readonly doubt: readonly string[] };

/** Who holds the value of a record, for a service that wants it. */
export function holdingOf(recordKey: string, claimer: Service, reads: Reads): Holding {
  const record = reads.record(recordKey);
  if (record === undefined) return { is: "free", revision: 0 };
  const { holder, uid } = TakenRecord.decode(record.value);
  if (uid === claimer.metadata?.uid) return { is: "free", revision: record.revision };
  const key = holderKey(holder);
  if (key === undefined) return { is: "held", holder, doubt: [] };
  const isGone = reads.standing(key)?.object.metadata?.uid !== uid;
  if (isGone && reads.isFresh(storeKey(key))) return { is: "free", revision: record.revision };
  return { is: "held", holder, doubt: [storeKey(key)] };
}

/** The record that says that a service holds a value. */
export function holderRecord({ metadata }: Service): Uint8Array {
  const holder = `Service/${metadata?.namespace}/${metadata?.name}`;
  return TakenRecord.encode(TakenRecord.fromPartial({ holder, uid: metadata?.uid ?? "" })).finish();
}

function holderKey(holder: string): ObjectKey | undefined {
  const [kind, namespace, name] = holder.split("/");
  return kind === "Service" ? parseStoreKey(`${storePrefix(kind)}${namespace}/${name}`) : undefined;
}
