// Edge: hosts, pods and probes in network namespaces of their own.
import { type ChildProcess, spawn } from "node:child_process";
import { rm } from "node:fs/promises";
import { createInterface } from "node:readline";
import { silentLog } from "../../lib/log.js";
import { systemClock } from "../../lib/system-clock.js";
import { systemRng } from "../../lib/system-rng.js";
import { vtepMac } from "../../net/device-names.js";
import { familiesOf } from "../../net/family.js";
import { createNodeNetwork } from "../../net/host-network.js";
import { realKernel } from "../../net/kernel/real-kernel.js";
import { type NetworkPart, noNetworkMetrics } from "../../net/network-metrics.js";
import {
  type HostPort,
  type NetworkMap,
  NOTHING_PUBLISHED,
  type NodeNetwork,
  type NodeNetworkConfig,
  netnsPath,
  type PodLink,
  type Published,
} from "../../net/node-network.js";
import { openShortcut } from "../../net/shortcut/open-shortcut.js";
import type { Shortcut } from "../../net/shortcut/shortcut.js";
import { tunnelKeyFile } from "../../net/tunnels/key-file.js";
import type { Network } from "../../proto/gen/tallship/v1/network.js";
import { type Node, NodeStatus } from "../../proto/gen/tallship/v1/node.js";
import { type BundledProgram, bundleProgram } from "./bundle.js";
import { makeNamespace, type TestNamespace } from "./network-namespace.js";
import type { ProbeAnswer, ProbeCommand } from "./network-probe.js";
import { networkMap, nodeConfig, nodeObject, type TestService } from "./network-world.js";
import type { PolicyWorld } from "./policy-world.js";
import { waitFor } from "./wait.js";

/** A question for a probe; what is left out has a default. */
export interface Question {
  readonly protocol?: "tcp" | "udp";
  readonly host: string;
  readonly port: number;
  readonly bytes?: number;
  readonly timeoutMs?: number;
  readonly fromPort?: number;
  /** Local address; absent: the one that leads there. */
  readonly from?: string;
}

/** A process in a namespace that serves and asks. */
export interface Probe {
  serve(protocol: "tcp" | "udp", port: number, address?: string): Promise<void>;
  /** Who answered and who it saw asking, `name address`; or an error code. */
  ask(question: Question): Promise<string>;
  /** Opens the one TCP connection that `talk` uses. */
  open(to: { readonly host: string; readonly port: number }): Promise<void>;
  /** Sends a byte on the open connection: TALKED when the other end has acknowledged it; or an error code. */
  talk(): Promise<string>;
  /** The first bytes that come back, in hexadecimal; or an error code. */
  exchange(sent: {
    readonly protocol: "tcp" | "udp";
    readonly host: string;
    readonly port: number;
    readonly hex: string;
  }): Promise<string>;
}

/** A host of the lab with its network. */
export interface LabHost {
  readonly at: number;
  readonly address: string;
  readonly namespace: TestNamespace;
  readonly network: NodeNetwork;
  /** What the host has published, such as its keys of encrypted tunnels; others hear of it with the next services. */
  readonly published: Published;
  readonly probe: Probe;
  /** A pod with a probe in it. The name is the uid. */
  pod(name: string, last: number, hostPorts?: readonly HostPort[], isInsider?: boolean): Promise<LabPod>;
  /** A pod with these addresses, the first on eth0, whatever networks they are of; none: with its loopback alone. */
  podOn(name: string, addresses: readonly string[], hostPorts?: readonly HostPort[]): Promise<LabPod>;
  /** Runs a script that damages what the network made; returns how many entries were put back for it, be it by the network's own next look. */
  damage(script: string): Promise<number>;
  /** Has the shortcut looked for what is missing of it now, instead of soon. */
  lookForShortcut(): Promise<void>;
  /** Ends the network's programs, as an agent's death does, and begins anew over the same kernel. */
  restart(): Promise<NodeNetwork>;
}

/** A pod of the lab. */
export interface LabPod {
  readonly uid: string;
  readonly address: string;
  readonly probe: Probe;
  /** Runs a shell script in the pod's network, as somebody with every right there could. No quotes. */
  inside(script: string): Promise<string>;
}

/** Hosts on one bridge. */
export interface Lab {
  readonly hosts: readonly LabHost[];
  /** A host by its number, from 1. */
  host(at: number): LabHost;
  /** A namespace on the bridge that is no node: 192.168.9.100. */
  readonly stranger: Probe;
  /** The stranger's namespace. */
  readonly outside: TestNamespace;
  /** What all are plugged into: host N and the stranger by devices p1, p2 and so on, and p100, of one bridge. */
  readonly fabric: TestNamespace;
  /** Gives all hosts a map of all nodes, some perhaps under other underlay addresses, and these services; resolves when every kernel reflects it. */
  setServices(services: readonly TestService[], underlays?: Readonly<Record<string, string>>): Promise<void>;
  /** From the next services on all hosts know these networks as well. */
  setNetworks(networks: readonly Network[]): void;
  /** Tells all hosts, `node-1` and so on, what policies mean for their pods; resolves when every kernel holds it. */
  setPolicies(world: PolicyWorld): Promise<void>;
  dispose(): Promise<void>;
}

