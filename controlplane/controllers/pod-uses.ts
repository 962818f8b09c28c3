import { isPodFinished } from "../../kinds/pod-state.js";
import type { Pod } from "../../proto/gen/tallship/v1/pod.js";

/** Names of what a changed pod uses or used; none when it uses it as before: on the same node, and finished or not as it was. */
export function namesUsedBy(
  before: Pod | undefined,
  after: Pod | undefined,
  namesOf: (pod: Pod) => readonly string[],
): ReadonlySet<string> {
  const isSame =
    before !== undefined &&
    after !== undefined &&
    before.spec?.nodeName === after.spec?.nodeName &&
    isPodFinished(before) === isPodFinished(after);
  if (isSame) return new Set();
  return new Set([before, after].flatMap((pod) => (pod === undefined ? [] : namesOf(pod))));
}
