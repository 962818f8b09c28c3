import { applyDefaults } from "../../../kinds/defaults/defaults.js";
import { isReleased } from "../../../kinds/deletion.js";
import { keyOf, keyText, metaOf, storeKey, type Typed, withMeta } from "../../../kinds/object.js";
import { messageSchema } from "../../../kinds/schema.js";
import { deepEqual, equalBytes } from "../../../lib/deep-equal.js";
import { TallshipError } from "../../../lib/errors.js";
import type { PriorityClass } from "../../../proto/gen/tallship/v1/priorityclass.js";
import type { Cached } from "../../cache/view.js";
import type { Sealer } from "../../store/seal.js";
import { admitChanged, admitNew, invalidObject } from "../admission/admit.js";
import { withParts } from "../admission/parts.js";
import { fieldsOf } from "../merge/fields.js";
import { relinquish } from "../merge/relinquish.js";
import { type MergeSides, mergeThreeWay } from "../merge/three-way.js";
import {
  keep,
  type ObjectTask,
  type Outcome,
  objectTask,
  put,
  remove,
  type TaskContext,
} from "../tasks/object-task.js";
import { refuseOther } from "../tasks/update.js";
import { type Reads, typedOf } from "../write/reads.js";
import { type Refusal, refuse } from "../write/task.js";
import { type Claim, claimOf, claimOfLive, decodeMessage, encodeMessage } from "./claim.js";
import { appliedValue, type Content, contentKey, contentOf, referenceIn } from "./contents.js";

/** Who applies, and how. */
export interface ApplyOptions {
  readonly manager: string;
  /** Take fields over from other managers. */
  readonly isForced: boolean;
  readonly sealer: Sealer;
  /** Namespaces that the same set creates. */
  readonly comingNamespaces: ReadonlySet<string>;
  /** Priority classes that the same set creates. */
  readonly comingPriorities: readonly PriorityClass[];
}

/** What an apply makes of an object: for the revision, its contents before and after. */
export interface AppliedChange {
  readonly outcome: "created" | "configured" | "unchanged";
  readonly before: Content | undefined;
  readonly after: Content;
}

/** A task that applies one document. `change` is that of its last decision. */
export interface ApplyTask extends ObjectTask {
  readonly document: Typed;
  change(): AppliedChange | undefined;
}

/** Applies a document: creates the object, or merges into it what changed against what the manager applied last. Unchanged, it writes nothing. */
export function applyTask(
  sent: { readonly typed: Typed; readonly bytes: Uint8Array },
  options: ApplyOptions,
  context: TaskContext,
): ApplyTask {
  const claim = claimOf(sent.typed, sent.bytes);
  const after = contentOf(claim.bytes, claim.typed.kind, options.sealer);
  const uid = context.rng.uuid();
  let change: AppliedChange | undefined;
  const task = objectTask((reads) => {
    const live = reads.standing(keyOf(claim.typed));
    if (live === undefined) {
      change = { outcome: "created", before: undefined, after };
      return create(claim, { uid, after, options, context, reads });
    }
    const stale = refuseOther("apply", sent.typed, live);
    if (stale !== undefined) return { decision: stale };
    const merged = merge(claim, live, { options, reads, after });
    if (merged.is === "refuse") return { decision: merged };
    change = { outcome: merged.typed === undefined ? "unchanged" : "configured", before: merged.before, after };
    if (merged.typed === undefined) return keep(live);
    return isReleased(merged.typed) ? remove(live) : put(merged.typed, live, reads, context);
  });
  return { ...task, document: claim.typed, change: () => change };
}

interface CreateArgs {
  readonly uid: string;
  readonly after: Content;
  readonly options: ApplyOptions;
  readonly context: TaskContext;
  readonly reads: Reads;
}

function create(claim: Claim, { uid, after, options, context, reads }: CreateArgs): Outcome {
  const { typed, errors } = admitNew(claim.typed, { nowMs: context.nowMs, uid });
  if (errors.length > 0) return { decision: refuse(invalidObject("apply", typed, errors)) };
  const { comingNamespaces, comingPriorities } = options;
  const applied = { [options.manager]: appliedValue(after) };
  const stamped = withApplied(typed, applied);
  return put(stamped, undefined, reads, { ...context, comingNamespaces, comingPriorities });
}

type Merge =
  | Refusal
  /** `typed` is undefined when nothing changes. */
  | { readonly is: "merged"; readonly typed: Typed | undefined; readonly before: Content };

