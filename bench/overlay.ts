import type { Testbed } from "../test/testbed/testbed.js";
import { type Bench, type BenchContext, median } from "./harness.js";
import { deploy, podsOf, withTestbed } from "./on-testbed.js";
import { barePath, giveCores, measure, onHostOf, type Path, podPath, type Sample } from "./paths.js";
import { dockerOverlay } from "./swarm/docker-overlay.js";
import { installedDocker } from "./swarm/docker-package.js";

/** What the overlay costs against the bare link of the same hosts, against plain kernel VXLAN with the same entries, and where hosts route directly. */
export const overlay: Bench = {
  name: "overlay",
  summary: "iperf3 and round trip, pod to pod across hosts, over the bare link",
  goals: [
    { metric: "tcp1_ratio", op: ">=", bound: 0.8, stage: "first" },
    { metric: "tcp1_ratio", op: ">=", bound: 0.85, stage: "full" },
    { metric: "tcp8_ratio", op: ">=", bound: 0.8, stage: "first" },
    { metric: "tcp8_ratio", op: ">=", bound: 0.85, stage: "full" },
    { metric: "rtt_ratio", op: "<=", bound: 1.8, stage: "first" },
    { metric: "rtt_ratio", op: "<=", bound: 1.5, stage: "full" },
    { metric: "udp_pps_ratio", op: ">=", bound: 0.6, stage: "first" },
    { metric: "over_docker_ratio", op: ">=", bound: 1, stage: "full" },
    { metric: "rtt_over_docker_ratio", op: "<=", bound: 1, stage: "full" },
  ],
  run,
};

async function run(context: BenchContext): Promise<Readonly<Record<string, number>>> {
  const own = { ...(await tunnelled(context)), ...(await direct(context)) };
  const docker = installedDocker();
  if (docker === undefined) return own;
  const theirs = await dockerOverlay(context, docker);
  return {
    ...own,
    docker_tcp1_ratio: theirs.tcp1Ratio,
    docker_rtt_ratio: theirs.rttRatio,
    over_docker_ratio: own.tcp1_ratio / theirs.tcp1Ratio,
    rtt_over_docker_ratio: own.rtt_ratio / theirs.rttRatio,
  };
}

/** The same two hosts in a cluster of direct routing, against their bare link. */
function direct(context: BenchContext): Promise<Readonly<Record<string, number>>> {
  return withTestbed(context, { hostCount: 2, initWords: ["--direct-routing"] }, async (testbed) => {
    await giveCores(testbed);
    await deploy(testbed, { name: "net", replicas: 2 });
    const paths = { bare: barePath(testbed), direct: await podPath(testbed, await podsOf(testbed, "net")) };
    const of = await rounds(context, paths);
    return {
      direct_tcp1_ratio: of("direct", "tcp1") / of("bare", "tcp1"),
      direct_tcp8_ratio: of("direct", "tcp8") / of("bare", "tcp8"),
      direct_rtt_ratio: of("direct", "rttMs") / of("bare", "rttMs"),
      direct_udp_pps_ratio: of("direct", "udpPps") / of("bare", "udpPps"),
    };
  });
}

/** Measures the paths in turns; answers the median of each figure of each. */
async function rounds<Name extends string>(
  context: BenchContext,
  paths: Readonly<Record<Name, Path>>,
): Promise<(name: Name, key: keyof Sample) => number> {
  const names = Object.keys(paths).filter((name): name is Name => name in paths);
  const samples = new Map<Name, Sample[]>(names.map((name) => [name, []]));
  for (let round = 0; round < (context.isQuick ? 1 : 5); round += 1) {
    for (const name of names) {
      const sample = await measure(paths[name], context.isQuick ? 1 : 2);
      samples.get(name)?.push(sample);
      context.report(
        `${name}: ${(sample.tcp1 / 1e9).toFixed(2)} Gbit/s, 8 streams ${(sample.tcp8 / 1e9).toFixed(2)}, ${sample.rttMs.toFixed(3)} ms, ${Math.round(sample.udpPps)} packets/s`,
      );
    }
  }
  return (name, key) => median((samples.get(name) ?? []).map((sample) => sample[key]));
}

function tunnelled(context: BenchContext) {
  return withTestbed(context, { hostCount: 2 }, async (testbed) => {
    await giveCores(testbed);
    await deploy(testbed, { name: "net", replicas: 2 });
    const pods = await podsOf(testbed, "net");
    const paths = { bare: barePath(testbed), pod: await podPath(testbed, pods), plain: await plainPath(testbed) };
    const of = await rounds(context, paths);
    const ratio = (key: keyof Sample, over: keyof typeof paths = "bare"): number => of("pod", key) / of(over, key);
    return {
      tcp1_ratio: ratio("tcp1"),
      tcp8_ratio: ratio("tcp8"),
      rtt_ratio: ratio("rttMs"),
      udp_pps_ratio: ratio("udpPps"),
      plain_ratio: of("plain", "tcp1") / of("bare", "tcp1"),
      over_plain_ratio: ratio("tcp1", "plain"),
      plain_rtt_ratio: of("plain", "rttMs") / of("bare", "rttMs"),
      bare_gbits: of("bare", "tcp1") / 1e9,
    };
  });
}

/** Plain kernel VXLAN between two namespaces, with static entries, as a user would set it up by hand. */
async function plainPath(testbed: Testbed): Promise<Path> {
  const ends = [
    {
      host: testbed.host("host1"),
      peer: testbed.host("host2"),
      subnet: "10.250.1",
      peerSubnet: "10.250.2",
      mac: "02:aa:00:00:00:01",
      peerMac: "02:aa:00:00:00:02",
    },
    {
      host: testbed.host("host2"),
      peer: testbed.host("host1"),
      subnet: "10.250.2",
      peerSubnet: "10.250.1",
      mac: "02:aa:00:00:00:02",
      peerMac: "02:aa:00:00:00:01",
    },
  ];
  for (const { host, peer, subnet, peerSubnet, mac, peerMac } of ends) {
    const script = `set -e
sysctl -qw net.ipv4.ip_forward=1
ip netns add plain
ip link add plain0 type veth peer name eth0 netns plain
ip addr add ${subnet}.1/24 dev plain0
ip link set plain0 mtu 1450 up
ip -n plain addr add ${subnet}.2/24 dev eth0
ip -n plain link set eth0 mtu 1450 up
ip -n plain route add default via ${subnet}.1
ip link add plainx address ${mac} mtu 1450 type vxlan id 77 dstport 4799 local ${host.address} dev eth0 nolearning
ip link set plainx up
ip neigh add ${peerSubnet}.1 lladdr ${peerMac} dev plainx nud permanent
bridge fdb add ${peerMac} dev plainx dst ${peer.address}
ip route add ${peerSubnet}.0/24 via ${peerSubnet}.1 dev plainx onlink`;
    const { exitCode, stderr } = await testbed.exec(host.name, ["sh", "-c", script]);
    if (exitCode !== 0) throw new Error(`plain VXLAN on ${host.name}: ${stderr}`);
  }
  const enter = ["ip", "netns", "exec", "plain"];
  return { near: onHostOf(testbed, "host1", enter), far: onHostOf(testbed, "host2", enter), address: "10.250.2.2" };
}
