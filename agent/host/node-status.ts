import { SCTP_CONDITION } from "../../kinds/sctp.js";
import { rfc3339 } from "../../lib/clock.js";
import { limit } from "../../lib/limits.js";
import { formatBytes, formatMillicores, quantityBytes } from "../../lib/quantity.js";
import { type NetworkAbilities, NOTHING_PUBLISHED, type Published } from "../../net/node-network.js";
import { Condition } from "../../proto/gen/tallship/v1/meta.js";
import { NodeStatus } from "../../proto/gen/tallship/v1/node.js";
import type { NodeConditionReport } from "../../proto/gen/tallship/v1/session.js";
import type { DeviceReport } from "../devices/node-devices.js";
import { PRESSURE_REASONS } from "../pressure/conditions.js";
import type { PressureCondition } from "../pressure/thresholds.js";
import type { HostFacts } from "./host-facts.js";

/** What changes of a node while the agent runs. */
export interface NodeNow {
  /** The node's overlay device and what the kernel can do; undefined until the network is up. */
  readonly overlay: NetworkAbilities | undefined;
  /** What its network has told; absent: nothing. */
  readonly published?: Published;
  /** Further conditions, as last reported. */
  readonly reported: readonly NodeConditionReport[];
  readonly devices: DeviceReport;
  readonly nowMs: number;
}

/** Kept for the host itself: what pods together may not ask for. */
const RESERVED = { cpuMillicores: 100, memoryShare: 0.05, memoryMostBytes: 1_073_741_824 } as const;

/** What pods may ask for of the host. */
export function allocatable(facts: HostFacts): Readonly<Record<string, string>> {
  const { hugepages = {} } = facts;
  const reservedBytes = Math.min(RESERVED.memoryMostBytes, facts.memoryBytes * RESERVED.memoryShare);
  // Huge pages are set aside already: nobody gets them as memory.
  const asideBytes = Object.values(hugepages).reduce((sum, amount) => sum + quantityBytes(amount), 0);
  const mebibyte = 1_048_576;
  return {
    cpu: formatMillicores(Math.max(100, facts.cpuMillicores - RESERVED.cpuMillicores)),
    memory: formatBytes(Math.floor((facts.memoryBytes - reservedBytes - asideBytes) / mebibyte) * mebibyte),
    "ephemeral-storage": formatBytes(facts.diskBytes),
    pods: `${limit("podsPerNode")}`,
    ...hugepages,
  };
}

/** The node's status as the agent reports it. The node counts as Ready once its network is up. */
export function nodeStatus(facts: HostFacts, now: NodeNow): NodeStatus {
  const { tunnels, linkIpv6: linkIPv6, shortcut, ...seen } = now.published ?? NOTHING_PUBLISHED;
  const counts = Object.fromEntries(Object.entries(now.devices.counts).map(([kind, count]) => [kind, `${count}`]));
  return NodeStatus.fromPartial({
    capacity: {
      cpu: formatMillicores(facts.cpuMillicores),
      memory: formatBytes(facts.memoryBytes),
      "ephemeral-storage": formatBytes(facts.diskBytes),
      pods: `${limit("podsPerNode")}`,
      ...facts.hugepages,
      ...counts,
    },
    allocatable: { ...allocatable(facts), ...counts },
    conditions: conditions(now),
    addresses: [
      ...internalIPs(facts, seen).map((address) => ({ type: "InternalIP", address })),
      { type: "Hostname", address: facts.hostname },
    ],
    nodeInfo: facts.systemInfo,
    overlay:
      now.overlay === undefined
        ? undefined
        : {
            underlayIP: facts.nodeIP,
            vtepMAC: now.overlay.vtepMAC,
            mtu: now.overlay.mtu,
            leadsBack: now.overlay.leadsBack,
            leadsBackIPv6: now.overlay.leadsBackIpv6,
            probePort: facts.probePort,
            answersOnNetworks: facts.probePort !== 0,
            answersOnNetworksIPv6: facts.probePort !== 0,
            tunnels,
            linkIPv6,
            shortcut,
          },
    volumesPath: facts.volumesPath,
    devices: now.devices.devices,
    daemonEndpoints: { kubeletEndpoint: { Port: facts.nodePort } },
  });
}

/**
 * The address that other hosts know this one by, and every one beside it on the same link, those of IPv4 first, as its network sees them, or as they were when the
 * agent started.
 */
function internalIPs(
  { nodeIP, hostIPv4 = [], hostIPv6 = [] }: Pick<HostFacts, "nodeIP" | "hostIPv4" | "hostIPv6">,
  seen: Pick<Published, "hostIpv4" | "hostIpv6">,
): readonly string[] {
  const most = limit("nodeAddresses");
  return [nodeIP, ...(seen.hostIpv4 ?? hostIPv4).slice(0, most), ...(seen.hostIpv6 ?? hostIPv6).slice(0, most)];
}

function conditions({ overlay, reported, nowMs }: NodeNow): readonly Condition[] {
  const at = rfc3339(nowMs);
  const isUp = overlay !== undefined;
  const times = { lastTransitionTime: at, lastHeartbeatTime: at };
  const fine = (type: string, reason: string): Condition =>
    Condition.fromPartial({ type, status: "False", reason, ...times });
  const told = new Set(reported.map(({ type }) => type));
  const unless = (type: PressureCondition): readonly Condition[] =>
    told.has(type) ? [] : [fine(type, PRESSURE_REASONS[type].isFine)];
  return [
    ...unless("DiskPressure"),
    ...unless("MemoryPressure"),
    Condition.fromPartial({
      type: "NetworkUnavailable",
      status: isUp ? "False" : "True",
      reason: isUp ? "OverlayUp" : "OverlayNotUp",
      ...times,
    }),
    ...unless("PIDPressure"),
    Condition.fromPartial({
      type: "Ready",
      status: isUp ? "True" : "False",
      reason: isUp ? "AgentReady" : "NetworkNotReady",
      message: isUp ? "" : "the node's overlay network is not up yet",
      ...times,
    }),
    ...(overlay?.tracksSctp === false ? [Condition.fromPartial({ ...SCTP_UNAVAILABLE, ...times })] : []),
    ...reported.map((report) => Condition.fromPartial({ ...report, ...times })),
  ];
}

const SCTP_UNAVAILABLE = {
  type: SCTP_CONDITION,
  status: "True",
  reason: "NotTracked",
  message: "the kernel does not track connections of SCTP (CONFIG_NF_CT_PROTO_SCTP): they are not led to services",
};

/** Labels that the host sets on its own node object, with Kubernetes' names. */
export function nodeLabels(facts: HostFacts): Readonly<Record<string, string>> {
  return {
    "kubernetes.io/hostname": facts.nodeName,
    "kubernetes.io/os": "linux",
    "kubernetes.io/arch": facts.systemInfo.architecture,
    ...(facts.isControlPlane && { "node-role.kubernetes.io/control-plane": "" }),
  };
}
