import { metaOf, type ObjectKey } from "../../kinds/object.js";
import { isConditionTrue } from "../../kinds/pod-state.js";
import { hasCode } from "../../lib/errors.js";
import { limit } from "../../lib/limits.js";
import type { Log } from "../../lib/log.js";
import type { PodMove } from "../../proto/gen/tallship/v1/explain.js";
import { budgetsOf, evictionVerdict } from "../api/eviction/verdict.js";
import type { View } from "../cache/view.js";
import { remove, replace } from "../controllers/writes.js";
import type { EventSink } from "../events/event-sink.js";
import { REBALANCE } from "../explain/movable.js";
import { askPicture, type PictureDeps } from "../explain/picture.js";
import { rebalanceOf } from "../explain/rebalance.js";
import type { Planner } from "../leader-writer.js";

/** What moving pods needs. */
export interface RebalanceDeps extends PictureDeps {
  readonly planner: Planner;
  readonly events: EventSink;
  readonly log: Log;
}

/**
 * Moves pods of the namespaces that ask for it to better nodes: at most limits.rebalanceMoves every limits.rebalanceMs, within disruption budgets,
 * and only while the cluster is calm. For the leader; ends when the signal aborts. Never rejects.
 */
export async function keepRebalanced(deps: RebalanceDeps, signal: AbortSignal): Promise<void> {
  const { clock, log } = deps;
  while (!signal.aborted) {
    try {
      await clock.sleep(limit("rebalanceMs"), signal);
      await rebalanceOnce(deps, signal);
    } catch (error) {
      if (!hasCode(error, "cancelled")) log.warn("pods were not moved; trying again later", { error });
    }
  }
}

/** One look. Returns how many pods were told to go. */
export async function rebalanceOnce(deps: RebalanceDeps, signal: AbortSignal): Promise<number> {
  const { view } = deps.cache;
  const chosen = new Set(
    view.list("Namespace").flatMap(({ object }) => {
      const { name, annotations } = metaOf(object);
      return annotations[REBALANCE] === "on" ? [name] : [];
    }),
  );
  if (chosen.size === 0 || !isCalm(view)) return 0;
  const { moves } = await askPicture(deps, signal, (picture) =>
    rebalanceOf(picture, (namespace) => chosen.has(namespace), limit("rebalanceMoves")),
  );
  let moved = 0;
  for (const move of moves) if (await moveOne(deps, move)) moved += 1;
  return moved;
}

/** While nodes are away or pods wait for one, better places are for those. */
function isCalm(view: View): boolean {
  const areReady = view.list("Node").every(({ object }) => isConditionTrue(object.status?.conditions, "Ready"));
  return areReady && view.podsOnNode("").every(({ object }) => object.status?.phase !== "Pending");
}

/** Evicts a pod if it is as it was and its budget allows it still, and counts it there in the same transaction. */
async function moveOne({ cache, planner, events, clock, log }: RebalanceDeps, move: PodMove): Promise<boolean> {
  const { namespace, name, uid, from, to, why } = move;
  const cached = cache.view.cached("Pod", namespace, name);
  if (cached === undefined || metaOf(cached.object).uid !== uid) return false;
  const verdict = evictionVerdict(cached.object, budgetsOf(cached.object, cache.view));
  if (verdict.is === "refused") return false;
  const budget = verdict.is === "counted" ? [replace(verdict.budget, verdict.after)] : [];
  const written = await planner.write([...remove(cached, { nowMs: clock.nowMs() }), ...budget]);
  if (written.is !== "written") return false;
  const about: ObjectKey = { kind: "Pod", namespace, name };
  const message = `Moved away from node ${from}: ${why}`;
  events.record({ about, type: "Normal", reason: "Rebalanced", message }, { component: "rebalancer", host: "" });
  log.info("pod moved", { pod: `${namespace}/${name}`, from, to, why });
  return true;
}
