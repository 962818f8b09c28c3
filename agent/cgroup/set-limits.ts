// Edge: the control group file systems.
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { TallshipError } from "../../lib/errors.js";
import type { Hierarchy } from "./hierarchies.js";
import { type CgroupLimits, limitPlanV1, limitPlanV2, type Setting } from "./limit-plan.js";

/**
 * Changes the limits of a group whose processes go on, in whichever version has the controllers. A limit that is less than what is in use is refused before anything is written: version 2
 * would kill the processes for it. Doing it twice equals doing it once, also when the first was broken off.
 */
export function setLimits(hierarchies: readonly Hierarchy[], path: string, limits: CgroupLimits): void {
  const v1 = (controller: Setting["controller"]): string | undefined => {
    const found = hierarchies.find(({ controllers }) => controllers.includes(controller));
    return found === undefined ? undefined : join(found.mountPoint, path);
  };
  const unified = hierarchies.find(({ version }) => version === 2);
  const memory = v1("memory");
  if (memory === undefined && unified !== undefined) {
    const folder = join(unified.mountPoint, path);
    refuseLess(join(folder, "memory.current"), limits);
    const countsSwap = existsSync(join(folder, "memory.swap.max"));
    for (const setting of limitPlanV2(limits, { countsSwap })) write(folder, setting);
    return;
  }
  if (memory !== undefined) refuseLess(join(memory, "memory.usage_in_bytes"), limits);
  const now = {
    limitBytes: memory === undefined ? 0 : Number(readFileSync(join(memory, "memory.limit_in_bytes"), "utf8")),
    countsSwap: memory !== undefined && existsSync(join(memory, "memory.memsw.limit_in_bytes")),
  };
  for (const setting of limitPlanV1(limits, now)) {
    const folder = v1(setting.controller);
    if (folder !== undefined) write(folder, setting);
  }
}

function refuseLess(usageFile: string, { memory }: CgroupLimits): void {
  const used = Number(readFileSync(usageFile, "utf8"));
  if (memory === undefined || used <= memory.limit) return;
  throw new TallshipError("runtime_failed", `set memory limit to ${memory.limit}: ${used} bytes are in use`);
}

function write(folder: string, { file, value }: Setting): void {
  const path = join(folder, file);
  try {
    writeFileSync(path, value);
  } catch (cause) {
    throw new TallshipError(
      "runtime_failed",
      `write ${value} to ${path}: ${cause instanceof Error ? cause.message : "refused"}`,
      { cause },
    );
  }
}