/** Makes a lab of hosts 1 to `count`, whose networks know each other; `traits` change what each is configured with. */
export async function makeLab(
  count: number,
  traits: Partial<NodeNetworkConfig> | ((at: number) => Partial<NodeNetworkConfig>) = {},
): Promise<Lab> {
  const traitsOf = typeof traits === "function" ? traits : () => traits;
  const program = await bundleProgram(
    `import { runProbe } from "./test/kit/network-probe.js"; runProbe(process.argv[2] ?? "");`,
  );
  const children: ChildProcess[] = [];
  const start = (name: string, enter: readonly string[]): Probe => startProbe(name, enter, program, children);
  const fabric = await makeNamespace("fabric");
  await fabric.run("ip link add br0 type bridge; ip link set br0 up");
  const namespaces = [fabric];
  const join = async (name: string, last: number): Promise<TestNamespace> => {
    const namespace = await makeNamespace(name);
    namespaces.push(namespace);
    await fabric.run(
      `ip link add p${last} type veth peer name eth0 netns ${namespace.path}; ip link set p${last} master br0 up`,
    );
    await namespace.run(`ip link set lo up; ip address add 192.168.9.${last}/24 dev eth0; ip link set eth0 up`);
    return namespace;
  };
  const outside = await join("stranger", 100);
  const hosts = await Promise.all(
    Array.from({ length: count }, (_, at) =>
      join(`host-${at + 1}`, at + 1).then((each) =>
        makeHost({ ...nodeConfig(at + 1, `${each.folder}/run`), ...traitsOf(at + 1) }, each, start),
      ),
    ),
  );
  let revision = 0;
  let networks: readonly Network[] = [];
  return {
    hosts: hosts.map((each) => each.host),
    host: (at) => {
      const found = hosts[at - 1]?.host;
      if (found === undefined) throw new Error(`the lab has no host ${at}`);
      return found;
    },
    stranger: start("stranger", outside.enter),
    outside,
    fabric,
    setNetworks: (next) => {
      networks = next;
    },
    setServices: async (services, underlays = {}) => {
      revision += 1;
      const nodes = hosts.map(({ host }) =>
        told(nodeObject(host.at, vtepMac(`node-${host.at}`), underlays[`node-${host.at}`]), host.published),
      );
      await Promise.all(hosts.map((each) => each.apply(networkMap(revision, nodes, services, networks))));
    },
    setPolicies: async (world) => {
      for (const { host } of hosts) host.network.setPolicies(world.knownTo(`node-${host.at}`));
      // A repair comes after what is wanted already.
      await Promise.all(hosts.map(({ host }) => host.network.repair()));
    },
    dispose: async () => {
      await Promise.all(hosts.map(({ host }) => host.network.stop()));
      // Programs that hold tunnels go with their devices.
      const noTunnels =
        "ip -o link | sed -n 's/^[0-9]*: \\(tsw[^:@]*\\).*/\\1/p' | while read d; do ip link delete $d; done";
      await Promise.all(hosts.map(({ host }) => host.namespace.run(noTunnels)));
      await Promise.all(children.map(ended));
      for (const namespace of namespaces) await namespace.dispose();
      await rm(program.folder, { recursive: true, force: true });
    },
  };
}

/** Where a host of the lab keeps its keys. */
export function tunnelKeyPath({ folder }: TestNamespace): string {
  return `${folder}/tunnel-keys.json`;
}

/** A host that has no address of IPv6 tells the one of nodeObject. */
function told(node: Node, { tunnels, linkIpv6: linkIPv6, hostIpv4 = [], hostIpv6 = [], shortcut }: Published): Node {
  const { overlay, ...status } = NodeStatus.fromPartial(node.status ?? {});
  const [ipv4, ipv6] = status.addresses;
  const internal = (all: readonly string[]) => all.map((address) => ({ type: "InternalIP", address }));
  const [four, six] = [internal(hostIpv4), internal(hostIpv6)];
  const addresses = [ipv4, ...four, ...(six.length === 0 ? [ipv6] : six)].flatMap((each) => each ?? []);
  const said = overlay && { ...overlay, tunnels, linkIPv6, shortcut };
  return { ...node, status: { ...status, addresses, overlay: said } };
}

interface MadeHost {
  readonly host: LabHost;
  apply(map: NetworkMap): Promise<void>;
}

