// Edge: the files of a control plane whose host has another address, and a call to the other etcd members.
import { homedir } from "node:os";
import { join } from "node:path";
import { readFileIfPresent, writeFileAtomic } from "../../lib/atomic-file.js";
import { asTallshipError, TallshipError } from "../../lib/errors.js";
import { type HostConfig, readClusterConfig, writeClusterConfig, writeHostConfig } from "../../lib/host-config.js";
import type { HostPaths } from "../../lib/host-paths.js";
import { hostPort } from "../../lib/host-port.js";
import { silentLog } from "../../lib/log.js";
import { systemClock } from "../../lib/system-clock.js";
import { systemRng } from "../../lib/system-rng.js";
import { ClusterAuthority } from "../ca/cluster-authority.js";
import { clientCredentials } from "../etcd/credentials.js";
import { memberPaths, readAuthority, readRecord, writeRecord } from "../etcd/member-files.js";
import { peerUrl } from "../etcd/member-plan.js";
import { listMembers, updatePeerUrl } from "../etcd/members.js";
import { EtcdConnection } from "../store/etcd-connection.js";
import { writeNodePair } from "./init.js";
import { withAddress } from "./with-address.js";

/**
 * Makes a control plane that is stopped one of another address: etcd's other members, its certificates and all files that name the old one. Twice is once; what
 * broke off is done again. Throws unavailable, with nothing changed here, when the other members have no majority without this one.
 */
export async function readdressControlPlane(host: HostConfig, paths: HostPaths, address: string): Promise<HostConfig> {
  if (host.outsideEtcd === undefined) await moveMember(host, paths, address);
  const moved = { ...host, advertiseAddress: address };
  const [certificate, key] = await Promise.all([readFileIfPresent(paths.ca), readFileIfPresent(paths.caKey)]);
  if (certificate === undefined || key === undefined)
    throw new TallshipError("failed_precondition", `readdress: ${paths.ca} or ${paths.caKey} is missing`);
  const keys = { certificatePem: certificate.toString(), keyPem: key.toString() };
  await writeNodePair(paths, new ClusterAuthority(keys, { clock: systemClock, rng: systemRng }), moved);
  const [before, after] = [host, moved].map((each) => hostPort(each.advertiseAddress, each.ports.api));
  for (const path of [paths.adminContext, join(homedir(), ".tallship", "config")])
    await replaceIn(path, before ?? "", after ?? "");
  await knowControlPlane(paths, after ?? "", before);
  // Last: as long as it is the old one, the command begins anew.
  await writeHostConfig(paths, moved);
  return moved;
}

/** Lets this host look for a control plane at an address, before all others that it knows; `instead` is none any more. */
export async function knowControlPlane(paths: HostPaths, address: string, instead?: string): Promise<void> {
  const cluster = await readClusterConfig(paths);
  if (cluster === undefined) throw new TallshipError("failed_precondition", `readdress: ${paths.cluster} is missing`);
  const others = cluster.controlPlaneAddresses.filter((each) => each !== instead && each !== address);
  await writeClusterConfig(paths, { ...cluster, controlPlaneAddresses: [address, ...others] });
}

/** Tells the other members where this one is reached from now on. A member that is alone listens on loopback: nobody needs to know. */
async function moveMember(host: HostConfig, paths: HostPaths, address: string): Promise<void> {
  const member = memberPaths(paths.etcd);
  const [authority, record] = await Promise.all([readAuthority(member), readRecord(member)]);
  if (authority === undefined || record === undefined || record.address === undefined) return;
  if (record.otherEndpoints.length > 0) {
    const tls = clientCredentials(authority, record.name, { clock: systemClock, rng: systemRng });
    const connection = new EtcdConnection({ tls, endpoints: () => record.otherEndpoints }, systemClock, silentLog);
    try {
      const own = (await listMembers(connection)).find(({ name }) => name === record.name);
      if (own !== undefined)
        await updatePeerUrl(connection, own.id, peerUrl({ address, peerPort: host.ports.etcdPeer }));
    } catch (cause) {
      const { code, message } = asTallshipError(cause);
      const where = record.otherEndpoints.join(", ");
      throw new TallshipError(code, `readdress: tell etcd's other members (${where}) of ${address}: ${message}`, {
        cause,
      });
    } finally {
      connection.close();
    }
  }
  await writeRecord(member, { ...record, address });
}

async function replaceIn(path: string, before: string, after: string): Promise<void> {
  const text = (await readFileIfPresent(path))?.toString() ?? "";
  const moved = withAddress(text, before, after);
  if (moved !== text) await writeFileAtomic(path, moved, 0o600);
}
