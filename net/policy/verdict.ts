import type { IPBlock } from "../../proto/gen/tallship/v1/networkpolicy.js";
import type { CompiledPeer, CompiledPort, CompiledRule } from "../../proto/gen/tallship/v1/policies.js";
import { rangeTest } from "../family.js";
import type { PolicyMap } from "./policy-map.js";

/** A connection as policies see it: after services were translated to endpoints, before any source was. */
export interface PolicyFlow {
  /** tcp, udp, sctp or another protocol's name. */
  readonly protocol: string;
  readonly from: string;
  readonly to: string;
  /** Port that is sent to; 0 for protocols without. */
  readonly port: number;
}

/**
 * Whether policies let the connection through, as the kernel's rules would decide now. `uidOf` gives the pod of this node that has an
 * address: the other nodes decide for theirs. A pod always reaches itself.
 */
export function isLetThrough(
  map: PolicyMap,
  uidOf: (address: string) => string | undefined,
  flow: PolicyFlow,
): boolean {
  if (flow.from === flow.to) return true;
  const sender = map.pods.get(uidOf(flow.from) ?? "");
  const receiver = map.pods.get(uidOf(flow.to) ?? "");
  return (
    isAllowedBy(map, sender?.egress ?? [], { direction: "egress", flow }) &&
    isAllowedBy(map, receiver?.ingress ?? [], { direction: "ingress", flow })
  );
}

interface Question {
  readonly direction: "ingress" | "egress";
  readonly flow: PolicyFlow;
}

function isAllowedBy(map: PolicyMap, names: readonly string[], { direction, flow }: Question): boolean {
  if (names.length === 0) return true;
  const other = direction === "ingress" ? flow.from : flow.to;
  const isMatch = ({ peers, ports }: CompiledRule): boolean =>
    (peers.length === 0 || peers.some((peer) => isPeer(map, peer, other))) &&
    (ports.length === 0 || ports.some((port) => isPort(map, port, flow)));
  return names.some((name) => map.policies.get(name)?.[direction].some(isMatch) === true);
}

function isPeer({ sets }: PolicyMap, { peer }: CompiledPeer, address: string): boolean {
  if (peer?.$case === "set") return sets.get(peer.value)?.has(address) === true;
  return peer !== undefined && isInBlock(peer.value, address);
}

function isInBlock({ cidr, except }: IPBlock, address: string): boolean {
  const isWithin = (range: string): boolean => rangeTest(range)(address);
  return isWithin(cidr) && !except.some(isWithin);
}

function isPort({ sets }: PolicyMap, wanted: CompiledPort, { protocol, port, to }: PolicyFlow): boolean {
  if (wanted.protocol.toLowerCase() !== protocol) return false;
  if (wanted.set !== "") return sets.get(wanted.set)?.has(`${to}/${wanted.protocol}/${port}`) === true;
  return wanted.first === 0 || (port >= wanted.first && port <= wanted.last);
}
