import {
  encodeObject,
  keyOf,
  keyText,
  metaOf,
  type ObjectKey,
  storeKey,
  type Typed,
  withMeta,
} from "../../../kinds/object.js";
import { KINDS } from "../../../kinds/registry.js";
import { asTallshipError, TallshipError } from "../../../lib/errors.js";
import { limit } from "../../../lib/limits.js";
import type { Rng } from "../../../lib/rng.js";
import type { PriorityClass } from "../../../proto/gen/tallship/v1/priorityclass.js";
import type { Cached } from "../../cache/view.js";
import type { Check, Write } from "../../store/store.js";
import { invalidObject } from "../admission/admit.js";
import { admitByPolicy } from "../admission/namespace-policy.js";
import { claimFor, type ServiceRanges } from "../taken/claim.js";
import { type ClusterRanges, networkClaim } from "../taken/network-claim.js";
import { takenBy } from "../taken/taken-keys.js";
import { type Reads, typedOf } from "../write/reads.js";
import { type Decision, type Refusal, refuse, type Tally, type Task } from "../write/task.js";
import { type Charged, charge, forbidden } from "./charge.js";

/** An object as a task leaves it, and its bytes as stored. */
export interface Stored {
  readonly typed: Typed;
  readonly bytes: Uint8Array;
}

/** A task on one object. `stored` is what its last decision makes of the object, the last state of one that it removes. */
export interface ObjectTask extends Task {
  stored(): Stored | undefined;
}

/** What tasks need beside what they read. */
export interface TaskContext {
  readonly nowMs: number;
  readonly rng: Rng;
  readonly ranges: ServiceRanges & ClusterRanges;
  /** Namespaces that the same request creates before the objects in them. */
  readonly comingNamespaces?: ReadonlySet<string>;
  /** Priority classes that the same request creates. */
  readonly comingPriorities?: readonly PriorityClass[];
}

/** A decision, and the object as it leaves it. */
export interface Outcome {
  readonly decision: Decision;
  readonly stored?: Stored;
}

/** A task from a function that decides: remembers what the last decision left. */
export function objectTask(decide: (reads: Reads, attempt: number) => Outcome): ObjectTask {
  let last: Stored | undefined;
  return {
    decide: (reads, attempt) => {
      const { decision, stored } = decide(reads, attempt);
      last = stored;
      return decision;
    },
    stored: () => last,
  };
}

/** A task that cannot even be decided, such as one whose object is malformed. */
export function failedTask(error: unknown): ObjectTask {
  return objectTask(() => ({ decision: refuse(asTallshipError(error)) }));
}

/** The revision of the last write of an object that a task left as it was; 0 for one that is not in the store. */
export function keptRevision(task: ObjectTask | undefined): number {
  return Number(task?.stored()?.typed.object.metadata?.resourceVersion ?? 0);
}

/** Stores an object: with compare-and-swap, in a namespace that stands, and with what a service takes. */
export function put(next: Typed, live: Cached | undefined, reads: Reads, context: TaskContext): Outcome {
  const home = live === undefined ? namespaceChecks(keyOf(next), reads, context.comingNamespaces) : [];
  if (!Array.isArray(home)) return { decision: home };
  const before = live === undefined ? undefined : typedOf(live);
  const policed = before === undefined ? admitByPolicy(next, reads.view, context.comingPriorities) : undefined;
  if (policed?.is === "refused")
    return { decision: refuse(forbidden(next, before, policed.why), policyKeys(next, reads)) };
  const admitted = policed?.typed ?? next;
  const charged = charge(admitted, before, reads);
  if (charged.is === "refuse") return { decision: charged };
  return putCharged(admitted, live, { reads, context, home, charged });
}

interface Around {
  readonly reads: Reads;
  readonly context: TaskContext;
  readonly home: readonly Check[];
  readonly charged: Charged;
}

