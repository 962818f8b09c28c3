import { applyDefaults } from "../../../kinds/defaults/defaults.js";
import { withOwnSelector } from "../../../kinds/job-selector.js";
import { keyOf, keyText, metaOf, type Typed, withMeta } from "../../../kinds/object.js";
import { qosClassOf } from "../../../kinds/qos-class.js";
import type { FieldError } from "../../../kinds/validation/findings.js";
import { validate } from "../../../kinds/validation/validate.js";
import { rfc3339 } from "../../../lib/clock.js";
import { deepEqual } from "../../../lib/deep-equal.js";
import { TallshipError } from "../../../lib/errors.js";
import { ObjectMeta } from "../../../proto/gen/tallship/v1/meta.js";
import { NamespaceStatus } from "../../../proto/gen/tallship/v1/namespace.js";
import { PodStatus } from "../../../proto/gen/tallship/v1/pod.js";
import { dropMovedPins } from "./moved-pins.js";
import { hasSpec, hasStatus, sameIntent, withParts, withStatusOf } from "./parts.js";
import { carryPriority } from "./priority.js";
import { carryPullSecrets } from "./pull-secrets.js";
import { carryOver } from "./service-carry-over.js";

/** What admission may know beside the object. */
export interface AdmissionContext {
  readonly nowMs: number;
  /** Given to an object that is created. */
  readonly uid: string;
}

/** An object as it would be stored, and all that is wrong with it; it may be stored only when nothing is. */
export interface Admitted {
  readonly typed: Typed;
  readonly errors: readonly FieldError[];
}

/** A new object: the user's fields with defaults filled, the server's fields set, and a status of its own. Pure. */
export function admitNew(wanted: Typed, context: AdmissionContext): Admitted {
  const meta = wanted.object.metadata ?? ObjectMeta.fromPartial({});
  const stamped = withMeta(wanted, {
    ...meta,
    uid: context.uid,
    resourceVersion: "",
    generation: hasSpec(wanted.kind) ? 1 : 0,
    creationTimestamp: rfc3339(context.nowMs),
    deletionTimestamp: "",
    deletionGracePeriodSeconds: undefined,
    applied: {},
  });
  const typed = withFirstStatus(applyDefaults(withIdentity(stamped)));
  return { typed, errors: validate(typed) };
}

/**
 * An object that stands, with another intent: labels, annotations, owners, finalizers and everything beside metadata and status from `wanted`,
 * the rest as it is. Returns the very `live` when nothing changes. Pure.
 */
export function admitChanged(wanted: Typed, live: Typed): Admitted {
  const before = metaOf(live.object);
  const { labels, annotations, ownerReferences, finalizers } = metaOf(wanted.object);
  const asked = withMeta(wanted, { ...before, labels, annotations, ownerReferences, finalizers });
  const intended = dropMovedPins(asked, live);
  const next = withStatusOf(
    applyDefaults(carryPullSecrets(carryPriority(carryOver(intended, live), live), live)),
    live,
  );
  if (sameIntent(next, live) && deepEqual(metaOf(next.object), before)) return { typed: live, errors: [] };
  const generation = hasSpec(next.kind) && !sameIntent(next, live) ? before.generation + 1 : before.generation;
  const typed = withMeta(next, { ...metaOf(next.object), generation });
  return { typed, errors: [...finalizerErrors(typed, live), ...validate(typed, live)] };
}

/** An object that stands, with another status; the very `live` when it is the same. Pure. */
export function admitStatus(wanted: Typed, live: Typed): Typed {
  const next = withStatusOf(live, wanted);
  return deepEqual(next.object, live.object) ? live : next;
}

/** The refusal of an object with errors, naming each field. */
export function invalidObject(operation: string, typed: Typed, errors: readonly FieldError[]): TallshipError {
  const lines = errors.map(errorLine).join("; ");
  return new TallshipError("invalid_argument", `${operation} ${keyText(keyOf(typed))}: ${lines}`, {
    cause: { errors },
  });
}

/** What an error says, one line per field where it is of invalidObject. */
export function errorLines(error: TallshipError): readonly string[] {
  const { cause } = error;
  if (typeof cause !== "object" || cause === null || !("errors" in cause) || !Array.isArray(cause.errors))
    return [error.message];
  return cause.errors.map(errorLine);
}

function errorLine({ path, message }: FieldError): string {
  return path === "" ? message : `${path}: ${message}`;
}

/** What follows from the name and uid that an object was given. */
function withIdentity(typed: Typed): Typed {
  return typed.kind === "Job" ? { kind: "Job", object: withOwnSelector(typed.object) } : typed;
}

/** What a user writes as status counts nothing: it has another writer. Revisions are the server's own. */
function withFirstStatus(typed: Typed): Typed {
  if (typed.kind === "Revision") return typed;
  if (typed.kind === "Pod")
    return withParts(typed, {
      status: PodStatus.fromPartial({
        phase: "Pending",
        qosClass: qosClassOf(typed.object.spec),
        conditions: (typed.object.spec?.schedulingGates.length ?? 0) > 0 ? [GATED] : [],
      }),
    });
  if (typed.kind === "Namespace") return withParts(typed, { status: NamespaceStatus.fromPartial({ phase: "Active" }) });
  return hasStatus(typed.kind) ? withParts(typed, { status: undefined }) : typed;
}

/** What a pod with gates is told until they are open. As in Kubernetes. */
const GATED = {
  type: "PodScheduled",
  status: "False",
  reason: "SchedulingGated",
  message: "Scheduling is blocked due to non-empty scheduling gates",
};

/** Whoever deletes waits for the finalizers that are there; a new one would be waited for without anybody knowing. */
function finalizerErrors(next: Typed, live: Typed): readonly FieldError[] {
  const before = metaOf(live.object);
  if (before.deletionTimestamp === "") return [];
  const added = metaOf(next.object).finalizers.filter((finalizer) => !before.finalizers.includes(finalizer));
  if (added.length === 0) return [];
  const message = `the object is being deleted: ${added.join(", ")} cannot be added`;
  return [{ code: "forbidden", path: "metadata.finalizers", message }];
}
