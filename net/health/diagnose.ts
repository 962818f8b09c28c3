import { assertNever } from "../../lib/errors.js";
import { limit } from "../../lib/limits.js";
import { OVERLAY_DEVICE, TUNNEL_DEVICE_PREFIX } from "../device-names.js";
import { type LaneView, type PeerView, type PodWay, type TcpOutcome, wayTo } from "./peer-view.js";
import type { Path } from "./probe-packet.js";

/** What can be at fault on the way to a peer. The word is shown as a reason, and is the metric's label. */
export const FAULTS = [
  "PeerUnreachable",
  "PeerAgentDown",
  "OneWay",
  "UdpBlocked",
  "VxlanBlocked",
  "OverlayFiltered",
  "ChecksumOffload",
  "MtuBlackHole",
  "PacketLoss",
  "AsymmetricLoss",
  "WrongRoute",
  "TcpBlocked",
  "IPv6Blocked",
  "ClockSkew",
  "NetworkBlocked",
] as const;

/** One of them. */
export type FaultKind = (typeof FAULTS)[number];

/** A fault, named. Two with the same kind and direction are one fault that goes on. */
export interface Fault {
  readonly kind: FaultKind;
  /** Which packets are concerned: those to the peer, those from it, or both as far as is known. */
  readonly direction: "to" | "from" | "both";
  /** A sentence that names the peer. */
  readonly message: string;
}

/** The checks in their order: what explains more comes before what it explains. */
const CHECKS: readonly ((view: PeerView) => Fault | undefined)[] = [
  wrongRoute,
  silentPeer,
  silentUnderlay,
  blackHole("underlay"),
  spoiled,
  silentOverlay,
  blackHole("overlay"),
  silentIpv6,
  loss("underlay"),
  loss("overlay"),
  silentTcp,
  clockSkew,
];

/** What is at fault on the way to a peer; undefined when nothing is, or not enough is known. Pure. */
export function diagnose(view: PeerView): Fault | undefined {
  for (const check of CHECKS) {
    const fault = check(view);
    if (fault !== undefined) return fault;
  }
  return undefined;
}

/** Nothing has passed for so long that a host that restarts its network does not explain it. */
export function isDead({ silentCount, silentMs }: Pick<LaneView, "silentCount" | "silentMs">): boolean {
  return silentCount >= limit("probeDeadCount") && silentMs >= limit("probeDeadMs");
}

function isAlive(lane: LaneView): boolean {
  return lane.answered > 0 && !isDead(lane);
}

/** Devices by which packets for the peer's pods may leave. */
function isOnItsWay(device: string, view: PeerView): boolean {
  const way = wayTo(view);
  switch (way) {
    case "overlay":
      return device === OVERLAY_DEVICE;
    case "tunnel":
      return device.startsWith(TUNNEL_DEVICE_PREFIX);
    case "link":
      return device === (view.evidence?.routes.underlay?.device ?? device);
    default:
      return assertNever(way);
  }
}

/** Hosts that have no address of IPv6 on the link are reached by it through the overlay. */
function isIpv6OnItsWay(device: string, view: PeerView): boolean {
  return isOnItsWay(device, view) || (view.way === "link" && device === OVERLAY_DEVICE);
}

const WAY_NAMES: Readonly<Record<PodWay, string>> = {
  overlay: OVERLAY_DEVICE,
  tunnel: "an encrypted tunnel",
  link: "the link",
};

function wrongRoute(view: PeerView): Fault | undefined {
  const { peer, strangers, evidence, isOnLink, way } = view;
  const fault = (message: string): Fault => ({ kind: "WrongRoute", direction: "to", message });
  if (strangers > 1)
    return fault(`another node answers at the address of ${peer}: two hosts have it, or a route leads astray`);
  const { overlay, underlay, ipv6 } = evidence?.routes ?? {};
  if (overlay !== undefined && !isOnItsWay(overlay.device, view))
    return fault(
      `packets for the pods of ${peer} leave by ${overlay.device}, not by ${WAY_NAMES[way]}: another route takes them`,
    );
  if (ipv6 !== undefined && !isIpv6OnItsWay(ipv6.device, view))
    return fault(
      `packets of IPv6 for the pods of ${peer} leave by ${ipv6.device}, not by ${WAY_NAMES[way]}: another route takes them`,
    );
  if (underlay === undefined) return undefined;
  if (underlay.device === OVERLAY_DEVICE)
    return fault(`packets for the host ${peer} leave by the overlay, which they are to carry`);
  if (isOnLink && underlay.via !== "")
    return fault(`packets for the host ${peer} go by ${underlay.via}, though it is on the link`);
  return undefined;
}

