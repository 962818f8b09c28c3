import { metaOf, type ObjectKey } from "../../kinds/object.js";
import { isPodActive, isPodFinished } from "../../kinds/pod-state.js";
import { QUEUE, queueOf } from "../../kinds/queue.js";
import { deepEqual } from "../../lib/deep-equal.js";
import type { Pod } from "../../proto/gen/tallship/v1/pod.js";
import type { Queue, QueueStatus } from "../../proto/gen/tallship/v1/queue.js";
import { amountOf, podRequests } from "../../scheduler/pod-requests.js";
import { quotaQuantity } from "../api/admission/quota-usage.js";
import type { CacheChange, View } from "../cache/view.js";
import { type Controller, NOTHING, type Outcome } from "./controller.js";
import { replace } from "./writes.js";

/** Keeps the status of queues: how many of their pods wait and run, and what those use. The scheduler counts for itself. */
export const queue: Controller = { name: "queue", keysFor, reconcile };

function keysFor({ key, before, after }: CacheChange): readonly ObjectKey[] {
  if (key.kind === "Queue") return [key];
  if (key.kind !== "Pod") return [];
  const names = new Set([before, after].map((each) => queueOf(each?.object.metadata?.labels)));
  return [...names].filter((name) => name !== "").map((name) => ({ kind: "Queue", namespace: "", name }));
}

function reconcile({ name }: ObjectKey, view: View): Outcome {
  const cached = view.cached("Queue", "", name);
  if (cached === undefined) return NOTHING;
  const pods = view
    .list("Namespace")
    .flatMap(({ object }) => view.withLabels("Pod", metaOf(object).name, { [QUEUE]: name }))
    .map(({ object }) => object)
    .filter((pod) => queueOf(metaOf(pod).labels) === name);
  const status = statusOf(cached.object, pods);
  if (deepEqual(status, cached.object.status)) return NOTHING;
  return { writes: [replace(cached, { ...cached.object, status })] };
}

function statusOf({ spec }: Queue, pods: readonly Pod[]): QueueStatus {
  const placed = pods.filter((pod) => (pod.spec?.nodeName ?? "") !== "" && !isPodFinished(pod));
  const pending = pods.filter((pod) => (pod.spec?.nodeName ?? "") === "" && isPodActive(pod));
  const used: Record<string, string> = {};
  const borrowed: Record<string, string> = {};
  const requests = placed.map(podRequests);
  for (const [resource, quota] of Object.entries(spec?.quota ?? {})) {
    const own = (each: (typeof requests)[number]): number => (resource === "pods" ? 1 : (each.get(resource) ?? 0));
    const sum = requests.reduce((total, each) => total + own(each), 0);
    const beyond = sum - amountOf(resource, quota);
    used[resource] = quotaQuantity(resource, sum);
    if (beyond > 0) borrowed[resource] = quotaQuantity(resource, beyond);
  }
  return { pending: pending.length, running: placed.length, used, borrowed };
}
