import { withoutFinalizer } from "../../../kinds/deletion.js";
import { keyOf, metaOf, type ObjectKey } from "../../../kinds/object.js";
import { isDeleting } from "../../../kinds/pod-state.js";
import { DELETE_FAILED, FOLDER_REMOVED, isMadeLocal, nodeOfVolume, VOLUME_PROTECTION } from "../../../kinds/storage.js";
import { rfc3339 } from "../../../lib/clock.js";
import { deepEqual } from "../../../lib/deep-equal.js";
import { type PersistentVolume, PersistentVolumeStatus } from "../../../proto/gen/tallship/v1/persistentvolume.js";
import { ofKind } from "../../cache/of-kind.js";
import type { CacheChange, Cached, View } from "../../cache/view.js";
import { type Controller, NOTHING, type ObjectWrite, type Outcome } from "../controller.js";
import { replace, typedOf } from "../writes.js";

type Volume = Cached<"PersistentVolume">;

/**
 * Says of each volume whether it is free, bound or over, and ends what is over: Retain keeps it, Delete has its node remove the folder, then
 * removes it. A folder is removed only because its volume says so: that no volume is known for a folder is no reason, as after a restore.
 */
export const volumes: Controller = { name: "volumes", keysFor, reconcile };

function keysFor({ key, before, after }: CacheChange, view: View): readonly ObjectKey[] {
  if (key.kind === "PersistentVolume") return [key];
  if (key.kind === "PersistentVolumeClaim") {
    const names = [before, after].map(
      (cached) => ofKind(cached, "PersistentVolumeClaim")?.object.spec?.volumeName ?? "",
    );
    const uids = [before, after].map((cached) => cached && metaOf(cached.object).uid);
    if (names[0] === names[1] && uids[0] === uids[1]) return [];
    return [...new Set(names)].filter((name) => name !== "").map(volumeKey);
  }
  // A node that was deleted removes nothing any more.
  if (key.kind !== "Node" || after !== undefined) return [];
  return view.list("PersistentVolume").map(({ object }) => volumeKey(metaOf(object).name));
}

function volumeKey(name: string): ObjectKey {
  return { kind: "PersistentVolume", namespace: "", name };
}

function reconcile({ name }: ObjectKey, view: View, { nowMs }: { readonly nowMs: number }): Outcome {
  const cached = view.cached("PersistentVolume", "", name);
  if (cached === undefined) return NOTHING;
  const state = stateOf(cached.object, view);
  if (isDeleting(cached.object)) {
    const isHeld = state.phase === "Bound" || (state.phase === "Released" && !state.isDone);
    const writes = isHeld ? statusWrites(cached, cached.object, state, nowMs) : dropped(cached);
    return { writes };
  }
  // Nothing is left of what it stood for: as in Kubernetes it goes without being marked first.
  if (state.phase === "Released" && state.isDone) return { writes: [removal(cached)] };
  const writes = statusWrites(cached, protectedOf(cached.object), state, nowMs);
  const isNews = state.phase === "Failed" && cached.object.status?.phase !== "Failed";
  const failure = { about: volumeKey(name), type: "Warning", reason: DELETE_FAILED, message: state.message } as const;
  return { writes, notices: isNews ? [failure] : [] };
}

interface State {
  readonly phase: "Available" | "Bound" | "Released" | "Failed";
  readonly reason: string;
  readonly message: string;
  /** It is to be deleted and its folder is gone. */
  readonly isDone: boolean;
}

function stateOf(volume: PersistentVolume, view: View): State {
  const ref = volume.spec?.claimRef;
  const plain = { reason: "", message: "", isDone: false };
  // A volume that is kept for a claim which never came is free for it alone.
  if (ref === undefined || ref.uid === "") return { ...plain, phase: "Available" };
  const claim = view.get("PersistentVolumeClaim", ref.namespace, ref.name);
  if (claim !== undefined && metaOf(claim).uid === ref.uid) return { ...plain, phase: "Bound" };
  if (volume.spec?.persistentVolumeReclaimPolicy !== "Delete") return { ...plain, phase: "Released" };
  if (!isMadeLocal(volume)) {
    const message = `error getting deleter volume plugin for volume "${metaOf(volume).name}": no deletable volume plugin matched`;
    return { ...plain, phase: "Failed", reason: DELETE_FAILED, message };
  }
  const nodeName = nodeOfVolume(volume) ?? "";
  const { reason = "", message = "" } = volume.status ?? {};
  const isDone = reason === FOLDER_REMOVED || view.get("Node", "", nodeName) === undefined;
  // What the node says of its attempts stays until it says otherwise.
  return { phase: "Released", reason, message, isDone };
}

function protectedOf(volume: PersistentVolume): PersistentVolume {
  const meta = metaOf(volume);
  if (meta.finalizers.includes(VOLUME_PROTECTION)) return volume;
  return { ...volume, metadata: { ...meta, finalizers: [...meta.finalizers, VOLUME_PROTECTION] } };
}

function statusWrites(
  cached: Volume,
  after: PersistentVolume,
  { phase, reason, message }: State,
  nowMs: number,
): readonly ObjectWrite[] {
  const before = cached.object.status ?? PersistentVolumeStatus.fromPartial({});
  const isSame = before.phase === phase;
  const lastPhaseTransitionTime = isSame ? before.lastPhaseTransitionTime : rfc3339(nowMs);
  const object = { ...after, status: { phase, reason, message, lastPhaseTransitionTime } };
  return deepEqual(object, cached.object) ? [] : [replace(cached, object)];
}

function dropped(cached: Volume): readonly ObjectWrite[] {
  const deletion = withoutFinalizer(typedOf(cached), VOLUME_PROTECTION);
  if (deletion.is === "unchanged") return [];
  if (deletion.is === "mark") return [{ op: "put", typed: deletion.typed, revision: cached.revision }];
  return [removal(cached)];
}

function removal(cached: Volume): ObjectWrite {
  return { op: "delete", key: keyOf(typedOf(cached)), revision: cached.revision };
}
