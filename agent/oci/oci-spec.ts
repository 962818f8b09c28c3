import type { Container } from "../../proto/gen/tallship/v1/container.js";
import type { Pod } from "../../proto/gen/tallship/v1/pod.js";
import { SHM_BYTES, type SharedNamespaces, sharedPaths } from "../runtime/shared-namespaces.js";
import type { IdRange } from "../userns/pod-ids.js";
import type { PodUsers } from "../userns/pod-users.js";
import { capabilitySet, ociCapabilities } from "./capabilities.js";
import type { OciMount, OciSeccomp, OciSpec } from "./oci-types.js";
import { type KernelCounts, ociResources } from "./resources.js";
import { type HardLimits, rlimitsOf } from "./rlimits.js";
import { defaultSeccomp } from "./seccomp-default.js";
import { ociSysctls } from "./sysctls.js";

/** Numbers of a user: what a name in an image or a pod comes to. */
export interface NumericUser {
  readonly uid: number;
  readonly gid: number;
  readonly additionalGids: readonly number[];
}

/** A folder or file of the host that a container sees. */
export interface BindMount {
  readonly hostPath: string;
  readonly containerPath: string;
  readonly isReadOnly: boolean;
  /** Whether mounts below it are read-only too. */
  readonly isReadOnlyBelow?: boolean;
  /** The host's ids that its own, from 0 on, stand for in the container; absent: themselves. */
  readonly mappedTo?: IdRange | undefined;
  /** Whether nothing of it can be run or be a device: files and no more. */
  readonly isFilesOnly?: boolean;
  /** Which way mounts made below it later travel; private when absent. */
  readonly propagation?: Propagation;
}

/** As mount(8) has it: neither way, from the node into the container, or both ways. */
export type Propagation = "private" | "slave" | "shared";

/** Everything that a config.json depends on. */
export interface OciSpecInput {
  readonly pod: Pod;
  readonly container: Container;
  /** Command and arguments, with variables replaced. */
  readonly command: readonly string[];
  /** NAME=value each. */
  readonly environment: readonly string[];
  readonly workingDir: string;
  readonly user: NumericUser;
  readonly rootPath: string;
  readonly hostname: string;
  /** Volumes and files of the pod. */
  readonly binds: readonly BindMount[];
  /** Pinned network namespace; undefined for the host's. */
  readonly netnsPath: string | undefined;
  /** First process of the container whose processes this one sees; undefined when it sees its own. */
  readonly targetPid?: number | undefined;
  /** The user namespace that it is in; undefined: the host's. */
  readonly users?: PodUsers | undefined;
  /** What it shares with the other containers of its pod. */
  readonly shared?: SharedNamespaces | undefined;
  readonly cgroupsPath: string;
  readonly oomScoreAdj: number | undefined;
  readonly host: HostTraits;
}

/** What the host lets the agent give. */
export interface HostTraits {
  /** Capabilities that the agent has, without prefix. */
  readonly capabilities: ReadonlySet<string>;
  /** A seccomp profile of the node, by its path below the node's folder; config_missing when there is none. */
  readonly seccompProfile: (name: string) => OciSeccomp;
  /** As process.arch has it. */
  readonly architecture: string;
  /** Device nodes of the host, for privileged containers. */
  readonly devices: readonly {
    readonly path: string;
    readonly type: string;
    readonly major: number;
    readonly minor: number;
  }[];
  /** Absent: neither. */
  readonly counts?: KernelCounts;
  /** undefined: it may give any. */
  readonly hardLimits?: HardLimits | undefined;
}

const MASKED_PATHS = [
  "/proc/asound",
  "/proc/acpi",
  "/proc/interrupts",
  "/proc/kcore",
  "/proc/keys",
  "/proc/latency_stats",
  "/proc/timer_list",
  "/proc/timer_stats",
  "/proc/sched_debug",
  "/proc/scsi",
  "/sys/firmware",
  "/sys/devices/virtual/powercap",
];

const READONLY_PATHS = ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"];

/** A container's config.json. Pure. Secure by default: every right that is not asked for is absent. */
export function ociSpec(input: OciSpecInput): OciSpec {
  const { pod, container, host } = input;
  const context = container.securityContext;
  const isPrivileged = context?.privileged === true;
  const capabilities = capabilitySet(context, host.capabilities);
  const seccomp = seccompOf(input, capabilities);
  const isUnmasked = isPrivileged || context?.procMount === "Unmasked";
  const { rlimits } = rlimitsOf(pod, container, host.hardLimits);
  const sysctls = Object.entries(ociSysctls(pod));
  return {
    ociVersion: "1.0.2",
    process: {
      terminal: container.tty,
      user: { ...input.user },
      args: input.command,
      env: input.environment,
      cwd: input.workingDir,
      capabilities: ociCapabilities(capabilities),
      noNewPrivileges: !isPrivileged && context?.allowPrivilegeEscalation !== true,
      ...(input.oomScoreAdj === undefined ? {} : { oomScoreAdj: input.oomScoreAdj }),
      ...(rlimits.length === 0 ? {} : { rlimits }),
    },
    root: { path: input.rootPath, readonly: context?.readOnlyRootFilesystem === true },
    hostname: input.hostname,
    mounts: [...kernelMounts(isPrivileged, shmMount(input)), ...input.binds.map(bindMount)].sort(byDepth),
    linux: {
      namespaces: namespaces(input),
      ...idMappings(input.users),
      cgroupsPath: input.cgroupsPath,
      resources: ociResources(container.resources, { isPrivileged, counts: host.counts }),
      ...(seccomp === undefined ? {} : { seccomp }),
      ...rootPropagation(input.binds),
      ...(sysctls.length === 0 ? {} : { sysctl: Object.fromEntries(sysctls) }),
      maskedPaths: isUnmasked ? [] : MASKED_PATHS,
      readonlyPaths: isUnmasked ? [] : READONLY_PATHS,
      ...(isPrivileged ? { devices: host.devices } : {}),
    },
  };
}

