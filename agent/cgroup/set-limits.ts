// Edge: the control group file systems.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { TallshipError } from "../../lib/errors.js";
import type { OciResources } from "../oci/oci-types.js";
import type { Hierarchy } from "./hierarchies.js";

/** A file of a control group and what to write into it. */
interface Setting {
  readonly file: string;
  readonly value: string;
}

/**
 * Changes the limits of a group whose processes go on, in whichever version has the controllers. A limit that is less than what is in use is refused before anything is written: version 2
 * would kill the processes for it.
 */
export function setLimits(
  hierarchies: readonly Hierarchy[],
  path: string,
  limits: Pick<OciResources, "cpu" | "memory">,
): void {
  const v1 = (controller: string): string | undefined => {
    const found = hierarchies.find(({ controllers }) => controllers.includes(controller));
    return found === undefined ? undefined : join(found.mountPoint, path);
  };
  const unified = hierarchies.find(({ version }) => version === 2);
  const [cpu, memory] = [v1("cpu"), v1("memory")];
  if (memory === undefined && unified !== undefined) setUnified(join(unified.mountPoint, path), limits);
  else {
    if (memory !== undefined)
      setMemory(
        join(memory, "memory.usage_in_bytes"),
        join(memory, "memory.limit_in_bytes"),
        limits.memory?.limit ?? -1,
      );
    if (cpu !== undefined) for (const setting of cpuV1(cpu, limits.cpu)) write(setting);
  }
}

function setUnified(folder: string, { cpu, memory }: Pick<OciResources, "cpu" | "memory">): void {
  setMemory(join(folder, "memory.current"), join(folder, "memory.max"), memory?.limit ?? "max");
  const { shares, quota, period = 100_000 } = cpu;
  // As the runtime converts it.
  const weight = 1 + Math.floor(((shares - 2) * 9_999) / 262_142);
  write({ file: join(folder, "cpu.weight"), value: `${weight}` });
  write({ file: join(folder, "cpu.max"), value: `${quota ?? "max"} ${period}` });
}

function cpuV1(folder: string, { shares, quota, period = 100_000 }: OciResources["cpu"]): readonly Setting[] {
  return [
    { file: join(folder, "cpu.shares"), value: `${shares}` },
    { file: join(folder, "cpu.cfs_period_us"), value: `${period}` },
    { file: join(folder, "cpu.cfs_quota_us"), value: `${quota ?? -1}` },
  ];
}

function setMemory(usageFile: string, file: string, value: number | "max"): void {
  const used = Number(readFileSync(usageFile, "utf8"));
  if (typeof value === "number" && value >= 0 && used > value)
    throw new TallshipError("runtime_failed", `set memory limit to ${value}: ${used} bytes are in use`);
  write({ file, value: `${value}` });
}

function write({ file, value }: Setting): void {
  try {
    writeFileSync(file, value);
  } catch (cause) {
    throw new TallshipError(
      "runtime_failed",
      `write ${value} to ${file}: ${cause instanceof Error ? cause.message : "refused"}`,
      { cause },
    );
  }
}
