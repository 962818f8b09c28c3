import type { ClusterNames } from "../pod/pod-files.js";
import { hostsFile, podHostname, resolvConf } from "../pod/pod-files.js";
import type { PodDisk } from "../volume/pod-disk.js";
import { volumePlans } from "../volume/volume-plan.js";
import type { Hook } from "./hook.js";

/** Makes the pod's volumes and the files that each of its containers sees in /etc. */
export function volumesHook(disk: PodDisk, names: ClusterNames, hostHostname: string): Hook {
  return {
    name: "volumes",
    up: async ({ uid, pod, facts }) => {
      const hostname = podHostname(pod, hostHostname);
      const configs = facts.configs ?? { configMaps: {}, secrets: {} };
      const plans = volumePlans(pod, configs);
      const files = {
        hosts: hostsFile(pod, { address: facts.address, hostname, clusterDomain: names.clusterDomain }),
        hostname: `${hostname}\n`,
        "resolv.conf": resolvConf(pod, names),
      };
      return { volumePaths: await disk.prepare(uid, { plans, files }) };
    },
    down: (uid) => disk.remove(uid),
  };
}