function putCharged(next: Typed, live: Cached | undefined, { reads, context, home, charged }: Around): Outcome {
  const whole = { checks: [...home, ...charged.checks], tallies: charged.tallies };
  const before = live === undefined ? undefined : typedOf(live);
  if (next.kind === "Network") {
    const former = before?.kind === "Network" ? before.object : undefined;
    const claim = networkClaim(next.object, former, { ...context, reads });
    if (claim.is === "refuse") return { decision: claim };
    if (claim.is === "invalid") return { decision: refuse(invalidObject("create", next, claim.errors)) };
    const { network: object, checks, writes } = claim;
    return store({ kind: "Network", object }, live, { ...whole, checks: [...whole.checks, ...checks], writes });
  }
  if (next.kind !== "Service") return store(next, live, { ...whole, writes: [] });
  const claim = claimFor(next.object, before?.kind === "Service" ? before.object : undefined, { ...context, reads });
  if (claim.is === "refuse") return { decision: claim };
  if (claim.is === "invalid") return { decision: refuse(invalidObject("write", next, claim.errors)) };
  const { service: object, checks, writes } = claim;
  return store({ kind: "Service", object }, live, { ...whole, checks: [...whole.checks, ...checks], writes });
}

/** Removes an object and releases what it took. */
export function remove(live: Cached): Outcome {
  const typed = typedOf(live);
  const key = storeKey(keyOf(typed));
  const writes: Write[] = [{ op: "delete", key }];
  if (typed.kind === "Service") for (const taken of takenBy(typed.object)) writes.push({ op: "delete", key: taken });
  return {
    decision: { is: "write", checks: [{ key, revision: live.revision }], writes },
    stored: { typed, bytes: live.bytes },
  };
}

/** Leaves an object as it is. */
export function keep(live: Cached): Outcome {
  const typed = typedOf(live);
  const check = { key: storeKey(keyOf(typed)), revision: live.revision };
  return { decision: { is: "keep", checks: [check] }, stored: { typed, bytes: live.bytes } };
}

/** Refuses to act on an object that is not there. */
export function refuseMissing(operation: string, key: ObjectKey): Refusal {
  return refuse(new TallshipError("not_found", `${operation} ${keyText(key)}: there is none`), [storeKey(key)]);
}

function store(
  next: Typed,
  live: Cached | undefined,
  more: { checks: readonly Check[]; writes: readonly Write[]; tallies: readonly Tally[] },
): Outcome {
  const bytes = encodeObject(withMeta(next, { ...metaOf(next.object), resourceVersion: "" }));
  const key = storeKey(keyOf(next));
  if (bytes.length > limit("objectBytes")) {
    const message = `write ${keyText(keyOf(next))}: ${bytes.length} bytes, at most ${limit("objectBytes")}`;
    return { decision: refuse(new TallshipError("too_large", message)) };
  }
  const checks = [{ key, revision: live?.revision ?? 0 }, ...more.checks];
  const writes: Write[] = [{ op: "put", key, value: bytes }, ...more.writes];
  return { decision: { is: "write", checks, writes, tallies: more.tallies }, stored: { typed: next, bytes } };
}

/** What a refusal by policy rests on: the class that the pod names, which may have come a moment ago. */
function policyKeys(next: Typed, reads: Reads): readonly string[] {
  const name = next.kind === "Pod" ? (next.object.spec?.priorityClassName ?? "") : "";
  if (name === "" || reads.view.get("PriorityClass", "", name) !== undefined) return [];
  return [storeKey({ kind: "PriorityClass", namespace: "", name })];
}

/**
 * What must hold of the namespace of a new object: it stands and is not being deleted, still so when the object is written. So an emptied
 * namespace can be removed without leaving anything behind.
 */
function namespaceChecks(
  { kind, namespace }: ObjectKey,
  reads: Reads,
  coming: ReadonlySet<string> | undefined,
): Check[] | Refusal {
  // A revision is written before the set that creates its namespace.
  if (!KINDS[kind].isNamespaced || kind === "Revision") return [];
  const home = { kind: "Namespace", namespace: "", name: namespace } as const;
  const key = storeKey(home);
  const standing = reads.standing(home);
  if (standing === undefined) {
    if (coming?.has(namespace)) return [];
    const message = `create ${kind} in namespace ${namespace}: there is no such namespace`;
    return refuse(new TallshipError("not_found", message), [key]);
  }
  if (standing.object.metadata?.deletionTimestamp !== "") {
    const message = `create ${kind} in namespace ${namespace}: the namespace is being deleted`;
    return refuse(new TallshipError("failed_precondition", message), [key]);
  }
  return [{ key, revision: standing.revision }];
}
