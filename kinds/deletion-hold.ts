import { FOREGROUND_FINALIZER, ORPHAN_FINALIZER } from "./deletion.js";
import { NETWORK_PROTECTION } from "./network.js";
import { metaOf, type Typed } from "./object.js";
import { conditionOf } from "./pod-state.js";

/** What keeps an object that is being deleted, for people: finalizers, contents, a node that has not stopped it. */
export function deletionHold(typed: Typed): string {
  const { finalizers } = metaOf(typed.object);
  const parts = finalizers.map((finalizer) => FINALIZER_TEXTS[finalizer] ?? `finalizer ${finalizer}`);
  if (parts.length > 0) return `waits for ${parts.join(", ")}`;
  if (typed.kind === "Namespace") {
    const left = conditionOf(typed.object.status?.conditions, "NamespaceContentRemaining");
    return left?.message ? `still holds ${left.message}` : "is being emptied";
  }
  if (typed.kind !== "Pod") return "is still there";
  const nodeName = typed.object.spec?.nodeName ?? "";
  return nodeName === "" ? "has not stopped yet" : `has not stopped yet on node ${nodeName}`;
}

const FINALIZER_TEXTS: Readonly<Record<string, string>> = {
  [FOREGROUND_FINALIZER]: "the objects that it owns (foregroundDeletion)",
  [NETWORK_PROTECTION]: "the pods that are on it",
  [ORPHAN_FINALIZER]: "the objects that it owned to be let go (orphan)",
};
