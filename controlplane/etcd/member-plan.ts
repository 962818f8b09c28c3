import { hostPort } from "../../lib/host-port.js";
/** Where a member of the embedded etcd keeps its things and how it is reached. */
export interface MemberPlan {
  /** Unique in the cluster. */
  readonly name: string;
  /** etcd's own directory. */
  readonly dataDir: string;
  readonly clientPort: number;
  readonly peerPort: number;
  /** The host's address, for the other members. Absent: there are none, and only loopback is listened on. */
  readonly address?: string;
  /** For a member that joins: every member as name=url, itself included. Counts only until the data directory exists. */
  readonly initialCluster?: string;
  /** Paths of PEM files: the CA, and the certificate with its key, which serves clients and peers alike. */
  readonly tls: { readonly ca: string; readonly pair: string };
}

/** A version of etcd. */
export interface EtcdVersion {
  readonly major: number;
  readonly minor: number;
  readonly patch: number;
}

/** Reads what `etcd --version` prints; undefined when it is something else. */
export function parseVersion(text: string): EtcdVersion | undefined {
  const [, major, minor, patch] = /^etcd Version: (\d+)\.(\d+)\.(\d+)/m.exec(text) ?? [];
  return major === undefined ? undefined : { major: Number(major), minor: Number(minor), patch: Number(patch) };
}

/** Whether a version is this one or a later one. */
export function isAtLeast(version: EtcdVersion, major: number, minor: number, patch = 0): boolean {
  const order = [version.major - major, version.minor - minor, version.patch - patch].find((step) => step !== 0);
  return (order ?? 0) >= 0;
}

/** URL under which the other members reach this one. */
export function peerUrl(plan: Pick<MemberPlan, "address" | "peerPort">): string {
  return `https://${hostPort(plan.address ?? "127.0.0.1", plan.peerPort)}`;
}

/**
 * etcd's command line. The same plan and version give the same arguments, so that a running etcd can be told from one that must be
 * replaced. Retention is far longer than any watch is behind: etcd 3.4 loses changes of watches near a compaction.
 */
export function etcdArguments(plan: MemberPlan, version: EtcdVersion, quotaBytes: number): readonly string[] {
  const { name, dataDir, address, clientPort, tls } = plan;
  const hosts = address === undefined ? ["127.0.0.1"] : ["127.0.0.1", address];
  const client = hosts.map((host) => `https://${hostPort(host, clientPort)}`);
  const peer = peerUrl(plan);
  const flags: Readonly<Record<string, string>> = {
    name,
    "data-dir": dataDir,
    "listen-client-urls": client.join(","),
    "advertise-client-urls": client.at(-1) ?? "",
    "listen-peer-urls": peer,
    "initial-advertise-peer-urls": peer,
    "initial-cluster": plan.initialCluster ?? `${name}=${peer}`,
    "initial-cluster-state": plan.initialCluster === undefined ? "new" : "existing",
    "initial-cluster-token": "tallship",
    "cert-file": tls.pair,
    "key-file": tls.pair,
    "trusted-ca-file": tls.ca,
    "client-cert-auth": "true",
    "peer-cert-file": tls.pair,
    "peer-key-file": tls.pair,
    "peer-trusted-ca-file": tls.ca,
    "peer-client-cert-auth": "true",
    "auto-compaction-mode": "periodic",
    "auto-compaction-retention": "5m",
    "quota-backend-bytes": String(quotaBytes),
    "snapshot-count": "10000",
    "strict-reconfig-check": "true",
    // A member that is alone waits this long after a restart before it leads itself.
    "election-timeout": address === undefined ? "500" : "1000",
    // A member that was cut off does not depose the leader when it returns. The default from 3.5 on.
    "pre-vote": "true",
    logger: "zap",
    "log-level": "warn",
    ...flagsOf(version),
  };
  return Object.entries(flags).map(([flag, value]) => `--${flag}=${value}`);
}

/** Flags that not every version knows, and those that have changed their names. */
function flagsOf(version: EtcdVersion): Readonly<Record<string, string>> {
  const hasTlsMinimum = isAtLeast(version, 3, 5, 10) || (version.minor === 4 && version.patch >= 28);
  return {
    ...(hasTlsMinimum ? { "tls-min-version": "TLS1.3" } : {}),
    ...(isAtLeast(version, 3, 6)
      ? { "feature-gates": "InitialCorruptCheck=true" }
      : { "experimental-initial-corrupt-check": "true" }),
  };
}
