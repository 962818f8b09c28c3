import { systemClock } from "../lib/system-clock.js";
import { vtepMac } from "../net/device-names.js";
import { diffEntries, type Entry } from "../net/kernel/entries.js";
import type { Kernel } from "../net/kernel/kernel.js";
import { realKernel } from "../net/kernel/real-kernel.js";
import { netnsPath } from "../net/node-network.js";
import { overlayEntries, settingsOf } from "../net/overlay/overlay-plan.js";
import { peersOf } from "../net/overlay/peers.js";
import { makeNamespace, type TestNamespace } from "../test/kit/network-namespace.js";
import { nodeConfig, nodeObject } from "../test/kit/network-world.js";
import { type Bench, type BenchContext, median } from "./harness.js";

/** Two ways to link pods to their host, beside each other over the same overlay: what docs/adr says of them can be run again. */
export const podLinks: Bench = {
  name: "pod-links",
  summary: "pods on routed veths against pods on a bridge: making 100, throughput and round trip over the bare link",
  goals: [],
  run,
};

const LINKS = ["routed", "bridged"] as const;
type Link = (typeof LINKS)[number];

interface Host {
  readonly at: number;
  readonly namespace: TestNamespace;
  readonly kernel: Kernel;
}

/** Two ends of a path: the namespace that asks, and the one that answers, by address. */
interface Path {
  readonly from: string;
  readonly to: string;
  readonly address: string;
}

/** Values by name, several each. */
class Samples {
  private readonly values = new Map<string, number[]>();

  add(name: string, value: number): void {
    this.values.set(name, [...(this.values.get(name) ?? []), value]);
  }

  median(name: string): number {
    return median(this.values.get(name) ?? []);
  }

  medians(): Record<string, number> {
    return Object.fromEntries([...this.values.keys()].map((name) => [name, this.median(name)]));
  }
}

async function run(context: BenchContext): Promise<Readonly<Record<string, number>>> {
  const fabric = await makeNamespace("fabric");
  await fabric.run("ip link add br0 type bridge; ip link set br0 up");
  const hosts = [await makeHost(1, fabric), await makeHost(2, fabric)] as const;
  try {
    return { ...(await making(hosts[0], context)), ...(await carrying(hosts, context)) };
  } finally {
    for (const { kernel, namespace } of hosts) {
      await kernel.close();
      await namespace.dispose();
    }
    await fabric.dispose();
  }
}

async function makeHost(at: number, fabric: TestNamespace): Promise<Host> {
  const namespace = await makeNamespace(`host-${at}`);
  await fabric.run(
    `ip link add p${at} type veth peer name eth0 netns ${namespace.path}; ip link set p${at} master br0 up`,
  );
  await namespace.run(`ip link set lo up; ip address add 192.168.9.${at}/24 dev eth0; ip link set eth0 up`);
  const runDir = `${namespace.folder}/run`;
  const kernel = realKernel({ runDir, clock: systemClock, enter: namespace.enter });
  const config = nodeConfig(at, runDir);
  const nodes = [1, 2].map((each) => nodeObject(each, vtepMac(`node-${each}`)));
  const want: readonly Entry[] = overlayEntries(
    config,
    { device: "eth0", mtu: 1_500, prefixLength: 24 },
    peersOf(nodes, config).peers,
  );
  await kernel.changeEntries(diffEntries(want, await kernel.readEntries(["tallship0"], settingsOf())));
  // Pods of the bridge have the upper half of the node's subnet.
  await namespace.run(
    `ip link add bridge0 mtu 1450 type bridge; ip link set bridge0 up; ip address add 10.128.${at}.129/25 dev bridge0`,
  );
  return { at, namespace, kernel };
}

