import { DEVICES, devicesOf, deviceText } from "../../kinds/devices.js";
import {
  GPU_MEMORY,
  GPU_MILLI,
  GPU_MODEL,
  isDeviceShare,
  isSingleNuma,
  modelsOf,
  NUMA,
} from "../../kinds/gpu-share.js";
import type { Pod } from "../../proto/gen/tallship/v1/pod.js";
import type { Amounts } from "../pod-requests.js";

/** So many whole devices of a resource. A node that does not tell its devices apart only counts them. */
export interface WholeDevices {
  readonly resource: string;
  readonly count: number;
}

/** A part of one device. */
export interface DeviceShare {
  /** Thousandths; 0: none are counted. */
  readonly milli: number;
  /** Bytes of its memory; 0: as many thousandths of it as `milli` says. */
  readonly bytes: number;
}

/** What a pod asks of devices: whole ones, or a share of one. */
export interface DeviceDemand {
  /** Equal for pods that ask for the same. */
  readonly key: string;
  /** By resource, in order of name. */
  readonly wholes: readonly WholeDevices[];
  readonly share: DeviceShare | undefined;
  /** Models that would do; empty: any. */
  readonly models: readonly string[];
  /** Names of the only devices that would do; empty: any. */
  readonly named: readonly string[];
  /** All devices must be of one NUMA node. */
  readonly isSingleNuma: boolean;
}

/** Names that stand for several devices are for the node to understand. */
const ALIAS = "=all";

/** What a pod that requests these amounts asks of devices; undefined: nothing. A pod that is bound has what it named. */
export function demandOf(pod: Pod, amounts: Amounts, isBound: boolean): DeviceDemand | undefined {
  for (const resource of amounts.keys()) if (resource.includes("/")) return demandAmong(pod, amounts, isBound);
  return undefined;
}

function demandAmong({ metadata }: Pod, amounts: Amounts, isBound: boolean): DeviceDemand | undefined {
  const wholes = [...amounts]
    .filter(([resource, count]) => count > 0 && resource.includes("/") && !isDeviceShare(resource))
    .map(([resource, count]) => ({ resource, count }))
    .sort((left, right) => (left.resource < right.resource ? -1 : 1));
  const milli = amounts.get(GPU_MILLI) ?? 0;
  const bytes = amounts.get(GPU_MEMORY) ?? 0;
  const share = milli + bytes > 0 ? { milli, bytes } : undefined;
  if (share === undefined && wholes.length === 0) return undefined;
  const models = modelsOf(metadata?.annotations);
  const named = isBound ? [] : devicesOf(metadata?.annotations ?? {}).map(deviceText);
  const single = isSingleNuma(metadata?.annotations);
  const asked = wholes.map(({ resource, count }) => `${resource}=${count}`).join(",");
  return {
    key: `${asked} ${milli} ${bytes} ${models.join("|")} ${named.join(",")} ${single}`,
    wholes,
    share,
    models,
    named: named.filter((name) => !name.endsWith(ALIAS)),
    isSingleNuma: single,
  };
}

/** A text of what the pod says of its devices beside amounts, for a pod whose amounts are known to be equal to those of others. */
export function deviceWords({ metadata }: Pod, isBound: boolean): string {
  const annotations = metadata?.annotations;
  if (annotations === undefined) return "";
  const named = isBound ? undefined : annotations[DEVICES];
  const models = annotations[GPU_MODEL];
  const numa = annotations[NUMA];
  return named === undefined && models === undefined && numa === undefined ? "" : `${named} ${models} ${numa}`;
}
