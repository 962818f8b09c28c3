import { PINS, type Pins, UNDONE_FROM, UNDONE_TO } from "../../../kinds/config-copies.js";
import { metaOf } from "../../../kinds/object.js";
import { stableHash } from "../../../lib/stable-hash.js";
import type { Deployment } from "../../../proto/gen/tallship/v1/deployment.js";
import { ObjectMeta } from "../../../proto/gen/tallship/v1/meta.js";
import type { PodTemplateSpec } from "../../../proto/gen/tallship/v1/pod.js";
import { type ReplicaSet, ReplicaSet as ReplicaSetMessage } from "../../../proto/gen/tallship/v1/replicaset.js";
import type { Cached } from "../../cache/view.js";
import { withPins } from "../config/pins.js";
import type { ReconcileContext } from "../controller.js";
import { childMeta } from "../writes.js";
import type { Bounds } from "./bounds.js";

/** Label that keeps the pods of a deployment's replica sets apart. As in Kubernetes, so are the annotations. */
export const HASH_LABEL = "pod-template-hash";
/** Number of the roll-out; on a deployment, of the one under way. */
export const REVISION = "deployment.kubernetes.io/revision";
/** Replicas of the deployment when the set was last scaled. */
export const DESIRED = "deployment.kubernetes.io/desired-replicas";
const HISTORY = "deployment.kubernetes.io/revision-history";
const MAX = "deployment.kubernetes.io/max-replicas";
/** On a deployment: "off" leaves a roll-out that has missed its deadline as it stands. */
export const ROLLBACK = "tallship.dev/rollback";
/** On a set: all its pods were available at one time, so that it can be rolled back to. */
export const WAS_AVAILABLE = "tallship.dev/was-available";
/** On a set whose roll-out has failed: the name of the set that was rolled back to. */
export const ROLLED_BACK_TO = "tallship.dev/rolled-back-to";
/** On the same set: why, in a sentence. */
export const ROLLED_BACK_WHY = "tallship.dev/rolled-back-why";
const ownAnnotations = new Set([
  REVISION,
  HISTORY,
  DESIRED,
  MAX,
  PINS,
  UNDONE_TO,
  UNDONE_FROM,
  WAS_AVAILABLE,
  ROLLED_BACK_TO,
  ROLLED_BACK_WHY,
  "kubectl.kubernetes.io/last-applied-configuration",
]);

/** Longest base of a set's name: its pods' names add ten characters more. */
const maxBaseLength = 230;

/** The number in the revision annotation; 0 when there is none. */
export function revisionOf(object: { readonly metadata?: ObjectMeta | undefined }): number {
  return numberIn(object.metadata?.annotations[REVISION]) ?? 0;
}

/** Replicas that the deployment had when the set was last scaled; undefined when it never was. */
export function desiredOf({ object }: Cached<"ReplicaSet">): number | undefined {
  return numberIn(metaOf(object).annotations[DESIRED]);
}

/** Replicas and surge that the deployment allowed when the set was last scaled. */
export function maxOf({ object }: Cached<"ReplicaSet">): number | undefined {
  return numberIn(metaOf(object).annotations[MAX]);
}

/** What a set is made for beside the deployment's template. */
export interface SetIdentity {
  /** How often the name was somebody else's. */
  readonly collisions: number;
  /** The content that its pods take. */
  readonly pins: Pins;
}

/** The name of the set of the deployment's template. */
export function setName(deployment: Deployment, identity: SetIdentity): string {
  const base = metaOf(deployment).name.slice(0, maxBaseLength);
  return `${base}-${templateHash(deployment, identity)}`;
}

const known = new WeakMap<PodTemplateSpec, { readonly more: string; readonly hash: string }>();

/** Worked out once per template, unless what it is hashed with changes: a name is asked for several times in each step. */
function templateHash({ spec }: Deployment, { collisions, pins }: SetIdentity): string {
  const template = spec?.template;
  const more = [...(Object.keys(pins).length === 0 ? [] : [pins]), ...(collisions === 0 ? [] : [collisions])];
  const asked = more.length === 0 ? "" : JSON.stringify(more);
  const before = template && known.get(template);
  if (before?.more === asked) return before.hash;
  const hash = stableHash(more.length === 0 ? template : [template, ...more]);
  if (template !== undefined) known.set(template, { more: asked, hash });
  return hash;
}

/** The replica set of the deployment's template, as it is created. */
export function newSet(
  deployment: Cached<"Deployment">,
  identity: SetIdentity,
  replicas: number,
  context: ReconcileContext,
): ReplicaSet {
  const { spec } = deployment.object;
  const hash = { [HASH_LABEL]: templateHash(deployment.object, identity) };
  const template = spec?.template;
  const meta = template?.metadata ?? ObjectMeta.fromPartial({});
  const labels = { ...meta.labels, ...hash };
  const { matchLabels = {}, matchExpressions = [] } = spec?.selector ?? {};
  return {
    ...ReplicaSetMessage.fromPartial({}),
    metadata: childMeta(
      deployment,
      setName(deployment.object, identity),
      { labels, annotations: withPins({}, identity.pins) },
      context,
    ),
    spec: {
      replicas,
      minReadySeconds: spec?.minReadySeconds ?? 0,
      selector: { matchLabels: { ...matchLabels, ...hash }, matchExpressions },
      template: { ...template, metadata: { ...meta, labels } },
    },
  };
}

/** The set's annotations when it is scaled under these bounds: what the next change of the number of replicas compares with. */
export function withBounds(
  annotations: ObjectMeta["annotations"],
  { replicas, surge }: Bounds,
): ObjectMeta["annotations"] {
  return { ...annotations, [DESIRED]: `${replicas}`, [MAX]: `${replicas + surge}` };
}

/** The current set's annotations: the deployment's own, and the number of this roll-out; earlier numbers of the same set are remembered. */
export function withRevision(
  annotations: ObjectMeta["annotations"],
  deployment: Deployment,
  revision: number,
): ObjectMeta["annotations"] {
  const copied = Object.entries(metaOf(deployment).annotations).filter(([name]) => !ownAnnotations.has(name));
  const before = numberIn(annotations[REVISION]);
  const own = Object.fromEntries(Object.entries(annotations).filter(([name]) => ownAnnotations.has(name)));
  const next = { ...Object.fromEntries(copied), ...own, [REVISION]: `${revision}` };
  if (before === undefined || before === revision) return next;
  const history = (annotations[HISTORY] ?? "").split(",").filter((each) => each !== "");
  return { ...next, [HISTORY]: [...history, `${before}`].slice(-50).join(",") };
}

function numberIn(text: string | undefined): number | undefined {
  const value = Number(text ?? "");
  return text === undefined || text === "" || !Number.isInteger(value) ? undefined : value;
}
