import { formatError } from "../../kinds/formats.js";
import { findOverlap } from "../../lib/cidr-overlap.js";
import { rfc3339 } from "../../lib/clock.js";
import { dropRemedy, KERNEL_NEEDS } from "../../net/host-needs.js";
import { cgroupMode, parseHierarchies } from "../cgroup/hierarchies.js";
import type { HostEvidence, Probe, Program } from "./host-evidence.js";

/** What a check found. A warning is no reason not to run. */
export interface Finding {
  readonly name: string;
  readonly state: "ok" | "warn" | "fail";
  /** What was seen. */
  readonly evidence: string;
  /** What to do; empty when all is well. */
  readonly remedy: string;
}

type Check = (evidence: HostEvidence) => readonly Finding[];

/** Every check of a host, in the order they are told. A new one is one line. */
const CHECKS = [
  root,
  node,
  hostName,
  runtime,
  programs,
  etcd,
  kernel,
  cgroups,
  disk,
  ports,
  routes,
  firewall,
  certificates,
  daemons,
  controlPlanes,
] as const satisfies readonly Check[];

/** Judges a host. Pure: the same evidence gives the same findings. */
export function judgeHost(evidence: HostEvidence): readonly Finding[] {
  return CHECKS.flatMap((check) => check(evidence));
}

function finding(name: string, isOk: boolean, evidence: string, remedy: string): Finding {
  return { name, state: isOk ? "ok" : "fail", evidence, remedy: isOk ? "" : remedy };
}

function root({ uid }: HostEvidence): readonly Finding[] {
  return [finding("root", uid === 0, `uid ${uid}`, "run tallshipd as root: namespaces, mounts and cgroups need it")];
}

function node({ nodeVersion }: HostEvidence): readonly Finding[] {
  const [major = 0, minor = 0] = nodeVersion.split(".").map(Number);
  const isNew = major > 20 || (major === 20 && minor >= 9);
  return [finding("node", isNew, `Node ${nodeVersion}`, "install Node 20.9 or newer")];
}

function hostName({ hostName: name, membership }: HostEvidence): readonly Finding[] {
  if (membership !== undefined) return [finding("name", true, `node ${membership.name}`, "")];
  const why = name === "localhost" ? "every host is called so" : formatError("dnsSubdomain", name.toLowerCase());
  const remedy = `${why}: set a host name of the host's own, or join with --name`;
  return [finding("name", why === undefined, `host name ${name}`, remedy)];
}

function runtime({ programs: { crun, runc } }: HostEvidence): readonly Finding[] {
  if (crun !== undefined) return [finding("runtime", true, crun, "")];
  if (runc === undefined) return [finding("runtime", false, "neither crun nor runc", install("crun"))];
  return [
    {
      name: "runtime",
      state: "warn",
      evidence: runc,
      remedy: `${install("crun")}: it starts containers four times as fast`,
    },
  ];
}

const PACKAGES: Readonly<Partial<Record<Program, string>>> = {
  nft: "nftables",
  ip: "iproute2",
  bridge: "iproute2",
  flock: "util-linux",
  setsid: "util-linux",
  etcd: "etcd-server",
  busybox: "busybox-static",
};

function install(program: Program): string {
  return `apt-get install ${PACKAGES[program] ?? program}`;
}

function programs({ programs: found, hasSystemd }: HostEvidence): readonly Finding[] {
  const wanted: readonly Program[] = [
    "conmon",
    "nft",
    "ip",
    "bridge",
    "conntrack",
    "socat",
    ...(hasSystemd ? [] : (["flock", "setsid"] as const)),
  ];
  const needed = wanted.map((name) =>
    finding(name, found[name] !== undefined, found[name] ?? "not installed", install(name)),
  );
  return [...needed, ...HELPERS.map(({ name, why }) => helper(name, why, found[name]))];
}

/** Programs that a host does without until somebody asks for what they do. */
const HELPERS = [
  { name: "buildah", why: "tsctl build has images built by it" },
  { name: "busybox", why: "hosts that announce addresses of services tell their link by its arping" },
  { name: "haproxy", why: "hosts that serve ingresses do it with HAProxy" },
  { name: "wg", why: "hosts with pods of encrypted networks make tunnels by it" },
  { name: "wireguard-go", why: "encrypted networks need it where the kernel has no WireGuard" },
] as const;

function helper(name: Program, why: string, evidence: string | undefined): Finding {
  if (evidence !== undefined) return finding(name, true, evidence, "");
  return { name, state: "warn", evidence: "not installed", remedy: `${install(name)}: ${why}` };
}

function etcd({ programs: found, membership }: HostEvidence): readonly Finding[] {
  if (found.etcd !== undefined) return [finding("etcd", true, found.etcd, "")];
  const isNeeded = membership?.isControlPlane === true;
  const remedy = `${install("etcd")}: control planes run their own, unless they are given --etcd-endpoints`;
  return [{ name: "etcd", state: isNeeded ? "fail" : "warn", evidence: "not installed", remedy }];
}

