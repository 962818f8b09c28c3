import { hostDevicesOf } from "../../kinds/host-devices.js";
import type { Pod } from "../../proto/gen/tallship/v1/pod.js";
import { type CdiEdits, NO_EDITS } from "./cdi-spec.js";

/** What devices that a container gets by their paths on the node change of it: their nodes, and the right to use these. */
export function hostDeviceEdits(pod: Pod, container: string): readonly CdiEdits[] {
  const deviceNodes = hostDevicesOf(pod, container).map(({ hostPath, path, permissions }) => ({
    ...{ path, hostPath, permissions },
    ...AS_ON_NODE,
  }));
  return deviceNodes.length === 0 ? [] : [{ ...NO_EDITS, deviceNodes }];
}

/** What is not said is read from the node's own device. */
const AS_ON_NODE = {
  type: undefined,
  major: undefined,
  minor: undefined,
  fileMode: undefined,
  uid: undefined,
  gid: undefined,
} as const;
