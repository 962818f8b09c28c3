import { writeFileAtomic } from "../../lib/atomic-file.js";
import { TallshipError } from "../../lib/errors.js";
import { type HostConfig, readHostConfig, writeClusterConfig, writeHostConfig } from "../../lib/host-config.js";
import type { HostPaths } from "../../lib/host-paths.js";
import { systemClock } from "../../lib/system-clock.js";
import type { ControlPlaneSecrets } from "../../proto/gen/tallship/v1/session.js";
import { type Joined, joinCluster } from "./join-client.js";

/** What `join` is asked to make. */
export interface JoinPlan {
  readonly paths: HostPaths;
  /** The host as it is to be, but for whether it is a control plane: that is the token's to say. */
  readonly host: HostConfig;
  readonly token: string;
  /** Refuse what does not make this host a control plane. */
  readonly mustBeControlPlane: boolean;
}

/** Writes what only control planes hold; the control plane's own code. */
export type BecomeControlPlane = (admitted: {
  readonly paths: HostPaths;
  readonly host: HostConfig;
  readonly caPem: string;
  readonly secrets: ControlPlaneSecrets;
}) => Promise<void>;

/**
 * Joins a cluster and writes this host's files. Refuses a host that is in a cluster already. host.json, the mark of a host that has joined, is written
 * last: a join that broke off can be done again, with another token where the first was good for one use.
 */
export async function joinHost(plan: JoinPlan, becomeControlPlane: BecomeControlPlane): Promise<HostConfig> {
  const { paths, token } = plan;
  const held = await readHostConfig(paths);
  if (held !== undefined)
    throw new TallshipError(
      "already_exists",
      `join: this host is ${held.name} of a cluster already; to leave it, run: tallshipd reset`,
    );
  const joined = await joinCluster(
    { token, name: plan.host.name, addresses: [plan.host.advertiseAddress] },
    systemClock,
  );
  const { role, controlPlane, ca, config } = joined.response;
  const host = { ...plan.host, isControlPlane: role === "control-plane" };
  checkRole(role, plan.mustBeControlPlane);
  if (controlPlane === undefined) await writeNodeFiles(paths, joined);
  else await becomeControlPlane({ paths, host, caPem: ca.toString(), secrets: controlPlane });
  if (config !== undefined) await writeClusterConfig(paths, config);
  await writeHostConfig(paths, host);
  return host;
}

function checkRole(role: string, mustBeControlPlane: boolean): void {
  if (role !== "node" && role !== "control-plane")
    throw new TallshipError(
      "invalid_argument",
      `join: the token is for role ${role}; for a certificate alone, run: tallshipd certificate`,
    );
  if (mustBeControlPlane && role !== "control-plane")
    throw new TallshipError(
      "invalid_argument",
      "join: the token is for workers; make one with: tsctl token create --role control-plane",
    );
}

async function writeNodeFiles(paths: HostPaths, { response, keyPem }: Joined): Promise<void> {
  await writeFileAtomic(paths.ca, response.ca, 0o644);
  await writeFileAtomic(paths.nodeKey, keyPem, 0o600);
  await writeFileAtomic(paths.nodeCertificate, response.certificate, 0o644);
}
