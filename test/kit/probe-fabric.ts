import type { Clock } from "../../lib/clock.js";
import { silentLog } from "../../lib/log.js";
import { type Rng, seededRng } from "../../lib/rng.js";
import type { NameServerHealth, PeerHealth } from "../../net/health/health-report.js";
import { NodeHealth } from "../../net/health/node-health.js";
import type { Evidence, PodWay, TcpOutcome } from "../../net/health/peer-view.js";
import { type Path, PROBE_HEADERS_BYTES, type Way } from "../../net/health/probe-packet.js";
import type { ProbeEnd, ProbeReceiver, ProbeWire } from "../../net/health/probe-wire.js";
import { NO_REMEDIES, type Remedies } from "../../net/health/remedies.js";
import { Node } from "../../proto/gen/tallship/v1/node.js";
import { ManualClock } from "./manual-clock.js";

/** A packet on its way between two nodes, as the fabric's faults see it. */
export interface Parcel {
  readonly from: string;
  readonly to: string;
  readonly path: Way;
  readonly protocol: "udp" | "tcp";
  /** Of the inner IP packet on the overlay, of the IP packet on the underlay. */
  readonly bytes: number;
}

/** What the fabric does to a packet. */
export interface Fate {
  readonly isLost?: boolean;
  readonly isSpoiled?: boolean;
  readonly delayMs?: number;
}

/** What is wrong with the fabric. */
export interface Weather {
  readonly fate?: (parcel: Parcel, rng: Rng) => Fate;
  /** Nodes whose agents do not run. */
  readonly down?: readonly string[];
  /** Nodes whose agents hang: their kernels still take connections. */
  readonly hung?: readonly string[];
  readonly ping?: (from: string, to: string) => "passed" | "silent";
  readonly routes?: (from: string, to: string) => Evidence["routes"];
  /** By how much a node's wall clock is ahead. */
  readonly aheadMs?: (name: string) => number;
  readonly checksumErrors?: (name: string) => number;
  /** A node that answers at another's address. */
  readonly standIn?: (to: string) => string;
  readonly nameServer?: (name: string) => string | undefined;
}

/** One node of the fabric. */
export interface FabricNode {
  readonly name: string;
  readonly health: NodeHealth;
  /** The latest of each peer. */
  readonly seen: Map<string, PeerHealth>;
  /** Every kind of fault that was ever named, with the peer. */
  readonly everNamed: Set<string>;
  nameServers: readonly NameServerHealth[];
  remedies: Remedies;
  /** Packets sent. */
  sent: number;
}

const MTU = { underlay: 1_500, overlay: 1_450 };

