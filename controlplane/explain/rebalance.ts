import { metaOf } from "../../kinds/object.js";
import { RebalanceResponse } from "../../proto/gen/tallship/v1/explain.js";
import { rebalance } from "../../scheduler/rebalance.js";
import { movablePods } from "./movable.js";
import type { Picture } from "./picture.js";

/** Which pods would be better off elsewhere. Nothing is written; the picture is used up by it. */
export function rebalanceOf(
  { state, view }: Picture,
  isChosen: (namespace: string) => boolean,
  most: number,
): RebalanceResponse {
  const pods = new Map(movablePods(view, isChosen).map(({ object }) => [metaOf(object).uid, object]));
  const { moves, protectedCount } = rebalance(state.snapshot, [...pods.keys()], { standings: state.standings, most });
  return RebalanceResponse.fromPartial({
    moves: moves.map(({ podId, from, to, why }) => {
      const { namespace = "", name = "" } = pods.get(podId)?.metadata ?? {};
      return { namespace, name, uid: podId, from, to, why };
    }),
    movableCount: pods.size,
    protectedCount,
    revision: view.revision,
  });
}
