import { type Board, isGpu, isSuitable, isWhole, shortfall } from "../devices/board.js";
import type { DeviceDemand, DeviceShare } from "../devices/demand.js";
import { canHave } from "../devices/pick.js";
import { type Filter, type Refusal, siftBy } from "../filter.js";
import type { Shape } from "../shape.js";
import type { Snapshot } from "../snapshot.js";

/**
 * Refuses nodes where no device has the share free that the pod asks for, or too few are whole: devices are given whole or shared, never both. What a node
 * lacks of whole devices by number alone the filter for resources says.
 */
export const devices: Filter = {
  name: "devices",
  prepare: (shape, snapshot) => {
    const { devices: demand } = shape;
    if (demand === undefined || (demand.share === undefined && !snapshot.devices.isTold && demand.models.length === 0))
      return undefined;
    const isFit = (slot: number): boolean => {
      const board = snapshot.devices.boardOf(snapshot.records[slot]);
      if (board === undefined) return demand.share === undefined && demand.models.length === 0;
      return isShort(snapshot, shape, slot) || canHave(board, demand);
    };
    return {
      onlyTightens: true,
      lets: isFit,
      sift: siftBy(isFit),
      why: (slot) => (isFit(slot) ? [] : why(snapshot.devices.boardOf(snapshot.records[slot]), demand)),
    };
  },
};

/** True when the node has too few of a whole device by number. */
function isShort(snapshot: Snapshot, shape: Shape, slot: number): boolean {
  if (shape.devices?.share !== undefined) return false;
  return shape.requests.some(
    ({ column, amount }) => column >= FIRST_EXTENDED && (snapshot.free[column]?.[slot] ?? 0) < amount,
  );
}

const FIRST_EXTENDED = 4;

function why(board: Board | undefined, demand: DeviceDemand): readonly Refusal[] {
  const models = demand.models.length === 0 ? "" : ` of model ${demand.models.join("|")}`;
  if (board === undefined || !board.devices.some((device) => isAskedFor(device.resource, demand)))
    return [{ reason: demand.share === undefined ? `no device${models}` : `no GPU that can be shared${models}` }];
  const suitable = board.devices.flatMap((device, at) =>
    isAskedFor(device.resource, demand) && isSuitable(device, demand) ? [at] : [],
  );
  if (suitable.length === 0)
    return [
      { reason: demand.named.length === 0 ? `no device${models}` : `no device ${demand.named.join(",")}${models}` },
    ];
  if (demand.share !== undefined) return shortOfShare(board, suitable, demand.share);
  return demand.wholes.flatMap(({ resource, count }): readonly Refusal[] => {
    const free = suitable.filter((at) => board.devices[at]?.resource === resource && isWhole(board, at)).length;
    if (free < count)
      return [{ reason: `insufficient whole ${resource}${models}`, shortBy: { amount: count - free, unit: "count" } }];
    return demand.isSingleNuma ? [{ reason: `no NUMA node with ${count} free ${resource}` }] : [];
  });
}

function isAskedFor(resource: string, { share, wholes }: DeviceDemand): boolean {
  return share === undefined ? wholes.some((whole) => whole.resource === resource) : isGpu({ resource });
}

/** What is missing on the device that lacks least. */
function shortOfShare(board: Board, suitable: readonly number[], share: DeviceShare): readonly Refusal[] {
  const missing = suitable.map((at) => shortfall(board, at, share));
  const [least] = missing.sort((left, right) => left.bytes - right.bytes || left.milli - right.milli);
  const where = "on the best device";
  const bytes = least?.bytes ?? 0;
  const milli = least?.milli ?? 0;
  if (bytes > 0) return [{ reason: "insufficient gpu-memory", shortBy: { amount: bytes, unit: "bytes", where } }];
  return [{ reason: "insufficient gpu-milli", shortBy: { amount: milli, unit: "count", where } }];
}