/** Nodes that probe each other over simulated links, on a clock that the test moves. */
export function probeFabric(count: number, seed = 1, way: PodWay = "overlay") {
  const clock = new ManualClock();
  const rng = seededRng(seed);
  let weather: Weather = {};
  const names = Array.from({ length: count }, (_, at) => `node-${String(at).padStart(3, "0")}`);
  const objects = new Map(names.map((name, at) => [name, nodeOf(name, at)]));
  const ends = new Map<string, { name: string; path: Way }>();
  for (const [at, name] of names.entries())
    for (const path of ["underlay", "overlay", "ipv6"] as const) ends.set(addressesOf(at)[path], { name, path });
  const receivers = new Map<string, ProbeReceiver>();
  const nodes = new Map<string, FabricNode>();

  const isAway = (name: string): boolean => [...(weather.down ?? []), ...(weather.hung ?? [])].includes(name);
  const fateOf = (parcel: Parcel): Fate => weather.fate?.(parcel, rng) ?? {};

  const wireOf = (name: string, at: number): ProbeWire => ({
    open: async (_addresses, _port, receiver) => void receivers.set(name, receiver),
    send: (path, to, bytes) => {
      const target = ends.get(to.address)?.name ?? "";
      const node = nodes.get(name);
      if (node !== undefined) node.sent += 1;
      const parcel = {
        from: name,
        to: target,
        path,
        protocol: "udp",
        bytes: bytes.length + PROBE_HEADERS_BYTES,
      } as const;
      const { isLost = false, isSpoiled = false, delayMs = 0.3 } = fateOf(parcel);
      const arrived = weather.standIn?.(target) ?? target;
      if (isLost || isAway(arrived)) return;
      const held = Buffer.from(bytes);
      if (isSpoiled) held.writeUInt8(held.readUInt8(held.length - 1) ^ 0xff, held.length - 1);
      if (isAway(name)) return;
      // Who stands in answers from the address that was asked.
      const isAnswer = bytes.readUInt8(5) === 2;
      const stoodFor = isAnswer ? names.findIndex((each) => each !== name && weather.standIn?.(each) === name) : -1;
      const from: ProbeEnd = { address: addressesOf(stoodFor < 0 ? at : stoodFor)[path], port: 7_447 };
      clock.after(delayMs, () => receivers.get(arrived)?.packet(path, held, from));
    },
    connect: (path, to, bytes) => connect({ name, path, to, bytes: bytes.length }),
    knock: async (path, to) => {
      const { outcome } = await connect({ name, path, to, bytes: 60 });
      // The kernel of an agent that hangs takes connections.
      return outcome === "stalled" ? "passed" : outcome;
    },
    close: () => undefined,
  });

  const connect = async (of: {
    name: string;
    path: Path;
    to: ProbeEnd;
    bytes: number;
  }): Promise<{ outcome: TcpOutcome }> => {
    const target = ends.get(of.to.address)?.name ?? "";
    const passes = (bytes: number): boolean =>
      [
        { from: of.name, to: target, bytes },
        { from: target, to: of.name, bytes: 60 },
      ].every((parcel) => fateOf({ ...parcel, path: of.path, protocol: "tcp" }).isLost !== true);
    // A connection repeats what is lost: three times within the time it has.
    const within = (bytes: number): boolean => passes(bytes) || passes(bytes) || passes(bytes);
    await clock.sleep(2, new AbortController().signal);
    if (!within(60)) return { outcome: "silent" };
    if (weather.down?.includes(target) === true) return { outcome: "refused" };
    if (weather.hung?.includes(target) === true) return { outcome: "stalled" };
    return { outcome: within(MTU[of.path]) ? "passed" : "stalled" };
  };

  const clockOf = (name: string): Clock => ({
    nowMs: () => clock.nowMs() + (weather.aheadMs?.(name) ?? 0),
    monotonicMs: () => clock.monotonicMs(),
    after: (delayMs, call) => clock.after(delayMs, call),
    sleep: (delayMs, signal) => clock.sleep(delayMs, signal),
  });

  for (const [at, name] of names.entries()) {
    const seen = new Map<string, PeerHealth>();
    const everNamed = new Set<string>();
    const nameOf = (address: string): string => ends.get(address)?.name ?? "";
    const health = new NodeHealth(
      {
        self: {
          ...{ nodeName: name, podCIDR: objects.get(name)?.spec?.podCIDR ?? "", clusterCIDR: "10.128.0.0/9" },
          ipv6: { podCIDR: ipv6SubnetAt(at), clusterCIDR: "fd00:10:128::/48" },
        },
        addresses: addressesOf(at),
        port: 7_447,
        way,
        fullBytes: MTU,
      },
      {
        clock: clockOf(name),
        rng: seededRng(seed * 1_000 + at),
        log: silentLog,
        wire: wireOf(name, at),
        evidence: {
          routes: async (peers) => peers.map(({ underlay }) => weather.routes?.(name, nameOf(underlay)) ?? {}),
          route: async () => undefined,
          ping: async ({ overlay }) => weather.ping?.(name, nameOf(overlay)) ?? "silent",
          checksumErrors: () => weather.checksumErrors?.(name) ?? 0,
          prefixLength: () => 24,
          askNameServer: async () => weather.nameServer?.(name),
          nameServers: () => ["192.0.2.53"],
        },
        listener: {
          waysLooked: () => undefined,
          looked: (peers, _gone, nameServers) => {
            node.nameServers = nameServers;
            for (const peer of peers) {
              seen.set(peer.peer, peer);
              if (peer.fault !== undefined) everNamed.add(`${peer.peer} ${peer.fault.kind}`);
            }
          },
        },
        remedy: (remedies) => {
          node.remedies = remedies;
        },
        held: NO_REMEDIES,
      },
    );
    const node: FabricNode = { name, health, seen, everNamed, nameServers: [], remedies: NO_REMEDIES, sent: 0 };
    nodes.set(name, node);
    health.setNodes(objects, true);
    health.start();
  }

  return {
    clock,
    names,
    objects,
    node: (at: number): FabricNode => {
      const node = nodes.get(names[at] ?? "");
      if (node === undefined) throw new Error(`no node ${at}`);
      return node;
    },
    setWeather: (next: Weather): void => {
      weather = next;
    },
    /** Lets time pass until the claim holds; how long it took, or undefined after the deadline. */
    until: async (claim: () => boolean, deadlineMs: number): Promise<number | undefined> => {
      const beganMs = clock.monotonicMs();
      while (!claim()) {
        if (clock.monotonicMs() - beganMs >= deadlineMs) return undefined;
        await clock.advance(500);
      }
      return clock.monotonicMs() - beganMs;
    },
    stop: (): void => {
      for (const { health } of nodes.values()) health.stop();
    },
  };
}

function ipv6SubnetAt(at: number): string {
  return `fd00:10:128:${(at + 1).toString(16)}::/64`;
}

function addressesOf(at: number): Readonly<Record<Way, string>> {
  return {
    underlay: `192.168.${Math.floor(at / 200)}.${(at % 200) + 1}`,
    overlay: `10.${128 + Math.floor(at / 200)}.${at % 200}.1`,
    ipv6: ipv6SubnetAt(at).replace("/64", "1"),
  };
}

function nodeOf(name: string, at: number): Node {
  const { underlay, overlay } = addressesOf(at);
  const podCIDR = `${overlay.replace(/\.1$/, ".0")}/24`;
  return Node.fromPartial({
    metadata: { name },
    spec: { podCIDR: podCIDR, podCIDRs: [podCIDR, ipv6SubnetAt(at)] },
    status: {
      overlay: { underlayIP: underlay, vtepMAC: "02:00:00:00:00:01", mtu: MTU.overlay, probePort: 7_447 },
      conditions: [{ type: "Ready", status: "True" }],
    },
  });
}