const PROBED: Readonly<Record<Probe, { readonly remedy: string; readonly isOptional?: boolean }>> = {
  ...KERNEL_NEEDS,
  overlay: { remedy: "containers need it: modprobe overlay, or a kernel with CONFIG_OVERLAY_FS" },
};

function kernel({ kernelRelease, probes }: HostEvidence): readonly Finding[] {
  return Object.entries(PROBED).map(([name, { remedy, isOptional = false }]) => {
    // The table's keys are the probes.
    const problem = probes[name as Probe];
    if (problem !== undefined && isOptional) return { name, state: "warn", evidence: problem, remedy };
    return finding(name, problem === undefined, problem ?? `works on ${kernelRelease}`, remedy);
  });
}

function cgroups({ mountInfo, unifiedControllers }: HostEvidence): readonly Finding[] {
  const hierarchies = parseHierarchies(mountInfo);
  const mode = cgroupMode(hierarchies);
  const present = mode === "v2" ? unifiedControllers : hierarchies.flatMap(({ controllers }) => controllers);
  const missing = ["cpu", "memory", "pids"].filter((controller) => !present.includes(controller));
  const evidence = missing.length === 0 ? `${mode}: ${present.join(" ")}` : `${mode}: ${missing.join(", ")} missing`;
  return [
    finding(
      "cgroups",
      missing.length === 0,
      evidence,
      "limits need these controllers: mount them, or boot without cgroup_disable=",
    ),
  ];
}

function disk({ dataDir, freeBytes }: HostEvidence): readonly Finding[] {
  const gib = freeBytes / 2 ** 30;
  const evidence = `${gib.toFixed(1)} GiB free at ${dataDir}`;
  if (gib >= 5) return [finding("disk", true, evidence, "")];
  return [
    {
      name: "disk",
      state: gib < 1 ? "fail" : "warn",
      evidence,
      remedy: "images, logs and etcd want 5 GiB or more: free some, or give --data-dir",
    },
  ];
}

function ports({ ports: wanted, membership }: HostEvidence): readonly Finding[] {
  if (membership !== undefined) return [];
  const taken = wanted.filter(({ isTaken }) => isTaken).map(({ port, what }) => `${port} (${what})`);
  const evidence =
    taken.length === 0 ? `${wanted.map(({ port }) => port).join(", ")} are free` : `taken: ${taken.join(", ")}`;
  return [
    finding("ports", taken.length === 0, evidence, "stop what listens there, or give other ports at init and join"),
  ];
}

function routes({ routes: held, membership, wantedRanges }: HostEvidence): readonly Finding[] {
  if (held.length === 0)
    return [finding("routes", false, "no routes", "the host has no network: other hosts cannot be reached")];
  if (membership !== undefined) return [];
  const overlap = findOverlap(wantedRanges, held);
  return [
    finding(
      "routes",
      overlap === undefined,
      overlap ?? `${held.length} routes, apart from ${wantedRanges.join(" and ")}`,
      "give init other ranges",
    ),
  ];
}

function firewall({ droppingChains }: HostEvidence): readonly Finding[] {
  if (droppingChains.length === 0) return [finding("firewall", true, "no chain drops by its policy", "")];
  return droppingChains.map((chain) => ({
    name: "firewall",
    state: "warn",
    evidence: `chain ${chain.name} of table ${chain.family} ${chain.table} drops what it does not name (${chain.hook})`,
    remedy: dropRemedy(chain),
  }));
}

function certificates({ membership, nowMs }: HostEvidence): readonly Finding[] {
  return (membership?.certificates ?? []).map(({ path, expiresAtMs }) =>
    finding(
      "certificate",
      nowMs < expiresAtMs,
      `${path} ${nowMs < expiresAtMs ? "is valid until" : "expired at"} ${rfc3339(expiresAtMs)}`,
      "the node was off for longer than its certificate lasts: run tallshipd join with a new token; its pods stay",
    ),
  );
}

function daemons({ membership }: HostEvidence): readonly Finding[] {
  return (membership?.daemons ?? []).map(({ name, pid }) =>
    finding(
      name,
      pid !== undefined,
      pid === undefined ? "does not run" : `runs as process ${pid}`,
      "run: tallshipd start",
    ),
  );
}

function controlPlanes({ membership }: HostEvidence): readonly Finding[] {
  const asked = membership?.controlPlanes ?? [];
  const hasAnswer = asked.some(({ problem }) => problem === undefined);
  return asked.map(({ address, problem }) => ({
    name: "control plane",
    state: problem === undefined ? "ok" : hasAnswer ? "warn" : "fail",
    evidence: problem ?? `${address} answers`,
    remedy: problem === undefined ? "" : "does it run there (tallshipd doctor), and is its port open from here?",
  }));
}
