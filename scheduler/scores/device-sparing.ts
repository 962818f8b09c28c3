import { isForGpus } from "../devices/demand-mix.js";
import { ByState, leftBy, strandedIn } from "../devices/gpu-states.js";
import { gpuRoom, stranded } from "../devices/stranding.js";
import { MAX_POINTS } from "../points.js";
import { addEach, type Score } from "../score.js";

/** Points that are taken for a thousandth of a GPU; from a whole GPU on all are. */
const POINTS_PER_MILLI = 1_000;

/** Keeps pods that ask for no GPU from using up the cpu and memory that GPUs of a node would need to be of use. */
export const deviceSparing: Score = {
  name: "device-sparing",
  prepare: (shape, snapshot) => {
    if ((shape.devices !== undefined && isForGpus(shape.devices)) || !snapshot.devices.isTold) return undefined;
    const penalties = new ByState(snapshot, (state) => {
      const after = stranded(snapshot.devices.mix, gpuRoom(state.board, leftBy(state, shape)));
      const more = Math.floor(POINTS_PER_MILLI * (after - strandedIn(snapshot, state)));
      return Math.min(MAX_POINTS, Math.max(0, more));
    });
    const at = (slot: number): number => -(penalties.at(slot) ?? 0);
    return {
      ceiling: 0,
      farChanges: () => snapshot.devices.version,
      at,
      add: addEach(at),
    };
  },
};
