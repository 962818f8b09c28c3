import { metaOf } from "../../kinds/object.js";
import { controllerOf } from "../../kinds/owners.js";
import { isDeleting, isPodFinished } from "../../kinds/pod-state.js";
import { parseTime } from "../../lib/clock.js";
import type { Pod } from "../../proto/gen/tallship/v1/pod.js";

/** What a drain may do to pods that would lose something by it. */
export interface DrainRules {
  /** Pods that nobody would replace go too. */
  readonly force: boolean;
  /** Pods of daemon sets stay: their set would only put them back. */
  readonly ignoreDaemonSets: boolean;
  /** Pods with emptyDir volumes go, and the content with them. */
  readonly deleteEmptyDirData: boolean;
  /** A pod that has been going for longer than this is not waited for; 0: every pod is. */
  readonly skipDeletedAfterMs: number;
}

/** What a drain does: pods to evict, warnings of what that means, and what forbids it. Nothing is evicted while anything forbids it. */
export interface DrainPlan {
  readonly evict: readonly Pod[];
  readonly warnings: readonly string[];
  readonly refusals: readonly string[];
}

type Class = "finished" | "daemon" | "lone" | "local" | "skipped" | "plain";

/** Decides as kubectl's drain does. Pure. */
export function drainPlan(pods: readonly Pod[], rules: DrainRules, nowMs: number): DrainPlan {
  const classes = pods.map((pod) => ({ pod, classes: classesOf(pod, rules, nowMs) }));
  const those = (wanted: Class): readonly Pod[] =>
    classes.filter((each) => each.classes.includes(wanted)).map(({ pod }) => pod);
  const [daemons, lone, local] = [those("daemon"), those("lone"), those("local")];
  const evict = classes.filter((each) => !each.classes.includes("daemon") && !each.classes.includes("skipped"));
  return {
    evict: evict.map(({ pod }) => pod),
    warnings: [
      ...said(rules.ignoreDaemonSets, "leaving DaemonSet-managed pods where they are", daemons),
      ...said(rules.force, "evicting pods that nobody will replace", lone),
      ...said(rules.deleteEmptyDirData, "deleting the emptyDir volumes of pods", local),
    ],
    refusals: [
      ...said(!rules.ignoreDaemonSets, "DaemonSet-managed pods (--ignore-daemonsets leaves them there)", daemons),
      ...said(!rules.force, "pods without a controller, which nobody would replace (--force evicts them)", lone),
      ...said(
        !rules.deleteEmptyDirData,
        "pods with emptyDir volumes, whose content would be lost (--delete-emptydir-data evicts them)",
        local,
      ),
    ],
  };
}

/** What ended loses nothing by going. */
function classesOf(pod: Pod, { skipDeletedAfterMs }: DrainRules, nowMs: number): readonly Class[] {
  if (isPodFinished(pod)) return ["finished"];
  if (skipDeletedAfterMs > 0 && isDeleting(pod)) {
    const { deletionTimestamp, deletionGracePeriodSeconds = 0 } = metaOf(pod);
    const askedAtMs = parseTime(deletionTimestamp) - deletionGracePeriodSeconds * 1_000;
    if (nowMs - askedAtMs > skipDeletedAfterMs) return ["skipped"];
  }
  const owner = controllerOf(pod);
  if (owner?.kind === "DaemonSet") return ["daemon"];
  const isLocal = pod.spec?.volumes.some(({ emptyDir }) => emptyDir !== undefined) === true;
  return [owner === undefined ? "lone" : "plain", ...(isLocal ? ["local" as const] : [])];
}

function said(isSaid: boolean, what: string, pods: readonly Pod[]): readonly string[] {
  if (!isSaid || pods.length === 0) return [];
  return [`${what}: ${pods.map(podText).join(", ")}`];
}

/** How a drain names a pod: namespace/name. */
export function podText(pod: Pod): string {
  const { namespace, name } = metaOf(pod);
  return `${namespace}/${name}`;
}
