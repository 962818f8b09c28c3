import { type Bench, type BenchContext, median } from "./harness.js";
import { deploy, podsOf, withTestbed } from "./on-testbed.js";
import { measure, podPath, type Sample } from "./paths.js";

/** What encryption costs between pods of two hosts: an encrypted network against an open one, in turns. */
export const encryption: Bench = {
  name: "encryption",
  summary: "iperf3 and round trip, pod to pod across hosts, on an encrypted network and on an open one",
  goals: [],
  run,
};

const NETWORKS = ["open", "sealed"] as const;

function run(context: BenchContext): Promise<Readonly<Record<string, number>>> {
  return withTestbed(context, { hostCount: 2 }, async (testbed) => {
    await testbed.tsctl(["network", "create", "open"]);
    await testbed.tsctl(["network", "create", "--encrypted", "sealed"]);
    const samples: Record<(typeof NETWORKS)[number], Sample[]> = { open: [], sealed: [] };
    for (const name of NETWORKS)
      await deploy(testbed, { name, replicas: 2, annotations: { "tallship.dev/networks": name } });
    for (let round = 0; round < (context.isQuick ? 1 : 5); round += 1)
      for (const name of NETWORKS) {
        const sample = await measure(await podPath(testbed, await podsOf(testbed, name)), context.isQuick ? 1 : 3);
        samples[name].push(sample);
        context.report(
          `${name}: ${(sample.tcp1 / 1e9).toFixed(2)} Gbit/s, 8 streams ${(sample.tcp8 / 1e9).toFixed(2)}, ${sample.rttMs.toFixed(3)} ms, ${Math.round(sample.udpPps)} packets/s`,
        );
      }
    const of = (name: keyof typeof samples, key: keyof Sample): number =>
      median(samples[name].map((sample) => sample[key]));
    const ratio = (key: keyof Sample): number => of("sealed", key) / of("open", key);
    return {
      tcp1_ratio: ratio("tcp1"),
      tcp8_ratio: ratio("tcp8"),
      rtt_ratio: ratio("rttMs"),
      udp_pps_ratio: ratio("udpPps"),
      open_gbits: of("open", "tcp1") / 1e9,
      sealed_gbits: of("sealed", "tcp1") / 1e9,
    };
  });
}
