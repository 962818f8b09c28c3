import { hostDevicesOf } from "../../kinds/host-devices.js";
import type { Pod } from "../../proto/gen/tallship/v1/pod.js";
import { type CdiEdits, NO_EDITS } from "./cdi-spec.js";

/** What devices that a container gets by their paths on the node change of it: their nodes, and the right to use these. */
export function hostDeviceEdits(pod: Pod, container: string): readonly CdiEdits[] {
  const as = {
    type: undefined,
    major: undefined,
    minor: undefined,
    fileMode: undefined,
    uid: undefined,
    gid: undefined,
  };
  const deviceNodes = hostDevicesOf(pod, container).map(({ hostPath, path, permissions }) => ({
    ...{ path, hostPath, permissions },
    ...as,
  }));
  return deviceNodes.length === 0 ? [] : [{ ...NO_EDITS, deviceNodes }];
}
