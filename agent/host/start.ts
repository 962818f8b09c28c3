import type { HostConfig } from "../../lib/host-config.js";
import type { HostPaths } from "../../lib/host-paths.js";
import { type DaemonProgram, daemonsOf, startSupervisor, stopDaemons } from "./supervise.js";
import { hasSystemd, startUnits, stopUnits } from "./systemd.js";

/** Starts the host's daemons and keeps them running: by systemd where it runs, else by a supervisor in the background. Those that run are left alone. */
export async function startHost(host: HostConfig, paths: HostPaths, program: DaemonProgram): Promise<void> {
  if (hasSystemd()) await startUnits(daemonsOf(host, program));
  else startSupervisor(host, paths, program);
}

/** Stops the daemons. Containers, their network and etcd run on. */
export async function stopHost(host: HostConfig, paths: HostPaths, program: DaemonProgram): Promise<void> {
  if (hasSystemd()) await stopUnits(daemonsOf(host, program));
  else await stopDaemons(host, paths, program);
}
