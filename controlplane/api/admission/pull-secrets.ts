import type { Typed } from "../../../kinds/object.js";
import type { Pod } from "../../../proto/gen/tallship/v1/pod.js";
import type { View } from "../../cache/view.js";

const USUAL_ACCOUNT = "default";

/**
 * The pod with the secrets of its service account, where it names none of its own to pull images with, as in Kubernetes; the very pod when there are none. Who may patch the
 * account `default` of a namespace so says it once for all of its pods.
 */
export function withPullSecrets(pod: Pod, view: View): Pod {
  const { spec, metadata } = pod;
  if (spec === undefined || spec.imagePullSecrets.length > 0) return pod;
  const name = spec.serviceAccountName || spec.serviceAccount || USUAL_ACCOUNT;
  const imagePullSecrets = view.get("ServiceAccount", metadata?.namespace ?? "", name)?.imagePullSecrets ?? [];
  return imagePullSecrets.length === 0 ? pod : { ...pod, spec: { ...spec, imagePullSecrets } };
}

/** A pod's new spec with the secrets that it was given and does not name: they cannot change. */
export function carryPullSecrets(wanted: Typed, live: Typed): Typed {
  if (wanted.kind !== "Pod" || live.kind !== "Pod") return wanted;
  const { spec } = wanted.object;
  const given = live.object.spec?.imagePullSecrets ?? [];
  if (spec === undefined || spec.imagePullSecrets.length > 0 || given.length === 0) return wanted;
  return { kind: "Pod", object: { ...wanted.object, spec: { ...spec, imagePullSecrets: given } } };
}
