// Edge: reads what the host is.
import { readdirSync, readFileSync, statfsSync } from "node:fs";
import { availableParallelism, hostname, networkInterfaces, release, totalmem } from "node:os";
import { VERSION } from "../../lib/build-info.js";
import type { Clock } from "../../lib/clock.js";
import { readText } from "../../lib/read-text.js";
import { capabilityNames } from "../oci/capabilities.js";
import { type HardLimits, parseHardLimits } from "../oci/rlimits.js";
import { localVolumesFolder } from "../volume/lasting.js";
import type { HostFacts, HostUsage } from "./host-facts.js";
import { globalIpv6 } from "./if-inet6.js";
import { hugepagesOf } from "./limits-condition.js";

/** What the configuration says of the host, and what was found out before. */
export interface HostIdentity
  extends Pick<
    HostFacts,
    | "nodeName"
    | "nodeIP"
    | "hostIPv4"
    | "nodeIPv6"
    | "hostIPv6"
    | "nodePort"
    | "internalPorts"
    | "probePort"
    | "isControlPlane"
  > {
  readonly dataDir: string;
  /** Such as crun://1.8.1. */
  readonly runtimeVersion: string;
}

const ARCHITECTURES: Readonly<Record<string, string>> = { x64: "amd64", arm64: "arm64", riscv64: "riscv64" };

/** Reads what does not change while the agent runs. */
export function readHostFacts({ dataDir, runtimeVersion, ...identity }: HostIdentity): HostFacts {
  const disk = statfsSync(dataDir);
  return {
    ...identity,
    hostname: hostname(),
    bootId: readLine("/proc/sys/kernel/random/boot_id"),
    cpuMillicores: availableParallelism() * 1000,
    memoryBytes: totalmem(),
    diskBytes: disk.blocks * disk.bsize,
    hugepages: hugepagesOf(hugepageFolders()),
    hasSwap: readText("/proc/swaps").trim().split("\n").length > 1,
    volumesPath: localVolumesFolder(dataDir),
    systemInfo: {
      machineID: readLine("/etc/machine-id"),
      systemUUID: readLine("/sys/class/dmi/id/product_uuid"),
      bootID: readLine("/proc/sys/kernel/random/boot_id"),
      kernelVersion: release(),
      osImage: osImage(),
      containerRuntimeVersion: runtimeVersion,
      kubeletVersion: `v${VERSION}`,
      kubeProxyVersion: `v${VERSION}`,
      operatingSystem: "linux",
      architecture: ARCHITECTURES[process.arch] ?? process.arch,
    },
  };
}

/** The other addresses of IPv4 of the device that has this one, sorted: a label makes none another device's. */
export function ipv4Beside(nodeIP: string): readonly string[] {
  const all = Object.entries(networkInterfaces()).flatMap(([name, each]) =>
    (each ?? []).map(({ address, family }) => ({ device: name.split(":")[0], address, family })),
  );
  const device = all.find(({ address }) => address === nodeIP)?.device;
  const beside = all.filter((each) => each.device === device && each.family === "IPv4" && each.address !== nodeIP);
  return beside.map(({ address }) => address).sort();
}

/** The addresses of IPv6 that others may reach the host at: the global ones of the device that has this address of IPv4. */
export function ipv6Beside(nodeIP: string): readonly string[] {
  const devices = Object.entries(networkInterfaces());
  const [device] = devices.find(([, all]) => all?.some(({ address }) => address === nodeIP)) ?? [];
  return device === undefined ? [] : globalIpv6(readText("/proc/net/if_inet6"), device);
}

/** Reads the host's use of CPU and memory from /proc. */
export function hostUsage(clock: Clock): HostUsage {
  let before: { readonly busy: number; readonly atMs: number } | undefined;
  return {
    read: () => {
      const now = { busy: busyMs(), atMs: clock.monotonicMs() };
      const last = before;
      before = now;
      if (last === undefined || now.atMs <= last.atMs) return undefined;
      const cpuMillicores = Math.max(0, Math.round((1000 * (now.busy - last.busy)) / (now.atMs - last.atMs)));
      return { cpuMillicores, memoryBytes: usedMemoryBytes() };
    },
  };
}

/** The most that this process may give its children, unless it may raise limits. */
export function ownHardLimits(): HardLimits | undefined {
  const mayRaise = capabilityNames(ownCapabilityMask()).has("SYS_RESOURCE");
  return mayRaise ? undefined : parseHardLimits(readFileSync("/proc/self/limits", "utf8"));
}

/** The agent's capabilities as a mask in hexadecimal. */
export function ownCapabilityMask(): string {
  return /^CapBnd:\s+([0-9a-f]+)$/m.exec(readText("/proc/self/status"))?.[1] ?? "0";
}

/** How many files a process of the host may have open at most. */
export function openFilesAllowed(): number {
  return Number(/^Max open files\s+\d+\s+(\d+)/m.exec(readText("/proc/self/limits"))?.[1] ?? 1_024);
}

function osImage(): string {
  return /^PRETTY_NAME="?([^"\n]*)"?$/m.exec(readText("/etc/os-release"))?.[1] ?? "Linux";
}

const HUGEPAGES_FOLDER = "/sys/kernel/mm/hugepages";

/** How many pages there are of each size. */
function hugepageFolders(): Readonly<Record<string, number>> {
  let names: readonly string[];
  try {
    names = readdirSync(HUGEPAGES_FOLDER);
  } catch {
    return {}; // A kernel without.
  }
  const count = (name: string): number => Number(readLine(`${HUGEPAGES_FOLDER}/${name}/nr_hugepages`));
  return Object.fromEntries(names.map((name) => [name, count(name)]));
}

/** Milliseconds all processors have been busy since the boot; the kernel counts hundredths of seconds. */
function busyMs(): number {
  const [user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0] = readLine("/proc/stat")
    .split(/\s+/)
    .slice(1)
    .map(Number);
  return (user + nice + system + irq + softirq) * 10;
}

function usedMemoryBytes(): number {
  const text = readText("/proc/meminfo");
  const kib = (name: string): number => Number(new RegExp(`^${name}:\\s+(\\d+)`, "m").exec(text)?.[1] ?? 0);
  return (kib("MemTotal") - kib("MemAvailable")) * 1024;
}

function readLine(path: string): string {
  return readText(path).split("\n")[0]?.trim() ?? "";
}
