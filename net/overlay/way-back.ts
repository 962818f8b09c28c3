import { OVERLAY_DEVICE } from "../device-names.js";
import { EVERYWHERE, type Family } from "../family.js";
import { parseAddress } from "../ipv4.js";
import { type Entry, MAIN_TABLE } from "../kernel/entries.js";

/**
 * Clients from outside that a service leads to another node's pod keep their address (docs/adr/0024): the node they came to sends their packets
 * through the tunnel as they are, and the pod's node sends the answers back to that node, whatever way it has to the client itself. It remembers by
 * which node a connection came in the connection's mark; answers bear the mark, and each mark has a routing table that leads to its node.
 *
 * Marks are a function of the node's pod subnet of IPv4: an agent that starts anew finds the connections of its predecessor on their way. Those of a
 * node are the same in both families, each of which has rules and tables of its own.
 */
const RETURN_CLASS = 0xf5000000;

/** Mark of packets that keep their client's address on the way to another node's pod. */
export const KEPT_MARK = 0xf4000000;

/** What of a mark tells its class. Endpoints that sticky clients had are marks too: addresses, none of which begins like these. */
const CLASS_MASK = 0xff000000;

/** The bits of both classes, as nft compares them. */
export const MATCH_RETURNING = `& ${hex(CLASS_MASK)} == ${hex(RETURN_CLASS)}`;

/** All marks of the first class, as nft writes ranges. */
export const RETURN_MARKS = `${hex(RETURN_CLASS)}-${hex(RETURN_CLASS + 0xffffff)}`;

/** True of every mark of Tallship's on packets. */
export const MATCH_OWN_MARKS = `& 0xfe000000 == ${hex(KEPT_MARK)}`;

/** Before the main table's rule, which is 32766: one comparison for all packets that bear none of these marks. */
const BRANCH_PRIORITY = 8_453;
/** After it, where only marked packets get to. */
const RETURN_PRIORITY = 40_000;
const FALLBACK_PRIORITY = 40_001;

/** Mark of connections that came by the node with this gateway. Gateways of one cluster differ in their last three bytes. */
export function returnMark(gateway: string): number {
  return RETURN_CLASS + ((parseAddress(gateway) ?? 0) & 0xffffff);
}

/** The mark as nft writes it. */
export function hex(mark: number): string {
  return `0x${mark.toString(16)}`;
}

/** The rules by which marked packets get to their tables; those whose node is gone are led like any other. */
export function markRules(family: Family, hasDirectPeers: boolean): readonly Entry[] {
  const branch = { table: "rule" as const, family, mark: RETURN_CLASS, mask: CLASS_MASK };
  return [
    ...(hasDirectPeers ? [lookup(family, KEPT_MARK, BRANCH_PRIORITY - 1)] : []),
    { ...branch, priority: FALLBACK_PRIORITY, leads: "lookup", target: MAIN_TABLE },
    { ...branch, priority: BRANCH_PRIORITY, leads: "goto", target: RETURN_PRIORITY },
  ];
}

/**
 * The way back to a peer by which clients came. Where pods' packets take the shared link, kept ones take the tunnel all the same: by its inner
 * MAC the other end knows who sent them.
 */
export function wayBackTo({ podCIDR, gateway }: PeerSubnet, way: BackWay): readonly Entry[] {
  const { family, mark, source, mtu, isDirect } = way;
  const route = {
    ...{ table: "route" as const, device: OVERLAY_DEVICE, via: gateway, source },
    ...(mtu !== undefined && { mtu }),
  };
  return [
    { ...route, subnet: EVERYWHERE[family], inTable: mark },
    lookup(family, mark, RETURN_PRIORITY),
    ...(isDirect ? [{ ...route, subnet: podCIDR, inTable: KEPT_MARK }] : []),
  ];
}

/** A peer's pods of one family. */
export interface PeerSubnet {
  readonly podCIDR: string;
  readonly gateway: string;
}

/** How answers go back. */
export interface BackWay {
  readonly family: Family;
  /** Of the connections: see returnMark. */
  readonly mark: number;
  readonly source: string;
  readonly mtu?: number | undefined;
  /** Whether pods' packets take another way. */
  readonly isDirect: boolean;
}

/** Each mark has the routing table of its own number. */
function lookup(family: Family, mark: number, priority: number): Entry {
  return { table: "rule", family, priority, mark, mask: 0xffffffff, leads: "lookup", target: mark };
}
