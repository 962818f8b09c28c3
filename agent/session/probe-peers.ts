import { mayRemedy } from "../../kinds/network-health.js";
import type { Clock } from "../../lib/clock.js";
import type { Log } from "../../lib/log.js";
import type { Rng } from "../../lib/rng.js";
import type { HealthListener } from "../../net/health/health-report.js";
import { NetworkHealth } from "../../net/health/network-health.js";
import { networkWays } from "../../net/health/network-ways.js";
import type { NetworkWire } from "../../net/health/network-wire.js";
import { NodeHealth, type NodeHealthParts } from "../../net/health/node-health.js";
import { gatewayOf } from "../../net/ipv4.js";
import { ipv6GatewayOf } from "../../net/ipv6.js";
import { seenNetworks } from "../../net/networks/seen-network.js";
import type { FamilyRanges, NetworkMap, NodeNetwork, OverlayDevice } from "../../net/node-network.js";
import { overheadOf } from "../../net/overlay/overlay-plan.js";
import { peersOf } from "../../net/overlay/peers.js";
import type { ClusterConfig, NodeConditionReport } from "../../proto/gen/tallship/v1/session.js";
import type { HostFacts } from "../host/host-facts.js";
import { HealthTeller } from "./health-teller.js";
import type { LeaderSession } from "./leader-session.js";

/** Edge: what probing peers needs of the machine, and where it counts. */
export interface ProbeEdges extends Pick<NodeHealthParts, "wire" | "evidence"> {
  /** The same for networks beside the cluster's own. */
  readonly networks: NetworkWire;
  readonly observe: HealthListener;
}

/** What probing needs of an agent. */
export interface ProbePeersParts {
  readonly clock: Clock;
  readonly rng: Rng;
  readonly log: Log;
  /** Absent: no peer is probed and none answered. */
  readonly probe?: ProbeEdges | undefined;
  readonly facts: Pick<HostFacts, "nodeName" | "nodeIP" | "probePort">;
  readonly cluster: Pick<ClusterConfig, "podCIDR" | "serviceCIDR" | "encrypted" | "directRouting">;
  readonly podCIDR: string;
  readonly ipv6?: FamilyRanges | undefined;
  readonly overlay: OverlayDevice;
  readonly network: Pick<NodeNetwork, "remedy" | "remedies">;
  readonly session: Pick<LeaderSession, "reportNetwork" | "reportEvents">;
  readonly onCondition: (condition: NodeConditionReport) => void;
}

/** What the agent tells of to those who probe. */
export interface ProbingPeers {
  setMap(map: NetworkMap): void;
  /** The leader has welcomed the node. */
  welcomed(): void;
  stop(): void;
}

/** Probes the node's peers from now on, and tells the leader what it finds. */
export function probePeers(parts: ProbePeersParts): ProbingPeers | undefined {
  const { probe, clock, rng, facts, cluster, podCIDR, ipv6, overlay, network, session } = parts;
  if (probe === undefined) return undefined;
  const { nodeName } = facts;
  const teller = new HealthTeller({
    ...{ clock, nodeName, observe: probe.observe, condition: parts.onCondition },
    report: (report) => session.reportNetwork(report),
    events: (events) => session.reportEvents(events),
  });
  const health = new NodeHealth(
    {
      self: { nodeName, podCIDR, clusterCIDR: cluster.podCIDR, ipv6 },
      addresses: { underlay: facts.nodeIP, overlay: gatewayOf(podCIDR), ipv6: ipv6 && ipv6GatewayOf(ipv6.podCIDR) },
      port: facts.probePort,
      way: cluster.encrypted ? "tunnel" : cluster.directRouting ? "link" : "overlay",
      fullBytes: { underlay: overlay.mtu + overheadOf(cluster), overlay: overlay.mtu },
    },
    {
      ...{ clock, rng, wire: probe.wire, evidence: probe.evidence, listener: teller },
      log: parts.log.with({ part: "probes" }),
      remedy: (remedies) => network.remedy(remedies),
      held: network.remedies,
    },
  );
  health.start();
  const ways = probeNetworks(parts, { probe, teller, isReached: (peer) => health.isReached(peer) });
  return {
    setMap: (map) => {
      health.setNodes(map.nodes, mayRemedy(map.nodes.get(nodeName)?.metadata?.annotations));
      ways.setMap(map);
    },
    welcomed: () => teller.begin(),
    stop: () => {
      health.stop();
      ways.stop();
    },
  };
}

/** Networks beside the cluster's own, where nodes and networks are others than before. */
function probeNetworks(
  { clock, rng, facts, cluster, podCIDR, ipv6 }: ProbePeersParts,
  of: { readonly probe: ProbeEdges; readonly teller: HealthTeller; readonly isReached: (peer: string) => boolean },
): Pick<ProbingPeers, "setMap" | "stop"> {
  const { nodeName, probePort: port } = facts;
  const { networks: wire, evidence } = of.probe;
  const health = new NetworkHealth({
    ...{ clock, rng, nodeName, port, wire, evidence },
    ...{ listener: of.teller, isReached: of.isReached },
  });
  const self = { nodeName, podCIDR, clusterCIDR: cluster.podCIDR };
  const seer = { ...self, serviceCIDR: cluster.serviceCIDR, encrypted: cluster.encrypted, ipv6 };
  let last: Pick<NetworkMap, "nodes" | "networks"> | undefined;
  return {
    setMap: ({ nodes, networks }) => {
      const isSame = last?.networks === networks && (last.nodes === nodes || networks.size === 0);
      last = { nodes, networks };
      if (isSame) return;
      const peers = networks.size === 0 ? [] : peersOf(nodes.values(), self).peers;
      health.setWays(networkWays(seenNetworks(networks.values(), peers, seer), nodes));
    },
    stop: () => health.stop(),
  };
}