/** Neither way has an answer: which of host, agent, UDP or direction is it? */
function silentPeer({ peer, lanes, tcp, hears }: PeerView): Fault | undefined {
  if (!isDead(lanes["underlay-small"]) || !isDead(lanes["overlay-small"])) return undefined;
  const connection = last(tcp.underlay);
  if (connection === undefined) return undefined; // One is under way.
  // The kernel takes connections of a program that hangs, and refuses those of one that is not there.
  if (connection === "refused" || connection === "stalled") {
    const how = connection === "refused" ? "does not run" : "does not answer";
    return { kind: "PeerAgentDown", direction: "both", message: `the host ${peer} is reached, but its agent ${how}` };
  }
  if (connection === "passed")
    return {
      kind: "UdpBlocked",
      direction: "both",
      message: `TCP reaches the host ${peer}, UDP does not: a firewall or the network drops it`,
    };
  if (hears.underlay || hears.overlay)
    return {
      kind: "OneWay",
      direction: "to",
      message: `packets of ${peer} arrive here, packets to it do not arrive there`,
    };
  // Its own round may be yet to come.
  if (lanes["underlay-small"].silentMs < 1.2 * limit("probeEveryMs")) return undefined;
  return {
    kind: "PeerUnreachable",
    direction: "both",
    message: `nothing reaches the host ${peer}, or nothing comes back`,
  };
}

function silentUnderlay({ peer, lanes }: PeerView): Fault | undefined {
  if (!isDead(lanes["underlay-small"]) || !isAlive(lanes["overlay-small"])) return undefined;
  return {
    kind: "UdpBlocked",
    direction: "both",
    message: `UDP of the probes does not reach the host ${peer}, though the overlay's does`,
  };
}

/** The host is reached, its pods are not: what a ping says of them is of use. */
export function isSilentOverlay({ lanes }: Pick<PeerView, "lanes">): boolean {
  return isDead(lanes["overlay-small"]) && isAlive(lanes["underlay-small"]);
}

function silentOverlay(view: PeerView): Fault | undefined {
  if (!isSilentOverlay(view)) return undefined;
  const { peer, lanes, evidence, tcp, checksumErrors, hears } = view;
  const lane = lanes["overlay-small"];
  if (checksumErrors > 0)
    return {
      kind: "ChecksumOffload",
      direction: "to",
      message: `the kernel of ${peer} finds wrong checksums in what arrives through the overlay: this host's network device computes them wrongly`,
    };
  // It is asked for; of very many silent peers not of each in time.
  if (evidence === undefined || (evidence.ping === undefined && lane.silentMs < 2 * limit("probeDeadMs")))
    return undefined;
  const what = last(tcp.overlay) === "passed" ? "UDP" : "UDP and TCP";
  if (evidence.ping === "passed")
    return {
      kind: "OverlayFiltered",
      direction: "both",
      message: `ICMP passes through the overlay to ${peer}, ${what} do not: a filter drops them, or a device computes their checksums wrongly`,
    };
  const isHeardThere = lane.counted !== undefined && 2 * lane.counted.lostThere < lane.counted.sent;
  const direction = isHeardThere ? "from" : hears.overlay ? "to" : lane.counted === undefined ? "both" : "to";
  const which = { to: `to ${peer}`, from: `from ${peer}`, both: `to and from ${peer}` }[direction];
  return {
    kind: "VxlanBlocked",
    direction,
    message: `the overlay's packets ${which} are dropped, others pass: a firewall or the network blocks its UDP port`,
  };
}

/** The way to the peer's pods carries IPv4, and not what is of IPv6 on it. */
function silentIpv6({ peer, ipv6, lanes }: PeerView): Fault | undefined {
  if (!isDead(ipv6) || !isAlive(lanes["overlay-small"])) return undefined;
  return {
    kind: "IPv6Blocked",
    direction: "both",
    message: `packets of IPv6 for the pods of ${peer} are not answered, those of IPv4 are: a filter on one of the hosts drops them`,
  };
}

