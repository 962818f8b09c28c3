import { metaOf } from "../../../kinds/object.js";
import { BOUND_BY_CONTROLLER } from "../../../kinds/storage.js";
import type { PersistentVolumeClaim } from "../../../proto/gen/tallship/v1/persistentvolumeclaim.js";
import type { Cached } from "../../cache/view.js";
import type { ObjectWrite } from "../controller.js";
import { replace } from "../writes.js";
import { referenceTo } from "./local-volume.js";

/** The write after which no other claim can have the volume; none when it is held for this one already. */
export function holdWrites(volume: Cached<"PersistentVolume">, claim: PersistentVolumeClaim): readonly ObjectWrite[] {
  const { spec } = volume.object;
  if (spec === undefined || isHeldFor(volume, claim)) return [];
  const meta = metaOf(volume.object);
  // Who kept the volume for the claim wants it kept; what a controller has chosen may be let go.
  const annotations =
    spec.claimRef === undefined ? { ...meta.annotations, [BOUND_BY_CONTROLLER]: "yes" } : meta.annotations;
  const held = { ...spec, claimRef: referenceTo(claim) };
  return [replace(volume, { ...volume.object, metadata: { ...meta, annotations }, spec: held })];
}

/** True when the volume names this very claim, not only one of its name. */
export function isHeldFor({ object }: Cached<"PersistentVolume">, claim: PersistentVolumeClaim): boolean {
  return object.spec?.claimRef?.uid === metaOf(claim).uid;
}
