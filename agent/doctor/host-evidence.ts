import type { HostRoute } from "../../lib/host-routes.js";
import type { DroppingChain, KernelNeedName } from "../../net/host-needs.js";

/** Programs a host needs; etcd on control planes alone, one of the two runtimes. */
export const PROGRAMS = [
  "crun",
  "buildah",
  "runc",
  "conmon",
  "nft",
  "ip",
  "bridge",
  "conntrack",
  "busybox",
  "haproxy",
  "wg",
  "wireguard-go",
  "socat",
  "flock",
  "setsid",
  "etcd",
] as const;

/** A program that a host needs. */
export type Program = (typeof PROGRAMS)[number];

/** A thing of the kernel that is tried in a network namespace of the check's own. */
export type Probe = KernelNeedName | "overlay";

/** One certificate on the host. */
export interface CertificateEvidence {
  readonly path: string;
  readonly expiresAtMs: number;
}

/** What was found on a host, before anybody judges it. */
export interface HostEvidence {
  readonly nowMs: number;
  readonly uid: number;
  readonly nodeVersion: string;
  readonly kernelRelease: string;
  readonly hostName: string;
  /** What a program says of its version; undefined when it is missing. */
  readonly programs: Readonly<Record<Program, string | undefined>>;
  /** What went wrong; undefined when it works. */
  readonly probes: Readonly<Record<Probe, string | undefined>>;
  /** Chains of other tables that may lose pods' packets. */
  readonly droppingChains: readonly DroppingChain[];
  /** /proc/self/mountinfo. */
  readonly mountInfo: string;
  /** Controllers of the unified hierarchy's root; empty without one. */
  readonly unifiedControllers: readonly string[];
  readonly dataDir: string;
  readonly freeBytes: number;
  readonly routes: readonly HostRoute[];
  /** Ranges that a cluster made here would take. */
  readonly wantedRanges: readonly string[];
  /** TCP ports that Tallship's daemons want here, and who listens on them now. */
  readonly ports: readonly { readonly port: number; readonly what: string; readonly isTaken: boolean }[];
  readonly hasSystemd: boolean;
  /** Present on a host that is in a cluster. */
  readonly membership:
    | {
        readonly name: string;
        readonly isControlPlane: boolean;
        readonly certificates: readonly CertificateEvidence[];
        /** Daemons that should run, and the process that does. */
        readonly daemons: readonly { readonly name: string; readonly pid: number | undefined }[];
        /** What came of asking each control plane, as this node: undefined when it answered. */
        readonly controlPlanes: readonly { readonly address: string; readonly problem: string | undefined }[];
      }
    | undefined;
}
