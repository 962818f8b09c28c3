import { claimsOfPod } from "../../kinds/storage.js";
import type { PersistentVolume } from "../../proto/gen/tallship/v1/persistentvolume.js";
import type { Pod } from "../../proto/gen/tallship/v1/pod.js";
import type { NodeTraits } from "../assemble.js";
import type { ClaimSource } from "../claim-source.js";
import type { ClusterNames } from "../pod/pod-files.js";
import { hostsFile, podHostname, resolvConf } from "../pod/pod-files.js";
import { podIPs } from "../pod-turn.js";
import type { PodDisk } from "../volume/pod-disk.js";
import { volumePlans } from "../volume/volume-plan.js";
import type { Hook } from "./hook.js";
import { volumeImage } from "./image.js";

/** Makes the pod's volumes and the files that each of its containers sees in /etc. */
export function volumesHook(
  { disk, claims }: { readonly disk: PodDisk; readonly claims: ClaimSource },
  names: ClusterNames,
  { hostname: hostHostname, allocatable }: Pick<NodeTraits, "hostname" | "allocatable">,
): Hook {
  return {
    name: "volumes",
    up: async ({ uid, pod, facts }, signal) => {
      const hostname = podHostname(pod, hostHostname);
      const configs = facts.configs ?? { configMaps: {}, secrets: {} };
      const imageOf = (volume: string) => facts.images.get(volumeImage(volume));
      const claimed = await claimedVolumes(pod, claims, signal);
      const plans = volumePlans(pod, { configs, allocatable, claims: claimed, imageOf, users: facts.users?.path });
      const files = {
        hosts: hostsFile(pod, { addresses: podIPs(facts), hostname, clusterDomain: names.clusterDomain }),
        hostname: `${hostname}\n`,
        "resolv.conf": resolvConf(pod, names),
      };
      return { volumePaths: await disk.prepare(uid, { plans, files }) };
    },
    down: (uid) => disk.remove(uid),
  };
}

/** The volumes of the pod's claims, each once. */
async function claimedVolumes(
  pod: Pod,
  claims: ClaimSource,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, PersistentVolume>> {
  const names = claimsOfPod(pod);
  const namespace = pod.metadata?.namespace ?? "";
  const volumes = await Promise.all(names.map((name) => claims.volumeOf({ namespace, name }, signal)));
  return new Map(volumes.map((volume, at) => [names[at] ?? "", volume]));
}
