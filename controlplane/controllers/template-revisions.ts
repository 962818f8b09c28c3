import { type Pins, pinsIn } from "../../kinds/config-copies.js";
import type { ImagePins } from "../../kinds/image-pins.js";
import { metaOf } from "../../kinds/object.js";
import { deepEqual } from "../../lib/deep-equal.js";
import { stableHash } from "../../lib/stable-hash.js";
import { ControllerRevision } from "../../proto/gen/tallship/v1/controllerrevision.js";
import type { PodTemplateSpec } from "../../proto/gen/tallship/v1/pod.js";
import type { Cached, View } from "../cache/view.js";
import { copyWrites } from "./config/copy-writes.js";
import { pinnedTemplate } from "./config/pinned-template.js";
import { agree, keptPins, type WantedPins, withPins } from "./config/pins.js";
import { undoneTo } from "./config/undone.js";
import type { ObjectWrite, ReconcileContext } from "./controller.js";
import { childMeta, create, remove, replace } from "./writes.js";

/** On a pod: the name of the revision that it was made from. As in Kubernetes. */
export const REVISION_LABEL = "controller-revision-hash";

const HASH_LABEL = "controller.kubernetes.io/hash";

/** Longest base of a revision's name: it is also the value of a label. */
const maxBaseLength = 52;

/** The revision of an owner's template, and what must be written so that it is there and the newest. */
export type TemplateRevision =
  | {
      readonly is: "known";
      readonly name: string;
      readonly pins: Pins;
      /** What its images are, as far as its pods have said. */
      readonly images: ImagePins;
      readonly writes: readonly ObjectWrite[];
    }
  /** The name is that of another template or owner; with one collision more the name is another one. */
  | { readonly is: "taken" };

/** The revisions that an owner controls, oldest first. */
export function revisionsOf(owner: Cached, view: View): readonly Cached<"ControllerRevision">[] {
  return [...view.ownedBy("ControllerRevision", metaOf(owner.object).uid)].sort(byNumber);
}

function byNumber(left: Cached<"ControllerRevision">, right: Cached<"ControllerRevision">): number {
  if (left.object.revision !== right.object.revision) return left.object.revision - right.object.revision;
  return metaOf(left.object).name < metaOf(right.object).name ? -1 : 1;
}

/** The template that a revision keeps. */
export function templateOf({ object }: Cached<"ControllerRevision">): PodTemplateSpec | undefined {
  return object.data?.spec?.template;
}

/** What the pods of a revision are made from: its template, with the content that the revision is pinned to. */
export function podTemplateOf(revision: Cached<"ControllerRevision">): PodTemplateSpec | undefined {
  return pinnedTemplate(templateOf(revision), pinsIn(metaOf(revision.object).annotations));
}

/** The pins of the revision that a user took the owner back to; undefined when there is none of this template. */
export function pinsUndoneTo(
  owner: Cached,
  template: PodTemplateSpec | undefined,
  revisions: readonly Cached<"ControllerRevision">[],
): Pins | undefined {
  const name = undoneTo(owner);
  const undone = revisions.find(({ object }) => metaOf(object).name === name);
  if (undone === undefined || !deepEqual(templateOf(undone), template)) return undefined;
  return pinsIn(metaOf(undone.object).annotations);
}

/** What a revision is found or made for. */
export interface RevisionOwner {
  readonly cached: Cached;
  readonly template: PodTemplateSpec | undefined;
  readonly collisions: number;
  /** What the template takes from ConfigMaps and Secrets, for owners whose revisions hold that too. */
  readonly configs?: WantedPins;
}

/** The revision of the owner's template and content: one that is there and becomes the newest again, or a new one. */
export function revisionFor(
  owner: RevisionOwner,
  revisions: readonly Cached<"ControllerRevision">[],
  view: View,
  context: ReconcileContext,
): TemplateRevision {
  const { cached, template, collisions, configs = NO_CONFIGS } = owner;
  const newest = revisions.at(-1)?.object.revision ?? 0;
  const equal = revisions.findLast(
    (each) => deepEqual(templateOf(each), template) && agree(pinsIn(metaOf(each.object).annotations), configs),
  );
  if (equal !== undefined) return again(equal, newest, owner, view, context);
  const identity = [template, ...(collisions === 0 ? [] : [collisions]), ...pinParts(configs.pins)];
  const hash = stableHash(identity.length === 1 ? template : identity);
  const meta = metaOf(cached.object);
  const name = `${meta.name.slice(0, maxBaseLength)}-${hash}`;
  if (view.get("ControllerRevision", meta.namespace, name) !== undefined) return { is: "taken" };
  const parts = {
    labels: { ...template?.metadata?.labels, [HASH_LABEL]: hash },
    annotations: withPins({}, configs.pins),
  };
  const made = ControllerRevision.fromPartial({ data: { spec: {} }, revision: newest + 1 });
  const object = { ...made, metadata: childMeta(cached, name, parts, context), data: { spec: { template } } };
  const copies = copyWrites({ kind: "ControllerRevision", object }, configs.pins, configs.copies, view, context);
  return {
    is: "known",
    name,
    pins: configs.pins,
    images: {},
    writes: [create("ControllerRevision", object), ...copies],
  };
}

const NO_CONFIGS: WantedPins = { change: "live", pins: {}, copies: [] };

function pinParts(pins: Pins): readonly Pins[] {
  return Object.keys(pins).length === 0 ? [] : [pins];
}

/** A revision that is used again: the newest number, and the content of configs that have appeared since it was made. */
function again(
  revision: Cached<"ControllerRevision">,
  newest: number,
  { template, configs = NO_CONFIGS }: RevisionOwner,
  view: View,
  context: ReconcileContext,
): TemplateRevision {
  const { object } = revision;
  const meta = metaOf(object);
  const pins = keptPins(pinsIn(meta.annotations), template?.spec, configs);
  const annotations = withPins(meta.annotations, pins);
  const number = object.revision === newest ? newest : newest + 1;
  const isSame = number === object.revision && deepEqual(annotations, meta.annotations);
  const next = { ...object, metadata: { ...meta, annotations }, revision: number };
  const copies = copyWrites(revision, pins, configs.copies, view, context);
  const writes = [...(isSame ? [] : [replace(revision, next)]), ...copies];
  return { is: "known", name: meta.name, pins, images: object.images, writes };
}

/** The removal of revisions that nobody uses, oldest first, down to the number that is kept. */
export function historyWrites(
  revisions: readonly Cached<"ControllerRevision">[],
  used: ReadonlySet<string>,
  kept: number,
  nowMs: number,
): readonly ObjectWrite[] {
  const unused = revisions.filter(({ object }) => !used.has(metaOf(object).name));
  return unused.slice(0, Math.max(0, unused.length - kept)).flatMap((each) => remove(each, { nowMs }));
}
