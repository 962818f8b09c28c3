import { runAsOf } from "../kinds/run-as.js";
import { TallshipError } from "../lib/errors.js";
import { netnsPath } from "../net/node-network.js";
import type { Container } from "../proto/gen/tallship/v1/container.js";
import type { Pod } from "../proto/gen/tallship/v1/pod.js";
import type { Service } from "../proto/gen/tallship/v1/service.js";
import type { VolumeMount } from "../proto/gen/tallship/v1/volume.js";
import { runCgroup } from "./cgroup/hierarchies.js";
import type { LocalImage, RootFs } from "./image/images.js";
import { commandOf } from "./oci/command.js";
import type { PodPlace } from "./oci/downward.js";
import { environment, environmentWords } from "./oci/environment.js";
import { expand } from "./oci/expand.js";
import { type BindMount, type HostTraits, ociSpec, type Propagation } from "./oci/oci-spec.js";
import { oomScoreAdj } from "./oci/oom-score.js";
import { type ResolvedUser, resolveUser, type UserFiles } from "./oci/user.js";
import { kernelHostname, podHostname } from "./pod/pod-files.js";
import { type PodFacts, podIPs } from "./pod-turn.js";
import { mappedRootFolder, sharedFolder } from "./runtime/oci/paths.js";
import type { ContainerKey, ContainerSpec } from "./runtime/runtime.js";
import { sharedNamespaces } from "./runtime/shared-namespaces.js";
import { mappableRoot } from "./userns/mapped-mount.js";
import type { BindSource, PodDisk } from "./volume/pod-disk.js";

/** What the node is, as far as its containers' settings depend on it. */
export interface NodeTraits extends HostTraits {
  readonly hostname: string;
  readonly nodeIPs: readonly string[];
  readonly runDir: string;
  readonly clusterDomain: string;
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
  readonly resolved: Resolved;
  readonly root: RootFs;
  readonly binds: readonly BindMount[];
  readonly node: NodeTraits;
  readonly logPath: string;
  /** First process of the container that an ephemeral one looks at. */
  readonly targetPid: number | undefined;
}

/** What names in an image and a pod come to for one run. */
export interface Resolved {
  readonly user: ResolvedUser;
  readonly hostname: string;
  readonly variables: ReadonlyMap<string, string>;
}

/** The run's user, hostname and environment. */
export function resolve(
  input: Pick<AssembleInput, "pod" | "container" | "image" | "users" | "facts" | "node"> & {
    readonly services: readonly Service[];
  },
): Resolved {
  const { pod, container, image, facts, node, services } = input;
  const named = runAsOf(pod.metadata?.annotations ?? {}, container.name) ?? image.config.user;
  const user = resolveUser(container, pod.spec?.securityContext, { user: named, files: input.users });
  if (facts.users !== undefined) refuseBeyond(facts.users.ids.count, user, container.name);
  const hostname = kernelHostname(pod, podHostname(pod, node.hostname), node.clusterDomain);
  const place: PodPlace = { podIPs: podIPs(facts), hostIPs: node.nodeIPs, allocatable: node.allocatable };
  const configs = facts.configs ?? { configMaps: {}, secrets: {} };
  const { home } = user;
  const imageEnv = image.config.env;
  return {
    user,
    hostname,
    variables: environment({ pod, container, imageEnv, configs, place, hostname, home, services }),
  };
}

function refuseBeyond(count: number, { uid, gid, additionalGids }: ResolvedUser, name: string): void {
  const beyond = [uid, gid, ...additionalGids].find((id) => id >= count);
  if (beyond === undefined) return;
  throw new TallshipError(
    "invalid_argument",
    `container ${name}: id ${beyond} is beyond the ${count} ids of a pod with hostUsers: false`,
  );
}

/** The run's whole description. Pure: every name has been resolved and every file been read before. */
export function assemble(input: AssembleInput): ContainerSpec {
  const { key, pod, container, image, node, resolved } = input;
  const { hostname, variables } = resolved;
  const isOnHost = pod.spec?.hostNetwork === true;
  const { uid, gid, additionalGids } = resolved.user;
  const { users } = input.facts;
  const shared = sharedNamespaces(pod, sharedFolder(node, key.podUid), users);
  const oci = ociSpec({
    pod,
    container,
    command: commandOf(container, image.config, variables),
    environment: environmentWords(variables),
    workingDir: container.workingDir || image.config.workingDir || "/",
    user: { uid, gid, additionalGids },
    rootPath: users === undefined ? input.root.path : mappedRootFolder(node, key),
    hostname,
    binds: input.binds,
    netnsPath: isOnHost ? undefined : netnsPath(node.runDir, key.podUid),
    targetPid: input.targetPid,
    ...{ shared, users },
    cgroupsPath: runCgroup(node.cgroupParent, key),
    oomScoreAdj: oomScoreAdj(pod.status?.qosClass ?? "", container, {
      memoryBytes: node.memoryBytes,
      floor: node.oomScoreFloor,
    }),
    host: node,
  });
  const rootMount = users === undefined ? input.root.mount : mappableRoot(input.root);
  return { ...key, oci, rootMount, users, shared, logPath: input.logPath, stdin: stdinOf(container) };
}

