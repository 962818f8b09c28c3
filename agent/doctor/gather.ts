// Edge: the host that is checked.
import { execFile } from "node:child_process";
import { readFile, statfs } from "node:fs/promises";
import { createServer } from "node:net";
import { hostname, release } from "node:os";
import { dirname } from "node:path";
import { readFileIfPresent } from "../../lib/atomic-file.js";
import type { Clock } from "../../lib/clock.js";
import { asTallshipError } from "../../lib/errors.js";
import { DEFAULT_PORTS, type HostConfig, readClusterConfig, readHostConfig } from "../../lib/host-config.js";
import type { HostPaths } from "../../lib/host-paths.js";
import { readRoutes } from "../../lib/host-routes.js";
import { DEFAULTS, limit } from "../../lib/limits.js";
import { readCertificate } from "../../lib/pki/read.js";
import { mutableCredentials } from "../../lib/transport/credentials.js";
import { droppingChains, KERNEL_NEEDS } from "../../net/host-needs.js";
import { ClusterDefinition, InfoRequest } from "../../proto/gen/tallship/v1/api.js";
import { daemonNames, pidOfDaemon } from "../host/supervise.js";
import { hasSystemd } from "../host/systemd.js";
import type { HostEvidence, Probe, Program } from "./host-evidence.js";

/** How each program tells its version. */
const VERSIONS: Readonly<Record<Program, readonly string[]>> = {
  crun: ["--version"],
  buildah: ["--version"],
  runc: ["--version"],
  conmon: ["--version"],
  nft: ["--version"],
  ip: ["-V"],
  bridge: ["-V"],
  conntrack: ["--version"],
  busybox: ["--help"],
  haproxy: ["-v"],
  wg: ["--version"],
  "wireguard-go": ["--version"],
  socat: ["-V"],
  flock: ["--version"],
  setsid: ["--version"],
  etcd: ["--version"],
};

/** What is tried for each probe, in a network and a mount namespace that end with it. */
const PROBE_SCRIPTS: Readonly<Record<Probe, string>> = {
  vxlan: KERNEL_NEEDS.vxlan.script,
  veth: KERNEL_NEEDS.veth.script,
  nftables: KERNEL_NEEDS.nftables.script,
  ipv6: KERNEL_NEEDS.ipv6.script,
  sctp: KERNEL_NEEDS.sctp.script,
  shortcut: KERNEL_NEEDS.shortcut.script,
  overlay:
    "mount -t tmpfs tmpfs /tmp && mkdir /tmp/l /tmp/u /tmp/w /tmp/m && mount -t overlay overlay -o lowerdir=/tmp/l,upperdir=/tmp/u,workdir=/tmp/w /tmp/m",
};

/** Looks at everything a judge needs; changes nothing on the host. */
export async function gatherEvidence(paths: HostPaths, clock: Clock): Promise<HostEvidence> {
  const host = await readHostConfig(paths);
  const [programs, probes, ports, mountInfo, freeBytes] = await Promise.all([
    mapTable(VERSIONS, versionOf),
    mapTable(PROBE_SCRIPTS, probe),
    Promise.all(portsOf(host).map(async ([port, what]) => ({ port, what, isTaken: await isPortTaken(port) }))),
    readFile("/proc/self/mountinfo", "utf8"),
    freeBytesAt(paths.dataDir),
  ]);
  return {
    nowMs: clock.nowMs(),
    uid: process.getuid?.() ?? -1,
    nodeVersion: process.versions.node,
    kernelRelease: release(),
    hostName: hostname(),
    programs,
    probes,
    droppingChains: droppingChains((await run("nft", ["-j", "list", "chains"])).output),
    mountInfo,
    unifiedControllers: await unifiedControllers(),
    dataDir: paths.dataDir,
    freeBytes,
    routes: readRoutes(),
    wantedRanges: [DEFAULTS.podCIDR, DEFAULTS.serviceCIDR],
    ports,
    hasSystemd: hasSystemd(),
    membership: host === undefined ? undefined : await membershipOf(host, paths, clock),
  };
}