async function makeHost(
  config: NodeNetworkConfig,
  namespace: TestNamespace,
  start: (name: string, enter: readonly string[]) => Probe,
): Promise<MadeHost> {
  const { runDir } = config;
  const at = Number(config.nodeName.split("-")[1]);
  let applied = 0;
  let published = NOTHING_PUBLISHED;
  let mendedCount = 0;
  const metrics = {
    ...noNetworkMetrics,
    repaired: (_: NetworkPart, count: number) => {
      mendedCount += count;
    },
  };
  let shortcut: Shortcut | undefined;
  const begin = async (): Promise<NodeNetwork> => {
    const kernel = realKernel({ runDir, clock: systemClock, enter: namespace.enter, families: familiesOf(config) });
    const keys = tunnelKeyFile(tunnelKeyPath(namespace));
    shortcut = openShortcut(config, { kernel, clock: systemClock, log: silentLog, enter: namespace.enter });
    const fresh = createNodeNetwork(config, kernel, {
      ...{ clock: systemClock, rng: systemRng, log: silentLog, keys, metrics, shortcut },
    });
    fresh.onPublished((next) => {
      published = next;
    });
    fresh.onApplied((revision) => {
      applied = revision;
    });
    await fresh.start();
    return fresh;
  };
  let network = await begin();
  const linked = async (link: PodLink): Promise<LabPod> => {
    const { uid, address } = link;
    await network.attach([link]);
    const inside = (script: string): Promise<string> =>
      namespace.run(`nsenter --net=${netnsPath(runDir, uid)} sh -ec '${script}'`);
    return { uid, address, inside, probe: start(uid, ["nsenter", `--net=${netnsPath(runDir, uid)}`]) };
  };
  const host: LabHost = {
    at,
    address: config.underlayIP,
    namespace,
    get network() {
      return network;
    },
    probe: start(`host-${at}`, namespace.enter),
    pod: (uid, last, hostPorts = [], reachesInternals = false) =>
      linked({ uid, address: `10.128.${at}.${last}`, hostPorts, reachesInternals }),
    get published() {
      return published;
    },
    podOn: (uid, [address = "", ...others], hostPorts = []) =>
      linked({
        ...{ uid, address, hostPorts },
        further: others.map((other, place) => ({ interface: `eth${place + 1}`, address: other })),
      }),
    damage: async (script) => {
      const before = mendedCount;
      await namespace.run(script);
      await network.repair();
      return mendedCount - before;
    },
    lookForShortcut: async () => {
      await shortcut?.look();
    },
    restart: async () => {
      await network.stop();
      network = await begin();
      return network;
    },
  };
  const apply = async (map: NetworkMap): Promise<void> => {
    network.setMap(map);
    await waitFor(`map ${map.revision} in the kernel of host ${at}`, () => applied >= map.revision);
    // Peers are in another lane than services.
    await network.list();
  };
  return { host, apply };
}

function startProbe(name: string, enter: readonly string[], program: BundledProgram, children: ChildProcess[]): Probe {
  const [command = "", ...words] = [...enter, process.execPath, program.path, name];
  const child = spawn(command, words, { stdio: ["pipe", "pipe", "inherit"] });
  children.push(child);
  const waiting = new Map<number, (text: string) => void>();
  createInterface({ input: child.stdout }).on("line", (line) => {
    // A parser: the probe's side of the pipe is typed.
    const { id, text } = JSON.parse(line) as ProbeAnswer;
    waiting.get(id)?.(text);
    waiting.delete(id);
  });
  let lastId = 0;
  const tell = (order: ProbeCommand): Promise<string> =>
    new Promise((resolve) => {
      lastId += 1;
      waiting.set(lastId, resolve);
      child.stdin.write(`${JSON.stringify({ id: lastId, command: order })}\n`);
    });
  return {
    serve: async (protocol, port, address = "0.0.0.0") => {
      const text = await tell({ do: "serve", protocol, port, address });
      if (text !== "serving") throw new Error(`serve ${protocol} ${port} in ${name}: ${text}`);
    },
    ask: ({ protocol = "tcp", host, port, bytes = 1, timeoutMs = 5_000, fromPort = 0, from = "" }) =>
      tell({ do: "ask", protocol, host, port, bytes, timeoutMs, fromPort, from }),
    open: async ({ host, port }) => {
      const text = await tell({ do: "open", host, port });
      if (text !== "open") throw new Error(`open ${host}:${port} from ${name}: ${text}`);
    },
    talk: () => tell({ do: "talk", timeoutMs: 1_000 }),
    exchange: (sent) => tell({ do: "exchange", ...sent, timeoutMs: 1_000 }),
  };
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exit = new Promise((resolve) => child.once("exit", resolve));
  child.kill("SIGKILL");
  await exit;
}
