import { TallshipError } from "../../../lib/errors.js";
import type { Launcher } from "../../launcher/launcher.js";
import type { Programs } from "./scripts.js";

/** What was chosen, and its name and version for people, such as crun://1.8.1. */
export interface FoundPrograms {
  readonly programs: Programs;
  readonly version: string;
}

/**
 * Chooses the runtime: crun, four times as fast, unless it is missing or refuses this host; then runc. `features` is what a runtime does
 * before anything else: a host that it cannot work on shows here.
 */
export async function findPrograms(launcher: Launcher, runDir: string): Promise<FoundPrograms> {
  const conmon = await pathOf(launcher, "conmon");
  if (conmon === undefined) throw new TallshipError("failed_precondition", "find conmon: it is not installed");
  const refusals: string[] = [];
  for (const name of ["crun", "runc"]) {
    const runtime = await pathOf(launcher, name);
    if (runtime === undefined) {
      refusals.push(`${name} is not installed`);
      continue;
    }
    const probe = await launcher.run(`${runtime} --root=${runDir}/probe list -q && ${runtime} --version`);
    const version = /version:?\s+(\S+)/.exec(probe.output)?.[1];
    if (probe.exitCode === 0 && version !== undefined)
      return { programs: { runtime, conmon }, version: `${name}://${version}` };
    refusals.push(`${name} refuses: ${probe.output.trim()}`);
  }
  throw new TallshipError("failed_precondition", `find a container runtime: ${refusals.join("; ")}`);
}

async function pathOf(launcher: Launcher, name: string): Promise<string | undefined> {
  const { exitCode, output } = await launcher.run(`command -v ${name}`);
  return exitCode === 0 ? output.trim() : undefined;
}