function stdinOf({ stdin, stdinOnce }: Container): ContainerSpec["stdin"] {
  if (!stdin) return "none";
  return stdinOnce ? "once" : "open";
}

const POD_FILES = ["hosts", "hostname", "resolv.conf"] as const;

/** The mounts of a container and the handles that hold their sources. */
export interface OpenBinds {
  readonly binds: readonly BindMount[];
  /** Lets go of the sources; to be called once the run is made. */
  release(): Promise<void>;
}

/** What binds are opened from. */
export interface BindInput {
  readonly uid: string;
  readonly pod: Pod;
  readonly container: Container;
  readonly facts: PodFacts;
  readonly variables: ReadonlyMap<string, string>;
  /** Host path of the file for the container's last words. */
  readonly lastWordsPath: string;
}

const LAST_WORDS = "/dev/termination-log";

/** What a container mounts: its volumes, the file for its last words, and the pod's files in /etc unless it mounts something there itself. */
export async function openBinds(input: BindInput, disk: PodDisk): Promise<OpenBinds> {
  const { uid, pod, container, facts, lastWordsPath } = input;
  const sources: BindSource[] = [];
  const release = async (): Promise<void> => {
    await Promise.all(sources.map((source) => source.release()));
  };
  try {
    for (const mount of container.volumeMounts) sources.push(await sourceOf(mount, input, disk));
  } catch (error) {
    await release();
    throw error;
  }
  const mappedTo = facts.users?.ids;
  const volumes = container.volumeMounts.map((mount, at) => ({
    hostPath: sources[at]?.path ?? "",
    containerPath: absolute(mount.mountPath),
    isReadOnly: mount.readOnly || isReadOnly(mount.name, pod),
    isFilesOnly: isImage(mount.name, pod),
    // That of an image is mounted mapped: overlays cannot be mapped later.
    mappedTo: isImage(mount.name, pod) ? undefined : mappedTo,
    isReadOnlyBelow: mount.recursiveReadOnly === "Enabled" || mount.recursiveReadOnly === "IfPossible",
    propagation: PROPAGATIONS[mount.mountPropagation] ?? "private",
  }));
  const own = [
    ...POD_FILES.map((name) => ({ hostPath: disk.filePath(uid, name), containerPath: `/etc/${name}` })),
    { hostPath: lastWordsPath, containerPath: absolute(container.terminationMessagePath || LAST_WORDS) },
  ].map((bind) => ({ ...bind, isReadOnly: false, mappedTo }));
  const free = own.filter(({ containerPath }) => !volumes.some((volume) => volume.containerPath === containerPath));
  return { binds: [...free, ...volumes], release };
}

const PROPAGATIONS: Readonly<Record<string, Propagation>> = { HostToContainer: "slave", Bidirectional: "shared" };

/** True for a volume that the pod mounts read-only wherever it is mounted. */
function isReadOnly(name: string, pod: Pod): boolean {
  const found = pod.spec?.volumes.find((volume) => volume.name === name);
  return found?.persistentVolumeClaim?.readOnly === true || isImage(name, pod);
}

function isImage(name: string, { spec }: Pod): boolean {
  return spec?.volumes.find((volume) => volume.name === name)?.image !== undefined;
}

async function sourceOf(mount: VolumeMount, { facts, variables }: BindInput, disk: PodDisk): Promise<BindSource> {
  const { name, subPath, subPathExpr } = mount;
  const path = facts.volumePaths.get(name);
  if (path === undefined)
    throw new TallshipError("invalid_argument", `volume mount ${name}: the pod has no such volume`);
  return disk.bindSource(path, subPathExpr === "" ? subPath : expandedSubPath(subPathExpr, variables));
}

/** Where an expression leads. A variable that is not there would lead to the whole volume, or to a folder nobody meant. */
function expandedSubPath(expression: string, variables: ReadonlyMap<string, string>): string {
  const path = expand(expression, variables);
  const missing = /\$\([^()]*\)/.exec(path)?.[0];
  if (missing !== undefined && !expression.includes(`$${missing}`))
    throw new TallshipError("config_missing", `subPathExpr ${expression}: the container has no variable ${missing}`);
  if (path === "" || path.startsWith("/"))
    throw new TallshipError("invalid_argument", `subPathExpr ${expression}: it comes to ${JSON.stringify(path)}`);
  return path;
}

function absolute(path: string): string {
  return path.startsWith("/") ? path.replace(/(.)\/+$/, "$1") : `/${path}`;
}