async function attach(host: Host, link: Link, names: readonly string[], first: number): Promise<void> {
  const { at, kernel, namespace } = host;
  if (link === "routed") {
    const pods = names.map((uid, step) => ({
      uid,
      address: `10.128.${at}.${first + step}`,
      mtu: 1_450,
      gateway: `10.128.${at}.1`,
    }));
    const failures = await kernel.createPods(pods);
    for (const failure of failures.values()) throw failure;
    return;
  }
  const runDir = `${namespace.folder}/run`;
  const inside = names.map((name, step) => {
    const path = netnsPath(runDir, name);
    return `: > ${path}; unshare --net=${path} ip -force -batch - <<END
link set dev lo up
link add eth0 mtu 1450 type veth peer name ${name} mtu 1450 netns /proc/$$/ns/net
address add 10.128.${at}.${128 + first + step}/25 dev eth0
link set dev eth0 up
route add default via 10.128.${at}.129
END`;
  });
  const outside = names.map((name) => `link set dev ${name} master bridge0 group 7455 up`);
  await namespace.run(`mkdir -p ${netnsPath(runDir, "")}
${inside.join("\n")}
ip -force -batch - <<END
${outside.join("\n")}
END`);
}

async function detach({ kernel, namespace }: Host, link: Link, names: readonly string[]): Promise<void> {
  if (link === "routed") {
    await kernel.removePods(names);
    return;
  }
  const paths = names.map((name) => netnsPath(`${namespace.folder}/run`, name)).join(" ");
  await namespace.run(`ip link delete group 7455; umount -l ${paths}; rm -f ${paths}`);
}

async function making(host: Host, context: BenchContext): Promise<Record<string, number>> {
  const took = new Samples();
  const timed = async (name: string, work: () => Promise<void>): Promise<void> => {
    const startedMs = performance.now();
    await work();
    took.add(name, performance.now() - startedMs);
  };
  for (let round = 0; round < (context.isQuick ? 1 : 5); round += 1) {
    for (const link of LINKS) {
      const names = Array.from({ length: 100 }, (_, at) => `${link[0]}${round}x${at}`);
      await timed(`${link}_create100_ms`, () => attach(host, link, names, 10));
      await timed(`${link}_delete100_ms`, () => detach(host, link, names));
    }
  }
  return took.medians();
}

async function carrying(hosts: readonly [Host, Host], context: BenchContext): Promise<Record<string, number>> {
  const [one, two] = hosts;
  const pin = ({ namespace }: Host, uid: string): string => netnsPath(`${namespace.folder}/run`, uid);
  const paths: Record<string, Path> = {
    bare: { from: one.namespace.path, to: two.namespace.path, address: "192.168.9.2" },
  };
  for (const link of LINKS) {
    await attach(one, link, [`${link}-a`, `${link}-b`], 4);
    await attach(two, link, [`${link}-c`], 4);
    const shift = link === "routed" ? 0 : 128;
    paths[`${link}_far`] = { from: pin(one, `${link}-a`), to: pin(two, `${link}-c`), address: `10.128.2.${4 + shift}` };
    paths[`${link}_near`] = {
      from: pin(one, `${link}-a`),
      to: pin(one, `${link}-b`),
      address: `10.128.1.${5 + shift}`,
    };
  }
  const found = new Samples();
  for (let round = 0; round < (context.isQuick ? 1 : 7); round += 1) {
    for (const [name, path] of Object.entries(paths)) {
      const [gbits, rttMs] = await measure(one.namespace, path, context.isQuick ? 1 : 2);
      context.report(`${name}: ${gbits.toFixed(2)} Gbit/s, ${rttMs.toFixed(4)} ms`);
      found.add(`${name}_gbits`, gbits);
      found.add(`${name}_rtt_ms`, rttMs);
    }
  }
  const of = (name: string): number => found.median(name);
  const ratios = Object.keys(paths).flatMap((name) => [
    [`${name}_tcp_ratio`, of(`${name}_gbits`) / of("bare_gbits")],
    [`${name}_rtt_ratio`, of(`${name}_rtt_ms`) / of("bare_rtt_ms")],
  ]);
  return { bare_gbits: of("bare_gbits"), bare_rtt_ms: of("bare_rtt_ms"), ...Object.fromEntries(ratios.slice(2)) };
}

async function measure(host: TestNamespace, path: Path, seconds: number): Promise<readonly [number, number]> {
  await host.run(`nsenter --net=${path.to} iperf3 -s -1 -D`);
  const report = JSON.parse(await host.run(`nsenter --net=${path.from} iperf3 -J -c ${path.address} -t ${seconds}`));
  const ping = await host.run(`nsenter --net=${path.from} ping -q -i 0.002 -c 500 ${path.address}`);
  return [report.end.sum_received.bits_per_second / 1e9, Number(/= [\d.]+\/([\d.]+)\//.exec(ping)?.[1])];
}