function seccompOf({ pod, container, host }: OciSpecInput, capabilities: readonly string[]): OciSeccomp | undefined {
  const profile = container.securityContext?.seccompProfile ?? pod.spec?.securityContext?.seccompProfile;
  if (container.securityContext?.privileged === true || profile?.type === "Unconfined") return undefined;
  if (profile?.type === "Localhost") return host.seccompProfile(profile.localhostProfile);
  return defaultSeccomp(capabilities, host.architecture);
}

/** Those that are not named are the host's. */
function namespaces({ pod, netnsPath, targetPid, shared, users }: OciSpecInput): OciSpec["linux"]["namespaces"] {
  const hosts = new Set([
    ...(pod.spec?.hostPID === true ? ["pid"] : []),
    ...(pod.spec?.hostIPC === true ? ["ipc"] : []),
  ]);
  const joined = new Map<string, string>([
    ...(targetPid === undefined ? [] : [["pid", `/proc/${targetPid}/ns/pid`] as const]),
    ...(shared?.hasPids === true ? [["pid", sharedPaths(shared).pid] as const] : []),
    ...(shared?.hasIpc === true ? [["ipc", sharedPaths(shared).ipc] as const] : []),
  ]);
  const own = [
    ...(users === undefined ? [] : [{ type: "user", path: users.path }]),
    ...["pid", "ipc", "uts", "mount"]
      .filter((type) => !hosts.has(type))
      .map((type) => {
        const path = joined.get(type);
        return path === undefined ? { type } : { type, path };
      }),
  ];
  return netnsPath === undefined ? own : [...own, { type: "network", path: netnsPath }];
}

/** The runtime maps volumes by them; the namespace itself has them already. */
function idMappings(users: PodUsers | undefined): Pick<OciSpec["linux"], "uidMappings" | "gidMappings"> {
  if (users === undefined) return {};
  const mappings = [{ containerID: 0, hostID: users.ids.first, size: users.ids.count }];
  return { uidMappings: mappings, gidMappings: mappings };
}

const SAFE = ["nosuid", "noexec", "nodev"];

/** Memory that goes with the IPC namespace: the host's, the pod's, or its own. */
function shmMount({ pod, shared }: OciSpecInput): OciMount {
  const destination = "/dev/shm";
  if (pod.spec?.hostIPC === true)
    return { destination, type: "bind", source: "/dev/shm", options: ["rbind", "rprivate", "rw"] };
  if (shared?.hasIpc === true)
    return { destination, type: "bind", source: sharedPaths(shared).shm, options: ["bind", "rprivate", "rw", ...SAFE] };
  return { destination, type: "tmpfs", source: "shm", options: [...SAFE, "mode=1777", `size=${SHM_BYTES}`] };
}

function kernelMounts(isPrivileged: boolean, shm: OciMount): readonly OciMount[] {
  return [
    { destination: "/proc", type: "proc", source: "proc", options: SAFE },
    {
      destination: "/dev",
      type: "tmpfs",
      source: "tmpfs",
      options: ["nosuid", "strictatime", "mode=755", "size=65536k"],
    },
    {
      destination: "/dev/pts",
      type: "devpts",
      source: "devpts",
      options: ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"],
    },
    { destination: "/dev/mqueue", type: "mqueue", source: "mqueue", options: SAFE },
    shm,
    { destination: "/sys", type: "sysfs", source: "sysfs", options: isPrivileged ? SAFE : [...SAFE, "ro"] },
    {
      destination: "/sys/fs/cgroup",
      type: "cgroup",
      source: "cgroup",
      options: [...SAFE, "relatime", isPrivileged ? "rw" : "ro"],
    },
  ];
}

function bindMount({
  hostPath,
  containerPath,
  isReadOnly,
  isReadOnlyBelow,
  mappedTo,
  isFilesOnly,
  propagation = "private",
}: BindMount): OciMount {
  const readOnly = isReadOnlyBelow === true ? "rro" : "ro";
  const options = ["rbind", `r${propagation}`, isReadOnly ? readOnly : "rw"];
  if (isFilesOnly === true) options.push(...SAFE);
  if (mappedTo !== undefined) options.push(idMap(mappedTo));
  return { destination: containerPath, type: "bind", source: hostPath, options };
}

/** Said in full: crun 1.8 takes the ids of a process that has not always joined its user namespace yet when they are left out. */
function idMap({ first, count }: IdRange): string {
  return `idmap=uids=0-${first}-${count};gids=0-${first}-${count}`;
}

/** The runtime cuts all mounts off from the node's unless it is told otherwise: a mount can travel only as far as the root lets it. */
function rootPropagation(binds: readonly BindMount[]): { rootfsPropagation?: string } {
  const asked = new Set(binds.map(({ propagation }) => propagation));
  if (asked.has("shared")) return { rootfsPropagation: "rshared" };
  return asked.has("slave") ? { rootfsPropagation: "rslave" } : {};
}

/** Shallower first, so that no mount hides one made before it; the order given among equals. */
function byDepth(left: OciMount, right: OciMount): number {
  return depth(left.destination) - depth(right.destination);
}

function depth(path: string): number {
  return path.split("/").filter((part) => part !== "").length;
}
