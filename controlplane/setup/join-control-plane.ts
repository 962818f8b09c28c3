// Edge: the files of a control plane that joins.
import { writeFileAtomic } from "../../lib/atomic-file.js";
import type { Clock } from "../../lib/clock.js";
import { TallshipError } from "../../lib/errors.js";
import type { HostConfig } from "../../lib/host-config.js";
import type { HostPaths } from "../../lib/host-paths.js";
import type { Rng } from "../../lib/rng.js";
import { systemClock } from "../../lib/system-clock.js";
import { systemRng } from "../../lib/system-rng.js";
import type { ControlPlaneSecrets } from "../../proto/gen/tallship/v1/session.js";
import { ClusterAuthority } from "../ca/cluster-authority.js";
import { joinMember } from "../etcd/embedded-etcd.js";
import { writeAdminContext, writeNodePair } from "./init.js";

/** What a control plane was given when it joined. */
export interface Admitted {
  readonly paths: HostPaths;
  readonly host: HostConfig;
  /** The cluster's authority, PEM. */
  readonly caPem: string;
  readonly secrets: ControlPlaneSecrets;
}

/** Writes what only control planes hold, and the node certificate, which this host signs for itself. Twice is once. */
export async function becomeControlPlane(
  { paths, host, caPem, secrets }: Admitted,
  deps: { readonly clock: Clock; readonly rng: Rng } = { clock: systemClock, rng: systemRng },
): Promise<void> {
  const isOutside = secrets.etcdMemberName === "";
  if (isOutside && host.outsideEtcd === undefined)
    throw new TallshipError(
      "invalid_argument",
      `join: the cluster keeps its state in an outside etcd (${secrets.etcdEndpoints.join(",")}): give --etcd-endpoints and its certificates`,
    );
  const authority = new ClusterAuthority({ certificatePem: caPem, keyPem: secrets.caKey.toString() }, deps);
  await writeFileAtomic(paths.ca, caPem, 0o644);
  await writeFileAtomic(paths.caKey, secrets.caKey, 0o600);
  await writeFileAtomic(paths.sealKey, secrets.sealKey, 0o600);
  await writeNodePair(paths, authority, host);
  await writeAdminContext(paths, authority, host);
  if (isOutside) return;
  const admission = {
    authority: { certificatePem: secrets.etcdCa.toString(), keyPem: secrets.etcdCaKey.toString() },
    initialCluster: secrets.etcdInitialCluster,
    endpoints: secrets.etcdEndpoints,
  };
  await joinMember(paths.etcd, { name: secrets.etcdMemberName, address: host.advertiseAddress, admission });
}