/** Small packets pass and full ones do not, beyond what the loss of small ones explains. */
function blackHole(path: Path): (view: PeerView) => Fault | undefined {
  return ({ peer, lanes, passing, fullBytes }) => {
    const [small, full] = [lanes[`${path}-small`], lanes[`${path}-full`]];
    if (!isDead(full) || !isAlive(small)) return undefined;
    const smallLoss = (small.settled - small.answered + 1) / (small.settled + 2);
    if (smallLoss ** full.silentCount > CHANCE) return undefined;
    const size = passing[path];
    const where = path === "overlay" ? "through the overlay " : "";
    const found = size === undefined ? `of ${fullBytes[path]} bytes` : `over ${size} bytes`;
    return {
      kind: "MtuBlackHole",
      direction: "to",
      message: `packets ${found} ${where}to ${peer} are dropped and nobody says so: a device on the way has a smaller MTU`,
    };
  };
}

/** How likely chance alone may be where a fault is named. */
const CHANCE = 0.001;

/** Packets arrive, with other bytes than were sent. */
function spoiled({ peer, lanes }: PeerView): Fault | undefined {
  const [small, full] = [lanes["overlay-small"], lanes["overlay-full"]];
  const isThere = small.spoiledThere + full.spoiledThere >= 2;
  if (!isThere && small.spoiledBack + full.spoiledBack < 2) return undefined;
  const direction = isThere ? "to" : "from";
  return {
    kind: "ChecksumOffload",
    direction,
    message: `packets through the overlay ${direction} ${peer} arrive with changed bytes that no checksum caught: a network device spoils them`,
  };
}

function loss(path: Path): (view: PeerView) => Fault | undefined {
  return ({ peer, lanes }) => {
    const lane = lanes[`${path}-small`];
    const { sent, lost } = lane.lossSince;
    if (sent < limit("probeLossCount") || lossAtLeast(lost, sent) < LEAST_LOSS) return undefined;
    const share = `${Math.max(1, Math.round((100 * lost) / sent))} percent`;
    const way = path === "overlay" ? "through the overlay " : "";
    const { lostThere = 0, lostBack = 0 } = lane.counted ?? {};
    const total = lostThere + lostBack;
    if (total >= 4 && Math.max(lostThere, lostBack) >= ONE_SIDED * total) {
      const direction = lostThere > lostBack ? "to" : "from";
      return {
        kind: "AsymmetricLoss",
        direction,
        message: `about ${share} of packets ${way}${direction} ${peer} are lost, in that direction alone`,
      };
    }
    return {
      kind: "PacketLoss",
      direction: "both",
      message: `about ${share} of packets ${way}to ${peer} and back are lost`,
    };
  };
}

/** A loss that is at least this share is a fault. */
const LEAST_LOSS = 0.02;

/** Share of all lost packets that makes a loss one direction's. */
const ONE_SIDED = 0.8;

/** The least share that is lost, with all but 1 in 20,000 certainty, since it is asked about each peer every second: Wilson's lower bound. */
export function lossAtLeast(lost: number, sent: number): number {
  if (sent === 0) return 0;
  const z = 3.9;
  const share = lost / sent;
  const spread = z * Math.sqrt((share * (1 - share) + (z * z) / (4 * sent)) / sent);
  return Math.max(0, (share + (z * z) / (2 * sent) - spread) / (1 + (z * z) / sent));
}

/** UDP passes both ways, TCP does not, twice in a row. */
function silentTcp({ peer, tcpSince, lanes }: PeerView): Fault | undefined {
  for (const path of ["underlay", "overlay"] as const) {
    const latest = tcpSince[path].slice(-2);
    const isBad = latest.length === 2 && latest.every((outcome) => outcome !== "passed");
    const lane = lanes[`${path}-small`];
    // Where packets of UDP have just begun to be missing as well, it is not TCP alone.
    if (!isBad || !isAlive(lane) || lane.silentCount > 1) continue;
    const how = last(latest) === "refused" ? "are refused" : last(latest) === "stalled" ? "stall" : "are not answered";
    const where = path === "overlay" ? "through the overlay " : "";
    return {
      kind: "TcpBlocked",
      direction: "to",
      message: `TCP connections ${where}to ${peer} ${how}, though UDP passes`,
    };
  }
  return undefined;
}

function clockSkew({ peer, clock }: PeerView): Fault | undefined {
  if (clock === undefined || Math.abs(clock.aheadMs) - clock.errorMs < limit("probeClockSkewMs")) return undefined;
  const seconds = Math.abs(clock.aheadMs / 1000).toFixed(1);
  const message = `the clock of ${peer} is ${seconds} s ${clock.aheadMs > 0 ? "ahead of" : "behind"} this host's`;
  return { kind: "ClockSkew", direction: "both", message };
}

function last(outcomes: readonly TcpOutcome[]): TcpOutcome | undefined {
  return outcomes.at(-1);
}
