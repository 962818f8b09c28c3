import { bestAssignment } from "../devices/assign.js";
import { isForGpus } from "../devices/demand-mix.js";
import { ByState, leftBy, strandedIn } from "../devices/gpu-states.js";
import { canHave } from "../devices/pick.js";
import { MAX_POINTS } from "../points.js";
import { addEach, type Score } from "../score.js";

/** Points for a thousandth of a GPU: a node of 16 GPUs stays within MAX_POINTS. */
const POINTS_PER_MILLI = 8;

/** Prefers nodes where the pod leaves the least of the GPUs of no use to what pods ask for. */
export const devicePacking: Score = {
  name: "device-packing",
  prepare: (shape, snapshot) => {
    const { devices: demand } = shape;
    if (demand === undefined || !isForGpus(demand) || !snapshot.devices.isTold) return undefined;
    const points = new ByState(snapshot, (state) => {
      const after = bestAssignment(snapshot.devices.mix, state.board, demand, leftBy(state, shape));
      return after && pointsFor(after.strandedMilli - strandedIn(snapshot, state));
    });
    const at = (slot: number): number => {
      const board = snapshot.devices.boardOf(snapshot.records[slot]);
      // Most nodes of a full cluster cannot have the pod at all.
      return board === undefined || !canHave(board, demand) ? 0 : (points.at(slot) ?? 0);
    };
    return {
      farChanges: () => snapshot.devices.version,
      at,
      add: addEach(at),
    };
  },
};

function pointsFor(moreStranded: number): number {
  return Math.min(MAX_POINTS, Math.max(0, Math.floor(MAX_POINTS / 2 - POINTS_PER_MILLI * moreStranded)));
}
