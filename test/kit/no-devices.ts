import { type DeviceEdges, NodeDevices } from "../../agent/devices/node-devices.js";
import { silentLog } from "../../lib/log.js";

/** A host without devices. */
export const noDevices: DeviceEdges = {
  read: () => undefined,
  load: () => new Map(),
  save: async () => undefined,
  findNode: () => undefined,
};

/** What such a host gives out: nothing. */
export function nodeWithoutDevices(): NodeDevices {
  return new NodeDevices(noDevices, silentLog);
}
