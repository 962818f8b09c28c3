/** One mounted control group hierarchy. */
export interface Hierarchy {
  readonly mountPoint: string;
  readonly version: 1 | 2;
  /** Controllers of version 1, such as memory or cpu; empty for version 2. */
  readonly controllers: readonly string[];
}

/** How control groups are mounted: version 1 only, version 2 only, or version 2 beside version 1. */
export type CgroupMode = "v1" | "v2" | "hybrid";

/** The control group mounts in a /proc/PID/mountinfo text that can be reached: a mount hides those made before at its point or below. */
export function parseHierarchies(mountInfo: string): readonly Hierarchy[] {
  const byPoint = new Map<string, Hierarchy>();
  for (const line of mountInfo.split("\n")) {
    const [head, tail] = line.split(" - ");
    const mountPoint = head?.split(" ")[4];
    const [type, , options] = tail?.split(" ") ?? [];
    if (mountPoint === undefined) continue;
    for (const hidden of byPoint.keys())
      if (hidden === mountPoint || hidden.startsWith(`${mountPoint}/`)) byPoint.delete(hidden);
    if (type === "cgroup2") byPoint.set(mountPoint, { mountPoint, version: 2, controllers: [] });
    if (type === "cgroup")
      byPoint.set(mountPoint, { mountPoint, version: 1, controllers: controllersOf(options ?? "") });
  }
  return [...byPoint.values()];
}

function controllersOf(options: string): readonly string[] {
  const words = options.split(",").filter((word) => word !== "rw" && word !== "ro" && word !== "none");
  return words.map((word) => word.replace(/^name=/, ""));
}

/** The mode that these mounts make. No mount at all counts as version 2, where the kernel will say what is missing. */
export function cgroupMode(hierarchies: readonly Hierarchy[]): CgroupMode {
  const hasV1 = hierarchies.some(({ version, controllers }) => version === 1 && controllers.includes("memory"));
  const hasV2 = hierarchies.some(({ version }) => version === 2);
  if (hasV1) return hasV2 ? "hybrid" : "v1";
  return "v2";
}

/** Path of a pod's group below each hierarchy's root. `parent` is empty or starts with a slash. */
export function podCgroup(parent: string, podUid: string): string {
  return `${parent}/tallship/pod${podUid}`;
}

/** Path of a run's group. Each attempt has its own: the runtime ends a container by killing its group. */
export function runCgroup(
  parent: string,
  { podUid, container, attempt }: { readonly podUid: string; readonly container: string; readonly attempt: number },
): string {
  return `${podCgroup(parent, podUid)}/${container}.${attempt}`;
}
