import type { NodeDevices } from "../devices/node-devices.js";
import type { Hook } from "./hook.js";

/** Gives the pod the devices that its containers ask for, before any of them is made; the pod waits while they are not there. */
export function devicesHook(devices: Pick<NodeDevices, "assign" | "release">): Hook {
  return {
    name: "devices",
    up: async ({ uid, pod }) => {
      await devices.assign(uid, pod);
      return {};
    },
    down: (uid) => devices.release(uid),
  };
}
