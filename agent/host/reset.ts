import { type HostConfig, readHostConfig } from "../../lib/host-config.js";
import type { HostPaths } from "../../lib/host-paths.js";
import { stopHost } from "./start.js";
import type { DaemonProgram } from "./supervise.js";
import { wipeHost } from "./wipe.js";

/** What `reset` is asked to undo. */
export interface ResetPlan {
  readonly paths: HostPaths;
  readonly program: DaemonProgram;
  /** As the agent was given it. */
  readonly cgroupParent: string;
}

/** What came of it. */
export interface Reset {
  /** The host as it was; undefined when it was in no cluster. */
  readonly host: HostConfig | undefined;
  /** What could not be done, in words. */
  readonly problems: readonly string[];
}

/** Takes this host out of its cluster: stops its daemons, leaves etcd, and removes everything that Tallship made. Twice is once. */
export async function resetHost(
  { paths, program, cgroupParent }: ResetPlan,
  leaveEtcd: (host: HostConfig, paths: HostPaths) => Promise<string | undefined>,
): Promise<Reset> {
  const host = await readHostConfig(paths);
  if (host !== undefined) await stopHost(host, paths, program);
  const problem = host?.isControlPlane === true ? await leaveEtcd(host, paths) : undefined;
  const left = await wipeHost({ paths, cgroupParent });
  return { host, problems: problem === undefined ? left : [problem, ...left] };
}