interface MergeArgs {
  readonly options: ApplyOptions;
  readonly reads: Reads;
  readonly after: Content;
}

function merge(claim: Claim, live: Cached, { options, reads, after }: MergeArgs): Merge {
  const before = typedOf(live);
  const key = keyOf(before);
  const schema = messageSchema(key.kind);
  const claims = readClaims(before, reads);
  if (claims.is === "refuse") return claims;
  const base = claims.of.get(options.manager);
  const others = [...claims.of].filter(([manager]) => manager !== options.manager);
  const mine = fieldsOf(claim.typed.object);
  const isRepeated = base !== undefined && equalBytes(base.bytes, claim.bytes);
  const sides = {
    live: fieldsOf(before.object),
    // With the defaults that it led to: what admission derived from a value that changes now, such as requests from limits, is derived anew.
    base: isRepeated ? mine : base && fieldsOf(applyDefaults(base.typed).object),
    mine,
    others: others.map(([, other]) => fieldsOf(other.typed.object)),
  };
  const { object, conflicts } = mergeThreeWay(schema, sides);
  if (conflicts.length > 0 && !options.isForced) return refuseConflict(claim, sides, others);
  const admitted =
    object === sides.live ? { typed: before, errors: [] } : admitChanged(withParts(before, object), before);
  if (admitted.errors.length > 0)
    return refuse(invalidObject("apply", admitted.typed, admitted.errors), [storeKey(key)]);
  const content = isRepeated ? after : contentOf((base ?? claimOfLive(before)).bytes, key.kind, options.sealer);
  const isSame = isRepeated || (base !== undefined && deepEqual(base.typed.object, claim.typed.object));
  if (admitted.typed === before && isSame) return { is: "merged", typed: undefined, before: content };
  const taken = conflicts.length === 0 ? {} : relinquished(others, mine, key.kind);
  const applied = { ...metaOf(before.object).applied, ...taken, [options.manager]: appliedValue(after) };
  return { is: "merged", typed: withApplied(admitted.typed, applied), before: content };
}

type Claims = Refusal | { readonly is: "read"; readonly of: ReadonlyMap<string, Claim> };

/** What each manager applied last. A large claim stands in its content, which is read from the store first; one that is lost counts as none. */
function readClaims({ kind, object }: Typed, reads: Reads): Claims {
  const claims = new Map<string, Claim>();
  const unread: string[] = [];
  for (const [manager, value] of Object.entries(metaOf(object).applied)) {
    const digest = referenceIn(value);
    if (digest !== undefined && !reads.isFresh(contentKey(digest))) unread.push(contentKey(digest));
    const bytes = digest === undefined ? value : reads.record(contentKey(digest))?.value;
    if (bytes !== undefined) claims.set(manager, { typed: decodeMessage(kind, bytes), bytes });
  }
  if (unread.length === 0) return { is: "read", of: claims };
  return refuse(new TallshipError("internal", "apply: what was applied last was not read"), unread);
}

function refuseConflict(claim: Claim, sides: MergeSides, others: readonly (readonly [string, Claim])[]): Refusal {
  const key = keyOf(claim.typed);
  const lines = others.flatMap(([manager, { typed }]) => {
    const alone = mergeThreeWay(messageSchema(key.kind), { ...sides, others: [fieldsOf(typed.object)] });
    return alone.conflicts.map((path) => `${path}: manager ${manager} applied another value`);
  });
  const message = `apply ${keyText(key)}: ${lines.join("; ")}`;
  return refuse(new TallshipError("field_conflict", message), [storeKey(key)]);
}

function relinquished(
  others: readonly (readonly [string, Claim])[],
  mine: Readonly<Record<string, unknown>>,
  kind: Typed["kind"],
): Readonly<Record<string, Uint8Array>> {
  const schema = messageSchema(kind);
  return Object.fromEntries(
    others.map(([manager, { typed }]) => {
      const left = withParts(typed, relinquish(schema, fieldsOf(typed.object), mine));
      return [manager, encodeMessage(left)];
    }),
  );
}

function withApplied(typed: Typed, applied: Readonly<Record<string, Uint8Array>>): Typed {
  // ts-proto says Buffer and encodes any bytes.
  return withMeta(typed, { ...metaOf(typed.object), applied: applied as Record<string, Buffer> });
}
