import { readFileIfPresent, writeFileAtomic } from "../../lib/atomic-file.js";
import { TallshipError } from "../../lib/errors.js";
import { type HostConfig, readHostConfig, writeClusterConfig, writeHostConfig } from "../../lib/host-config.js";
import type { HostPaths } from "../../lib/host-paths.js";
import { parseJoinToken } from "../../lib/pki/join-token.js";
import { readCertificate } from "../../lib/pki/read.js";
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
 * Joins a cluster and writes this host's files. host.json, the mark of a host that has joined, is written last: a join that broke off can be done
 * again, with another token where the first was good for one use. A worker that is in the token's cluster already gets a new certificate and nothing else; a host
 * of another cluster is refused.
 */
export async function joinHost(plan: JoinPlan, becomeControlPlane: BecomeControlPlane): Promise<HostConfig> {
  const { paths, token } = plan;
  const held = await readHostConfig(paths);
  if (held !== undefined) return renewMembership(plan, held);
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

/** For a worker that was off for longer than its certificate lasts. Its key stays: what is sealed by it can be read on. */
async function renewMembership({ paths, token }: JoinPlan, held: HostConfig): Promise<HostConfig> {
  const read = async (path: string): Promise<string> => (await readFileIfPresent(path))?.toString() ?? "";
  const caPem = await read(paths.ca);
  const isOurs = caPem !== "" && readCertificate(caPem).pin === parseJoinToken(token).pin;
  if (!isOurs || held.isControlPlane)
    throw new TallshipError(
      "already_exists",
      `join: this host is ${held.name} of a cluster already; to leave it, run: tallshipd reset`,
    );
  const previous = { certificatePem: await read(paths.nodeCertificate), keyPem: await read(paths.nodeKey) };
  const joiner = { token, name: held.name, addresses: [held.advertiseAddress], previous };
  const { response } = await joinCluster(joiner, systemClock);
  checkRole(response.role, false);
  await writeFileAtomic(paths.nodeCertificate, response.certificate, 0o644);
  return held;
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
