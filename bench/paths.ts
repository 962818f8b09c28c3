import { availableParallelism } from "node:os";
import { waitFor } from "../test/kit/wait.js";
import type { Testbed } from "../test/testbed/testbed.js";
import type { RunningPod } from "./on-testbed.js";

/** Two ends of a path: how a command gets there, and the address of the far one. */
export interface Path {
  readonly near: (command: readonly string[]) => Promise<string>;
  readonly far: (command: readonly string[]) => Promise<string>;
  readonly address: string;
}

/** What a path carries. */
export interface Sample {
  readonly tcp1: number;
  readonly tcp8: number;
  readonly udpPps: number;
  readonly rttMs: number;
}

/** The core of either end. */
const CORES = { near: 0, far: 1 };

/**
 * Gives the first two hosts a core each, as hosts have: what comes in by their links is received there, and `measure` runs its programs there. Otherwise one host's answers
 * are worked on by the other's core, and then that core sends the first one's data, too: eight streams of the very same link carry 17 or 29 Gbit/s, by chance.
 */
export async function giveCores(testbed: Testbed): Promise<void> {
  if (!haveCores()) return;
  for (const [name, core] of [
    ["host1", CORES.near],
    ["host2", CORES.far],
  ] as const) {
    const queue = "/mnt/class/net/eth0/queues/rx-0/rps_cpus";
    const script = `mount -t sysfs cores /mnt && echo ${2 ** core} >${queue} && umount /mnt`;
    await onHostOf(testbed, name)(["sh", "-c", script]);
  }
}

function haveCores(): boolean {
  return availableParallelism() > Math.max(CORES.near, CORES.far);
}

/** Measures a path by iperf3 and ping. */
export async function measure(path: Path, seconds: number): Promise<Sample> {
  const cores = haveCores() ? ["-A", `${CORES.near},${CORES.far}`] : [];
  const tcp1 = await iperf(path, [...cores, "-t", `${seconds}`]);
  const tcp8 = await iperf(path, [...cores, "-t", `${seconds}`, "-P", "8"]);
  const udp = await iperf(path, [...cores, "-t", `${seconds}`, "-u", "-b", "0", "-l", "64"]);
  const onCore = haveCores() ? ["taskset", "-c", `${CORES.near}`] : [];
  const ping = await path.near([...onCore, "ping", "-q", "-i", "0.002", "-c", "500", path.address]);
  const rttMs = Number(/= [\d.]+\/([\d.]+)\//.exec(ping)?.[1]);
  return { tcp1: tcp1.bitsPerSecond, tcp8: tcp8.bitsPerSecond, udpPps: udp.packetsPerSecond, rttMs };
}

/** One run of iperf3: what the far end received. */
async function iperf(
  path: Path,
  args: readonly string[],
): Promise<{ readonly bitsPerSecond: number; readonly packetsPerSecond: number }> {
  await path.far(["iperf3", "-s", "-1", "-D"]);
  await waitFor("iperf3 to listen", async () => (await path.far(["ss", "-Hltn", "sport = :5201"])).trim() !== "", {
    everyMs: 20,
  });
  const { end } = JSON.parse(await path.near(["iperf3", "-J", "-c", path.address, ...args]));
  // TCP reports what was received apart; UDP has one sum in which lost packets are counted.
  if (end.sum === undefined) return { bitsPerSecond: end.sum_received.bits_per_second, packetsPerSecond: 0 };
  const { seconds, packets, lost_packets: lost, bits_per_second: bitsPerSecond } = end.sum;
  return { bitsPerSecond, packetsPerSecond: (packets - lost) / seconds };
}

/** Runs commands on a host, behind these words; throws with their error output when they fail. */
export function onHostOf(testbed: Testbed, host: string, prefix: readonly string[] = []): Path["near"] {
  return async (command) => {
    const { stdout, stderr, exitCode } = await testbed.exec(host, [...prefix, ...command]);
    if (exitCode !== 0) throw new Error(`${command.join(" ")}: ${stderr}${stdout}`);
    return stdout;
  };
}

/** The link between the first two hosts, with nothing on it. */
export function barePath(testbed: Testbed): Path {
  return { near: onHostOf(testbed, "host1"), far: onHostOf(testbed, "host2"), address: testbed.host("host2").address };
}

/** From a pod on the first host to one on the second. */
export async function podPath(testbed: Testbed, pods: readonly RunningPod[]): Promise<Path> {
  const near = pods.find(({ node }) => node === "host1");
  const far = pods.find(({ node }) => node === "host2");
  if (near === undefined || far === undefined) throw new Error("the pods do not run on two hosts");
  const enter = async (pod: RunningPod): Promise<readonly string[]> => {
    const { metadata } = JSON.parse(await testbed.tsctl(["get", "pod", pod.name, "-o", "json"]));
    return ["nsenter", `--net=/run/tallship/netns/${metadata.uid}`];
  };
  return {
    near: onHostOf(testbed, "host1", await enter(near)),
    far: onHostOf(testbed, "host2", await enter(far)),
    address: far.address,
  };
}
