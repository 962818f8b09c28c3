import { matchesSelector } from "../../../kinds/label-selector.js";
import { metaOf } from "../../../kinds/object.js";
import type { LabelSelector } from "../../../proto/gen/tallship/v1/meta.js";
import type { Pod } from "../../../proto/gen/tallship/v1/pod.js";
import type { View } from "../../cache/view.js";
import { isScalable, scaleOf } from "../scale.js";

/** The pods of a namespace that a selector selects, in order of name. */
export function selectedPods(view: View, namespace: string, selector: LabelSelector | undefined): readonly Pod[] {
  if (selector === undefined) return [];
  return view
    .withLabels("Pod", namespace, selector.matchLabels)
    .map(({ object }) => object)
    .filter((pod) => matchesSelector(selector, metaOf(pod).labels));
}

/** The pods behind an object that a metric describes; undefined when there is no such object, or none of its kind have pods. */
export function podsBehind(
  view: View,
  namespace: string,
  { kind, name }: { readonly kind: string; readonly name: string },
): readonly Pod[] | undefined {
  if (kind === "Pod") {
    const pod = view.get("Pod", namespace, name);
    return pod === undefined ? undefined : [pod];
  }
  if (kind === "Service") {
    const service = view.get("Service", namespace, name);
    if (service === undefined) return undefined;
    const matchLabels = service.spec?.selector ?? {};
    // A service without a selector has no pods of its own.
    return Object.keys(matchLabels).length === 0
      ? []
      : selectedPods(view, namespace, { matchLabels, matchExpressions: [] });
  }
  if (!isScalable(kind)) return undefined;
  const scale = scaleOf({ kind, namespace, name }, view);
  return scale === undefined ? undefined : selectedPods(view, namespace, scale.selector);
}
