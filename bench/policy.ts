import { bundleProgram } from "../test/kit/bundle.js";
import { type Lab, type LabHost, type LabPod, makeLab } from "../test/kit/network-lab.js";
import { PolicyWorld } from "../test/kit/policy-world.js";
import { ROOT } from "../test/kit/root.js";
import { waitFor } from "../test/kit/wait.js";
import { type Bench, type BenchContext, median } from "./harness.js";

/** What network policies cost the traffic that they let through, on two hosts. */
export const policy: Bench = {
  name: "policy",
  summary: "throughput and connects, pod to pod across hosts, with 1,000 policies over none",
  goals: [{ metric: "throughput_ratio_1000", op: ">=", bound: 0.95, stage: "full" }],
  run,
};

/**
 * `bare`: without the firewall's table. `none`: no policies. `apart`: 1,000 policies, of which one selects each pod, as a cluster has them.
 * `together`: all 1,000 select both pods, and the last lets the traffic through.
 */
const STATES = ["bare", "none", "apart", "together"] as const;
type State = (typeof STATES)[number];

const POLICY_COUNT = 1_000;

interface Sample {
  readonly gbits: number;
  readonly connectUs: number;
  readonly rttMs: number;
}

async function run(context: BenchContext): Promise<Readonly<Record<string, number>>> {
  const lab = await makeLab(2);
  try {
    await lab.setServices([]);
    const ends = [await lab.host(1).pod("near", 9), await lab.host(2).pod("far", 9)] as const;
    const { changeMs } = await prepare(lab, ends);
    // Nothing mends what is changed by hand from here on.
    await Promise.all(lab.hosts.map(({ network }) => network.stop()));
    const samples = await measureAll(context, lab, ends);
    const of = (state: State, key: keyof Sample): number => median(samples[state].map((sample) => sample[key]));
    const ratio = (key: keyof Sample, state: State, over: State = "none"): number => of(state, key) / of(over, key);
    return {
      throughput_ratio_1000: Math.min(ratio("gbits", "together"), ratio("gbits", "apart")),
      throughput_ratio_apart: ratio("gbits", "apart"),
      throughput_ratio_together: ratio("gbits", "together"),
      connect_ratio_apart: ratio("connectUs", "apart"),
      connect_ratio_together: ratio("connectUs", "together"),
      rtt_ratio_1000: ratio("rttMs", "together"),
      firewall_throughput_ratio: ratio("gbits", "none", "bare"),
      firewall_rtt_ratio: ratio("rttMs", "none", "bare"),
      firewall_connect_ratio: ratio("connectUs", "none", "bare"),
      none_gbits: of("none", "gbits"),
      change_ms: changeMs,
    };
  } finally {
    await lab.dispose();
  }
}

/** Has each state programmed once, and keeps it on a file; how long one policy more took with 1,000 there. */
async function prepare(lab: Lab, ends: readonly [LabPod, LabPod]): Promise<{ readonly changeMs: number }> {
  const world = new PolicyWorld();
  for (const [at, { uid, address }] of ends.entries())
    world.pod({ name: `default/${uid}`, node: `node-${at + 1}`, address, labels: { name: uid } });
  await keep(lab, world, "none");
  const rule = (at: number) =>
    at === POLICY_COUNT - 1
      ? {}
      : { ports: [{ protocol: "TCP", port: { value: { $case: "intVal", value: 10_000 + at } as const } }] };
  const put = (at: number, podSelector: object): void => {
    const peers = [{ podSelector: {}, namespaceSelector: { matchLabels: { team: `t${at}` } } }];
    const { ports } = { ports: [], ...rule(at) };
    const [from, to] = at === POLICY_COUNT - 1 ? [[], []] : [peers, peers];
    world.policy(`default/p${String(at).padStart(4, "0")}`, {
      podSelector,
      policyTypes: ["Ingress", "Egress"],
      ingress: [{ from, ports }],
      egress: [{ to, ports }],
    });
  };
  for (let at = 0; at < POLICY_COUNT - 1; at += 1) put(at, { matchLabels: { name: `other-${at}` } });
  put(POLICY_COUNT - 1, {});
  await keep(lab, world, "apart");
  for (let at = 0; at < POLICY_COUNT - 1; at += 1) put(at, {});
  await keep(lab, world, "together");
  const startedAt = performance.now();
  world.policy("default/one-more", { podSelector: {}, ingress: [{ from: [{ podSelector: {} }] }] });
  lab.host(1).network.setPolicies(world.knownTo("node-1"));
  const isThere = async (): Promise<boolean> =>
    (await lab.host(1).namespace.run("nft -t list sets inet")).split("pods-").length > POLICY_COUNT;
  await waitFor("the policy in the kernel", isThere, { deadlineMs: 10_000, everyMs: 5 });
  return { changeMs: performance.now() - startedAt };
}

const fileOf = ({ namespace }: LabHost, state: State): string => `${namespace.folder}/${state}.nft`;

async function keep(lab: Lab, world: PolicyWorld, state: State): Promise<void> {
  await lab.setPolicies(world);
  for (const host of lab.hosts)
    await host.namespace.run(`nft list table inet tallship-firewall > ${fileOf(host, state)}`);
}

async function measureAll(
  context: BenchContext,
  lab: Lab,
  [near, far]: readonly [LabPod, LabPod],
): Promise<Record<State, Sample[]>> {
  const program = await bundleProgram(
    `import { timeConnects } from "./bench/connect-times.js"; timeConnects(process.argv[2], Number(process.argv[3]), [process.argv[2]]);`,
  );
  await far.probe.serve("tcp", 8080);
  const samples: Record<State, Sample[]> = { bare: [], none: [], apart: [], together: [] };
  const rounds = context.isQuick ? 1 : 5;
  for (let round = 0; round < rounds; round += 1) {
    for (const state of STATES) {
      for (const host of lab.hosts) await host.namespace.run(loading(host, state));
      const sample = await measure(near, far, { seconds: context.isQuick ? 1 : 3, program: program.path });
      samples[state].push(sample);
      const { gbits, connectUs, rttMs } = sample;
      context.report(
        `${state}: ${gbits.toFixed(2)} Gbit/s, connect ${connectUs.toFixed(0)} µs, round trip ${(rttMs * 1_000).toFixed(0)} µs`,
      );
    }
  }
  return samples;
}

function loading(host: LabHost, state: State): string {
  const gone = "nft delete table inet tallship-firewall 2>/dev/null || true";
  return state === "bare" ? gone : `${gone}; nft -f ${fileOf(host, state)}`;
}

async function measure(
  near: LabPod,
  far: LabPod,
  { seconds, program }: { readonly seconds: number; readonly program: string },
): Promise<Sample> {
  await far.inside("iperf3 -s -1 -D");
  await waitFor("iperf3 to listen", async () => (await far.inside("ss -Hltn sport = :5201")).trim() !== "", {
    everyMs: 20,
  });
  const { end } = JSON.parse(await near.inside(`iperf3 -J -c ${far.address} -t ${seconds}`));
  const ping = await near.inside(`ping -q -i 0.002 -c 500 ${far.address}`);
  const [connectUs = Number.NaN] = JSON.parse(
    await near.inside(`cd ${ROOT}; ${process.execPath} ${program} ${far.address}:8080 500`),
  );
  const rttMs = Number(/= [\d.]+\/([\d.]+)\//.exec(ping)?.[1]);
  return { gbits: end.sum_received.bits_per_second / 1e9, connectUs, rttMs };
}
