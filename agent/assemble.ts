import { TallshipError } from "../lib/errors.js";
import { netnsPath } from "../net/node-network.js";
import type { Container } from "../proto/gen/tallship/v1/container.js";
import type { Pod } from "../proto/gen/tallship/v1/pod.js";
import type { VolumeMount } from "../proto/gen/tallship/v1/volume.js";
import { runCgroup } from "./cgroup/hierarchies.js";
import type { LocalImage, RootFs } from "./image/images.js";
import { commandOf } from "./oci/command.js";
import type { PodPlace } from "./oci/downward.js";
import { environment, environmentWords } from "./oci/environment.js";
import { type BindMount, type HostTraits, ociSpec } from "./oci/oci-spec.js";
import { oomScoreAdj } from "./oci/oom-score.js";
import { resolveUser, type UserFiles } from "./oci/user.js";
import { podHostname } from "./pod/pod-files.js";
import type { PodFacts } from "./pod-turn.js";
import type { ContainerKey, ContainerSpec } from "./runtime/runtime.js";
import type { BindSource, PodDisk } from "./volume/pod-disk.js";

/** What the node is, as far as its containers' settings depend on it. */
export interface NodeTraits extends HostTraits {
  readonly hostname: string;
  readonly nodeIP: string;
  readonly runDir: string;
  readonly cgroupParent: string;
  readonly memoryBytes: number;
  /** The least oom_score_adj that the agent may set. */
  readonly oomScoreFloor: number;
  readonly allocatable: Readonly<Record<string, string>>;
}

/** Everything that a run of a container is made of. */
export interface AssembleInput {
  readonly key: ContainerKey;
  readonly pod: Pod;
  readonly container: Container;
  readonly image: LocalImage;
  readonly users: UserFiles;
  readonly facts: PodFacts;
  readonly root: RootFs;
  readonly binds: readonly BindMount[];
  readonly node: NodeTraits;
  readonly logPath: string;
}

/** The run's whole description. Pure: every name has been resolved and every file been read before. */
export function assemble(input: AssembleInput): ContainerSpec {
  const { key, pod, container, image, facts, node } = input;
  const user = resolveUser(container, pod.spec?.securityContext, { user: image.config.user, files: input.users });
  const hostname = podHostname(pod, node.hostname);
  const place: PodPlace = { podIP: facts.address, hostIP: node.nodeIP, allocatable: node.allocatable };
  const configs = facts.configs ?? { configMaps: {}, secrets: {} };
  const variables = environment({
    pod,
    container,
    imageEnv: image.config.env,
    configs,
    place,
    hostname,
    home: user.home,
  });
  const isOnHost = pod.spec?.hostNetwork === true;
  const { uid, gid, additionalGids } = user;
  const oci = ociSpec({
    pod,
    container,
    command: commandOf(container, image.config, variables),
    environment: environmentWords(variables),
    workingDir: container.workingDir || image.config.workingDir || "/",
    user: { uid, gid, additionalGids },
    rootPath: input.root.path,
    hostname,
    binds: input.binds,
    netnsPath: isOnHost ? undefined : netnsPath(node.runDir, key.podUid),
    cgroupsPath: runCgroup(node.cgroupParent, key),
    oomScoreAdj: oomScoreAdj(pod.status?.qosClass ?? "", container, {
      memoryBytes: node.memoryBytes,
      floor: node.oomScoreFloor,
    }),
    host: node,
  });
  return { ...key, oci, rootMount: input.root.mount, logPath: input.logPath };
}

const POD_FILES = ["hosts", "hostname", "resolv.conf"] as const;

/** The mounts of a container and the handles that hold their sources. */
export interface OpenBinds {
  readonly binds: readonly BindMount[];
  /** Lets go of the sources; to be called once the run is made. */
  release(): void;
}

/** What a container mounts: its volumes, and the pod's files in /etc unless it mounts something there itself. */
export function openBinds(
  { uid, container, facts }: { readonly uid: string; readonly container: Container; readonly facts: PodFacts },
  disk: PodDisk,
): OpenBinds {
  const sources: BindSource[] = [];
  const release = (): void => {
    for (const source of sources) source.release();
  };
  try {
    for (const mount of container.volumeMounts) sources.push(sourceOf(mount, facts, disk));
  } catch (error) {
    release();
    throw error;
  }
  const volumes = container.volumeMounts.map((mount, at) => ({
    hostPath: sources[at]?.path ?? "",
    containerPath: absolute(mount.mountPath),
    isReadOnly: mount.readOnly,
  }));
  const own = POD_FILES.map((name) => ({
    hostPath: disk.filePath(uid, name),
    containerPath: `/etc/${name}`,
    isReadOnly: false,
  })).filter(({ containerPath }) => !volumes.some((volume) => volume.containerPath === containerPath));
  return { binds: [...own, ...volumes], release };
}

function sourceOf({ name, subPath }: VolumeMount, facts: PodFacts, disk: PodDisk): BindSource {
  const path = facts.volumePaths.get(name);
  if (path === undefined)
    throw new TallshipError("invalid_argument", `volume mount ${name}: the pod has no such volume`);
  return disk.bindSource(path, subPath);
}

function absolute(path: string): string {
  return path.startsWith("/") ? path.replace(/(.)\/+$/, "$1") : `/${path}`;
}
