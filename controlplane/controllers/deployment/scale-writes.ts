import { pinsIn } from "../../../kinds/config-copies.js";
import { metaOf } from "../../../kinds/object.js";
import { isDeleting } from "../../../kinds/pod-state.js";
import { deepEqual } from "../../../lib/deep-equal.js";
import type { DeploymentStatus } from "../../../proto/gen/tallship/v1/deployment.js";
import type { ObjectMeta } from "../../../proto/gen/tallship/v1/meta.js";
import { keptPins, withPins } from "../config/pins.js";
import type { ObjectWrite } from "../controller.js";
import { replace } from "../writes.js";
import type { Bounds } from "./bounds.js";
import { ROLLED_BACK_TO, ROLLED_BACK_WHY, WAS_AVAILABLE, withBounds, withRevision } from "./revisions.js";
import type { Targets } from "./roll-out.js";
import type { RollOut, SetState } from "./state.js";
import { isComplete } from "./status.js";

type Annotations = ObjectMeta["annotations"];
type Annotate = (annotations: Annotations) => Annotations;

/** What scaling is decided by beside the targets. */
export interface ScaleParts {
  readonly bounds: Bounds;
  /** Number of the roll-out under way. */
  readonly revision: number;
  readonly status: DeploymentStatus;
}

/** The writes that make each set ask for its target, and remember what the next look at it needs. */
export function scaleWrites(state: RollOut, targets: Targets, parts: ScaleParts): readonly ObjectWrite[] {
  const { current, failed } = state;
  const old = state.old.flatMap((set, at) =>
    scaleWrite(set, targets.old[at] ?? 0, parts.bounds, {
      annotate: set === failed ? ofTemplate(state, parts) : withoutFailure,
    }),
  );
  if (current === undefined) return old;
  // A set that was rolled back to stays as it was when it worked.
  const annotate = failed === undefined ? ofCurrent(state, parts) : (annotations: Annotations) => annotations;
  const minReadySeconds = state.deployment.object.spec?.minReadySeconds;
  return [...scaleWrite(current, targets.current, parts.bounds, { annotate, minReadySeconds }), ...old];
}

/** The pins that the current set has once configs that it did not know have appeared. */
export function pinsOfCurrent({ deployment, configs }: RollOut, annotations: Annotations): ReturnType<typeof keptPins> {
  return keptPins(pinsIn(annotations), deployment.object.spec?.template?.spec, configs);
}

/** What a set of the deployment's template says of the deployment. */
function ofTemplate({ deployment }: RollOut, { revision }: ScaleParts): Annotate {
  return (annotations) => withRevision(annotations, deployment.object, revision);
}

function ofCurrent(state: RollOut, parts: ScaleParts): Annotate {
  const annotate = ofTemplate(state, parts);
  // A roll-out of no pods proves nothing.
  const hasProved = parts.bounds.replicas > 0 && isComplete(parts.status, parts.bounds);
  return (annotations) => {
    const named = annotate(withoutFailure(annotations));
    return {
      ...withPins(named, pinsOfCurrent(state, annotations)),
      ...(hasProved ? { [WAS_AVAILABLE]: "true" } : {}),
    };
  };
}

/** A failure counts as long as the user wants what has failed; wanted again later, it is tried again. */
function withoutFailure(annotations: Annotations): Annotations {
  if (annotations[ROLLED_BACK_TO] === undefined) return annotations;
  const { [ROLLED_BACK_TO]: _to, [ROLLED_BACK_WHY]: _why, ...others } = annotations;
  return others;
}

/** The write that makes a set ask for that many replicas and remember under which bounds; none when it does already. */
function scaleWrite(
  { cached }: SetState,
  replicas: number,
  bounds: Bounds,
  { annotate, minReadySeconds }: { readonly annotate: Annotate; readonly minReadySeconds?: number | undefined },
): readonly ObjectWrite[] {
  const { object } = cached;
  if (object.spec === undefined || isDeleting(object)) return [];
  const meta = metaOf(object);
  const spec = { ...object.spec, replicas, minReadySeconds: minReadySeconds ?? object.spec.minReadySeconds };
  const annotations = annotate(replicas > 0 ? withBounds(meta.annotations, bounds) : meta.annotations);
  const isSameSpec = deepEqual(spec, object.spec);
  if (isSameSpec && deepEqual(annotations, meta.annotations)) return [];
  const generation = isSameSpec ? meta.generation : meta.generation + 1;
  return [replace(cached, { ...object, metadata: { ...meta, annotations, generation }, spec })];
}
