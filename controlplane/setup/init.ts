// Edge: the files of a control plane, made once.
import { homedir } from "node:os";
import { join } from "node:path";
import { readFileIfPresent, writeFileAtomic } from "../../lib/atomic-file.js";
import { findOverlap } from "../../lib/cidr-overlap.js";
import type { Clock } from "../../lib/clock.js";
import { formatContextFile } from "../../lib/context-file.js";
import { TallshipError } from "../../lib/errors.js";
import {
  type HostConfig,
  readClusterConfig,
  readHostConfig,
  writeClusterConfig,
  writeHostConfig,
} from "../../lib/host-config.js";
import type { HostPaths } from "../../lib/host-paths.js";
import { hostPort } from "../../lib/host-port.js";
import type { HostRoute } from "../../lib/host-routes.js";
import { limit } from "../../lib/limits.js";
import type { Log } from "../../lib/log.js";
import { createAuthority } from "../../lib/pki/issue.js";
import { createKey } from "../../lib/pki/keys.js";
import { createRequest } from "../../lib/pki/request.js";
import type { Rng } from "../../lib/rng.js";
import { renewAtMs } from "../../lib/transport/renewal.js";
import type { ClusterConfig } from "../../proto/gen/tallship/v1/session.js";
import { ClusterAuthority } from "../ca/cluster-authority.js";
import { createMember } from "../etcd/embedded-etcd.js";

/** What `init` is asked to make. */
export interface InitPlan {
  readonly paths: HostPaths;
  readonly host: HostConfig;
  readonly cluster: ClusterConfig;
  /** The host's routes, which the cluster's ranges must not overlap. */
  readonly routes: readonly HostRoute[];
}

interface Deps {
  readonly clock: Clock;
  readonly rng: Rng;
  readonly log: Log;
}

/**
 * Makes a new cluster's files on its first host: authority, seal key, etcd member, node certificate, administrator's context. Returns false and changes nothing when
 * the very cluster asked for is here already; refuses when another is. The marker of a finished init, host.json, is written last: an init that broke off is
 * done again.
 */
export async function initCluster(plan: InitPlan, deps: Deps): Promise<boolean> {
  const { paths, host, cluster, routes } = plan;
  const held = await readHostConfig(paths);
  if (held !== undefined) {
    refuseOther(plan, held, await readClusterConfig(paths));
    return false;
  }
  const overlap = findOverlap(rangesOf(cluster), routes);
  if (overlap !== undefined) throw new TallshipError("failed_precondition", `init: ${overlap}`);
  const authority = new ClusterAuthority(
    createAuthority({ name: "tallship", nowMs: deps.clock.nowMs(), lifeMs: limit("authorityMs") }, deps.rng),
    deps,
  );
  await writeFileAtomic(paths.caKey, authority.keyPem, 0o600);
  await writeFileAtomic(paths.ca, authority.certificatePem, 0o644);
  await writeFileAtomic(paths.sealKey, deps.rng.bytes(32), 0o600);
  if (host.outsideEtcd === undefined) await createMember(paths.etcd, host.name, deps);
  await writeNodePair(paths, authority, host);
  await writeAdminContext(paths, authority, host);
  await writeClusterConfig(paths, cluster);
  await writeHostConfig(paths, host);
  return true;
}

/** Signs the node certificate of a host that holds the authority's key. A node key that is there is kept: what is sealed by it can be read on. */
export async function writeNodePair(paths: HostPaths, authority: ClusterAuthority, host: HostConfig): Promise<void> {
  const held = (await readFileIfPresent(paths.nodeKey))?.toString();
  const keyPem = held ?? createKey();
  if (held === undefined) await writeFileAtomic(paths.nodeKey, keyPem, 0o600);
  const applicant = { name: host.name, role: "node", addresses: [host.advertiseAddress] } as const;
  await writeFileAtomic(paths.nodeCertificate, authority.sign(createRequest(keyPem, host.name), applicant), 0o644);
}

/** Signs it anew when two thirds of its life are over, as after a long time off: the agent of this host takes it up. */
export async function refreshNodePair(
  paths: HostPaths,
  authority: ClusterAuthority,
  host: HostConfig,
  nowMs: number,
): Promise<void> {
  const held = await readFileIfPresent(paths.nodeCertificate);
  if (held === undefined || nowMs >= renewAtMs(held.toString())) await writeNodePair(paths, authority, host);
}

/** Writes a context file with an administrator's certificate that this host signs; root's own too, unless there is one. */
export async function writeAdminContext(
  paths: HostPaths,
  authority: ClusterAuthority,
  host: HostConfig,
): Promise<void> {
  const admin = authority.issue({ name: "admin", role: "admin", addresses: [] });
  const context = {
    name: "tallship",
    servers: [hostPort(host.advertiseAddress, host.ports.api)],
    ca: authority.certificatePem,
    cert: admin.certificatePem,
    key: admin.keyPem,
  };
  const text = formatContextFile({ current: "tallship", contexts: [context] });
  await writeFileAtomic(paths.adminContext, text, 0o600);
  const personal = join(homedir(), ".tallship", "config");
  // A file that is there may hold other clusters' contexts: it is the user's.
  if ((await readFileIfPresent(personal)) === undefined) await writeFileAtomic(personal, text, 0o600);
}

function rangesOf({ podCIDR, serviceCIDR, podCIDRIPv6, serviceCIDRIPv6 }: ClusterConfig): readonly string[] {
  return [podCIDR, serviceCIDR, podCIDRIPv6, serviceCIDRIPv6].filter((range) => range !== "");
}

/** Doing init again must not change anything that the first one decided. */
function refuseOther(
  { paths, host, cluster }: InitPlan,
  held: HostConfig,
  heldCluster: ClusterConfig | undefined,
): void {
  const pairs: readonly (readonly [string, unknown, unknown])[] = [
    ["a control plane", true, held.isControlPlane],
    ["name", host.name, held.name],
    ["advertise address", host.advertiseAddress, held.advertiseAddress],
    ["ports", JSON.stringify(host.ports), JSON.stringify(held.ports)],
    ["pod range", cluster.podCIDR, heldCluster?.podCIDR],
    ["service range", cluster.serviceCIDR, heldCluster?.serviceCIDR],
    ["pod range of IPv6", cluster.podCIDRIPv6, heldCluster?.podCIDRIPv6],
    ["service range of IPv6", cluster.serviceCIDRIPv6, heldCluster?.serviceCIDRIPv6],
    ["cluster domain", cluster.clusterDomain, heldCluster?.clusterDomain],
  ];
  const differing = pairs.find(([, wanted, known]) => wanted !== known);
  if (differing === undefined) return;
  const [what, wanted, known] = differing;
  throw new TallshipError(
    "already_exists",
    `init: ${paths.configDir} holds a cluster already, whose ${what} is ${known}, not ${wanted}; to begin anew, run: tallshipd reset`,
  );
}