async function mapTable<K extends string, V, R>(
  table: Readonly<Record<K, V>>,
  look: (key: K, value: V) => Promise<R>,
): Promise<Record<K, R>> {
  const keys = Object.keys(table) as K[]; // The table's own keys.
  const rows = await Promise.all(keys.map(async (key) => [key, await look(key, table[key])] as const));
  // One row for each key.
  return Object.fromEntries(rows) as Record<K, R>;
}

interface Outcome {
  readonly isOk: boolean;
  readonly output: string;
}

function run(program: string, args: readonly string[]): Promise<Outcome> {
  return new Promise((resolve) => {
    execFile(program, [...args], { timeout: limit("handshakeMs"), encoding: "utf8" }, (error, stdout, stderr) => {
      resolve({ isOk: error === null, output: (error === null ? stdout || stderr : stderr || error.message).trim() });
    });
  });
}

async function versionOf(program: Program, args: readonly string[]): Promise<string | undefined> {
  const { isOk, output } = await run(program, args);
  return isOk ? output.split("\n")[0] : undefined;
}

async function probe(_name: Probe, script: string): Promise<string | undefined> {
  const { isOk, output } = await run("unshare", ["--net", "--mount", "--propagation", "private", "sh", "-c", script]);
  return isOk ? undefined : (output.split("\n")[0] ?? "failed");
}

function portsOf(host: HostConfig | undefined): readonly (readonly [number, string])[] {
  const { api, join, web, node, probe, etcdClient, etcdPeer } = host?.ports ?? DEFAULT_PORTS;
  return [
    [api, "API"],
    [join, "join"],
    [web, "metrics"],
    [node, "node"],
    [probe, "probes"],
    [etcdClient, "etcd"],
    [etcdPeer, "etcd peers"],
  ];
}

/** True when somebody listens on the TCP port, on whichever address. */
export function isPortTaken(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(true));
    server.listen(port, () => server.close(() => resolve(false)));
  });
}

/** Room below the folder, or below the first folder above it that exists. */
async function freeBytesAt(folder: string): Promise<number> {
  try {
    const { bavail, bsize } = await statfs(folder);
    return bavail * bsize;
  } catch {
    return folder === "/" ? 0 : freeBytesAt(dirname(folder));
  }
}

async function unifiedControllers(): Promise<readonly string[]> {
  const text = (await readFileIfPresent("/sys/fs/cgroup/cgroup.controllers"))?.toString() ?? "";
  return text.split(/\s+/).filter((word) => word !== "");
}

async function membershipOf(host: HostConfig, paths: HostPaths, clock: Clock): Promise<HostEvidence["membership"]> {
  const cluster = await readClusterConfig(paths);
  const found = await Promise.all(
    [paths.ca, paths.nodeCertificate].map(async (path) => ({ path, pem: await readFileIfPresent(path) })),
  );
  return {
    name: host.name,
    isControlPlane: host.isControlPlane,
    certificates: found.flatMap(({ path, pem }) =>
      pem === undefined ? [] : [{ path, expiresAtMs: readCertificate(pem).notAfterMs }],
    ),
    daemons: daemonNames(host).map((name) => ({ name, pid: pidOfDaemon(paths, name) })),
    controlPlanes: await Promise.all(
      (cluster?.controlPlaneAddresses ?? []).map(async (address) => ({
        address,
        problem: await ask(address, paths, clock),
      })),
    ),
  };
}

/** Asks a control plane, as this node. */
async function ask(address: string, paths: HostPaths, clock: Clock): Promise<string | undefined> {
  try {
    const { grpcDialer } = await import("../../lib/transport/grpc-dialer.js");
    const [caPem, certificatePem, keyPem] = await Promise.all(
      [paths.ca, paths.nodeCertificate, paths.nodeKey].map((path) => readFile(path, "utf8")),
    );
    const credentials = mutableCredentials({
      caPem: caPem ?? "",
      pair: { certificatePem: certificatePem ?? "", keyPem: keyPem ?? "" },
    });
    const channel = grpcDialer({ credentials, serverRole: "control-plane", clock }).dial(address);
    try {
      await channel.client(ClusterDefinition).info(InfoRequest.fromPartial({}), { deadlineMs: limit("dialMs") });
      return undefined;
    } finally {
      channel.close();
    }
  } catch (error) {
    return asTallshipError(error).message;
  }
}
