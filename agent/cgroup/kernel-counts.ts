// Edge: what the control group file systems have.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { KernelCounts } from "../oci/resources.js";
import type { Hierarchy } from "./hierarchies.js";

/** What can be limited beside memory in the hierarchies that the runtime uses: those of version 1 where it has memory, else version 2. */
export function kernelCounts(hierarchies: readonly Hierarchy[]): KernelCounts {
  const v1 = hierarchies.find(({ controllers }) => controllers.includes("memory"));
  if (v1 !== undefined)
    return {
      swap: existsSync(join(v1.mountPoint, "memory.memsw.limit_in_bytes")),
      hugepages: hierarchies.some(({ controllers }) => controllers.includes("hugetlb")),
    };
  const unified = hierarchies.find(({ version }) => version === 2)?.mountPoint;
  if (unified === undefined) return { swap: false, hugepages: false };
  // The root has no limits: a group below it shows the files.
  const folders = readdirSync(unified, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  return {
    swap: folders.some(({ name }) => existsSync(join(unified, name, "memory.swap.max"))),
    hugepages: readFileSync(join(unified, "cgroup.controllers"), "utf8").split(/\s+/).includes("hugetlb"),
  };
}
