import { metaOf, type ObjectKey } from "../../kinds/object.js";
import { isDeleting } from "../../kinds/pod-state.js";
import { isKindName, KINDS, type KindName } from "../../kinds/registry.js";
import { deepEqual } from "../../lib/deep-equal.js";
import { limit } from "../../lib/limits.js";
import { NamespaceSpec, NamespaceStatus } from "../../proto/gen/tallship/v1/namespace.js";
import type { CacheChange, Cached, View } from "../cache/view.js";
import { withCondition, withoutCondition } from "./conditions.js";
import { type Controller, NOTHING, type ObjectWrite, type Outcome, type ReconcileContext } from "./controller.js";
import { remove, replace } from "./writes.js";

/** Kinds that live in namespaces; events go last, they tell of the others. */
const kinds: readonly KindName[] = Object.keys(KINDS)
  .filter(isKindName)
  .filter((kind) => KINDS[kind].isNamespaced && kind !== "Event");

/** Of what is left, so many are named. */
const namedMost = 3;

/**
 * Empties a namespace that is being deleted, each object by the rules of its kind, then removes it. Until then its status says Terminating
 * and what it waits for.
 */
export const namespace: Controller = { name: "namespace", keysFor, reconcile };

function keysFor({ key, after }: CacheChange, view: View): readonly ObjectKey[] {
  if (key.kind === "Namespace") return [key];
  if (key.namespace === "") return [];
  const owner = view.get("Namespace", "", key.namespace);
  // Only an object that goes can empty it, and one that comes late has to go too.
  if (owner === undefined || !isDeleting(owner) || (after !== undefined && isDeleting(after.object))) return [];
  return [{ kind: "Namespace", namespace: "", name: key.namespace }];
}

function reconcile({ name }: ObjectKey, view: View, { nowMs }: ReconcileContext): Outcome {
  const cached = view.cached("Namespace", "", name);
  if (cached === undefined || !isDeleting(cached.object)) return NOTHING;
  const left = kinds.flatMap((kind): readonly Cached[] => view.list(kind, name));
  const most = limit("transactionObjects") - 1;
  const removals: ObjectWrite[] = [];
  for (const each of left) {
    if (removals.length >= most) break;
    if (!isDeleting(each.object)) removals.push(...remove(each, { nowMs }));
  }
  if (removals.length > 0) return { writes: [...reportWrites(cached, left, nowMs), ...removals], againMs: 0 };
  if (left.length > 0) return { writes: reportWrites(cached, left, nowMs) };
  const writes = goneWrites(cached, view.list("Event", name));
  return writes.length > 0 ? { writes, againMs: 0 } : NOTHING;
}

function reportWrites(cached: Cached<"Namespace">, left: readonly Cached[], nowMs: number): readonly ObjectWrite[] {
  const before = cached.object.status ?? NamespaceStatus.fromPartial({});
  const names = left.slice(0, namedMost).map(({ kind, object }) => `${kind}/${metaOf(object).name}`);
  const more = left.length > namedMost ? ` and ${left.length - namedMost} more` : "";
  const waiting = withCondition(
    withoutCondition(before.conditions, "NamespaceDeletionContentFailure"),
    {
      type: "NamespaceContentRemaining",
      status: "True",
      reason: "SomeResourcesRemain",
      message: `${names.join(", ")}${more}`,
    },
    nowMs,
  );
  const status: NamespaceStatus = { phase: "Terminating", conditions: waiting };
  return deepEqual(status, before) ? [] : [replace(cached, { ...cached.object, status })];
}

/** The events, then, once there are none, the namespace itself, unless somebody else's finalizer holds it. */
function goneWrites(cached: Cached<"Namespace">, events: readonly Cached<"Event">[]): readonly ObjectWrite[] {
  const { name, finalizers } = metaOf(cached.object);
  if (events.length > 0)
    return events.slice(0, limit("transactionObjects")).map(({ object, revision }) => ({
      op: "delete",
      key: { kind: "Event", namespace: name, name: metaOf(object).name },
      revision,
    }));
  if (finalizers.length === 0)
    return [{ op: "delete", key: { kind: "Namespace", namespace: "", name }, revision: cached.revision }];
  const spec = cached.object.spec ?? NamespaceSpec.fromPartial({});
  return spec.finalizers.length === 0 ? [] : [replace(cached, { ...cached.object, spec: { ...spec, finalizers: [] } })];
}
