import { metaOf, type ObjectKey } from "../../../kinds/object.js";
import { START_WAITS, startDependencyText, startWaits } from "../../../kinds/start-after.js";
import { ofKind } from "../../cache/of-kind.js";
import type { CacheChange, View } from "../../cache/view.js";
import { type Controller, NOTHING, type Outcome } from "../controller.js";
import { replaceMeta } from "../writes.js";
import { isFulfilled } from "./fulfilled.js";

/**
 * Releases pods whose template says what they start after. What is still missing stands in an annotation of the pod, which brings it to the
 * pod's node with everything else; it only gets shorter, so a dependency that is lost later holds nothing back, and a pod is written at most
 * once more than it has dependencies.
 */
export function startOrder(): Controller {
  const waiting = new WaitingPods();
  return {
    name: "start-order",
    keysFor: (change) => {
      waiting.take(change);
      return waiting.of(change.key.namespace);
    },
    reconcile,
  };
}

/** Pods that wait, by namespace, so that a change costs nothing where nobody waits. Follows the changes. */
class WaitingPods {
  private readonly byNamespace = new Map<string, Map<string, ObjectKey>>();

  take({ key, after }: CacheChange): void {
    if (key.kind !== "Pod") return;
    const pod = ofKind(after, "Pod")?.object;
    const keys = this.byNamespace.get(key.namespace) ?? new Map<string, ObjectKey>();
    if (pod !== undefined && startWaits(pod).length > 0) keys.set(key.name, key);
    else keys.delete(key.name);
    if (keys.size > 0) this.byNamespace.set(key.namespace, keys);
    else this.byNamespace.delete(key.namespace);
  }

  of(namespace: string): readonly ObjectKey[] {
    return [...(this.byNamespace.get(namespace)?.values() ?? [])];
  }
}

function reconcile({ namespace, name }: ObjectKey, view: View): Outcome {
  const pod = view.cached("Pod", namespace, name);
  if (pod === undefined) return NOTHING;
  const waits = startWaits(pod.object);
  if (waits.length === 0) return NOTHING;
  const left = waits.filter((dependency) => !isFulfilled(dependency, namespace, view));
  const text = left.map(startDependencyText).join(",");
  const meta = metaOf(pod.object);
  if (meta.annotations[START_WAITS] === text) return NOTHING;
  if (left.length === waits.length && meta.annotations[START_WAITS] === undefined) return NOTHING;
  return { writes: [replaceMeta(pod, { ...meta, annotations: { ...meta.annotations, [START_WAITS]: text } })] };
}
