import { rfc3339 } from "../lib/clock.js";
import type { ObjectMeta } from "../proto/gen/tallship/v1/meta.js";
import type { Pod } from "../proto/gen/tallship/v1/pod.js";
import { metaOf, type Typed, withMeta } from "./object.js";
import { DEFAULT_GRACE_SECONDS, isDeleting, isPodFinished } from "./pod-state.js";

/** What happens to the objects that a deleted object owns. */
export type Propagation = "background" | "foreground" | "orphan";

/** Keeps an object until those that it owns, and that block it, are gone. As in Kubernetes. */
export const FOREGROUND_FINALIZER = "foregroundDeletion";
/** Keeps an object until those that it owns no longer name it. As in Kubernetes. */
export const ORPHAN_FINALIZER = "orphan";

/** What a delete makes of an object. */
export type Deletion =
  /** The object goes from the store now. */
  | { readonly is: "remove" }
  /** The object stays, marked: an agent, a controller or a finalizer's owner has work to do first. */
  | { readonly is: "mark"; readonly typed: Typed }
  /** It is marked already and nothing would change. */
  | { readonly is: "unchanged" };

/** How an object is to be deleted. */
export interface DeleteOptions {
  readonly nowMs: number;
  /** Seconds of grace; undefined: the object's own. Asked again, grace only shrinks. */
  readonly graceSeconds?: number | undefined;
  readonly propagation?: Propagation | undefined;
}

/**
 * The one definition of deletion, for the API and for controllers. A pod that runs somewhere is marked until its agent has stopped it, a
 * Namespace until it is empty, anything until its finalizers are gone; all else is removed at once. Idempotent.
 */
export function deletionOf(typed: Typed, options: DeleteOptions): Deletion {
  const meta = metaOf(typed.object);
  const finalizers = withPropagation(meta, options.propagation);
  const graceSeconds = graceOf(typed, options.graceSeconds);
  if (finalizers.length === 0 && graceSeconds === 0 && typed.kind !== "Namespace") return { is: "remove" };
  const before = meta.deletionGracePeriodSeconds ?? 0;
  const shrinks = options.graceSeconds !== undefined && graceSeconds < before;
  if (!isDeleting(typed.object) || shrinks)
    return { is: "mark", typed: mark(typed, finalizers, graceSeconds, options.nowMs) };
  if (sameMembers(finalizers, meta.finalizers)) return { is: "unchanged" };
  return { is: "mark", typed: withMeta(typed, { ...meta, finalizers }) };
}

/** What removing a finalizer makes of an object: an object that is being deleted goes with its last one. */
export function withoutFinalizer(typed: Typed, finalizer: string): Deletion {
  const meta = metaOf(typed.object);
  const finalizers = meta.finalizers.filter((name) => name !== finalizer);
  if (finalizers.length === meta.finalizers.length) return { is: "unchanged" };
  const changed = withMeta(typed, { ...meta, finalizers });
  return isReleased(changed) ? { is: "remove" } : { is: "mark", typed: changed };
}

/** True when an object is marked and nothing holds it any more: whoever sees it may remove it. */
export function isReleased(typed: Typed): boolean {
  const meta = metaOf(typed.object);
  if (meta.deletionTimestamp === "" || meta.finalizers.length > 0 || typed.kind === "Namespace") return false;
  return typed.kind !== "Pod" || meta.deletionGracePeriodSeconds === 0 || !isBound(typed.object);
}

function graceOf(typed: Typed, asked: number | undefined): number {
  if (typed.kind !== "Pod" || !isBound(typed.object) || isPodFinished(typed.object)) return 0;
  const own = typed.object.spec?.terminationGracePeriodSeconds ?? DEFAULT_GRACE_SECONDS;
  // Kubernetes' kubelet takes part even with a grace of 0 in the spec; only an explicit 0 of the caller removes at once.
  return asked ?? Math.max(1, own);
}

function isBound(pod: Pod): boolean {
  return (pod.spec?.nodeName ?? "") !== "";
}

function withPropagation(meta: ObjectMeta, propagation: Propagation | undefined): readonly string[] {
  if (propagation === undefined) return meta.finalizers;
  const others = meta.finalizers.filter((name) => name !== FOREGROUND_FINALIZER && name !== ORPHAN_FINALIZER);
  if (propagation === "foreground") return [...others, FOREGROUND_FINALIZER];
  return propagation === "orphan" ? [...others, ORPHAN_FINALIZER] : others;
}

function sameMembers(left: readonly string[], right: readonly string[]): boolean {
  return left.length === right.length && left.every((name) => right.includes(name));
}

function mark(typed: Typed, finalizers: readonly string[], graceSeconds: number, nowMs: number): Typed {
  const meta = metaOf(typed.object);
  return withMeta(typed, {
    ...meta,
    finalizers,
    deletionTimestamp: rfc3339(nowMs + graceSeconds * 1000),
    deletionGracePeriodSeconds: graceSeconds,
  });
}
