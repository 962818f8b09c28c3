import { createHash } from "node:crypto";
import type { IPBlock } from "../../proto/gen/tallship/v1/networkpolicy.js";
import type { CompiledPolicy, CompiledPort, CompiledRule } from "../../proto/gen/tallship/v1/policies.js";
import { formatAddress, maskedSubnet, type Subnet } from "../ipv4.js";

/** Which way packets go, from the pod that a policy selects. */
export type PolicyDirection = "ingress" | "egress";

const SAFE_SET = /^[a-z0-9-]{1,64}$/;

/** The rules that accept what a policy lets through in a direction. None: it lets nothing through. */
export function policyRules(policy: CompiledPolicy, direction: PolicyDirection): readonly string[] {
  return policy[direction].flatMap((rule) => ruleLines(rule, direction === "ingress" ? "ip saddr" : "ip daddr"));
}

/** A chain's name that tells its rules apart from all others: what changes gets another name. */
export function chainName(prefix: string, rules: readonly string[]): string {
  return `${prefix}-${createHash("sha256").update(rules.join("\n")).digest("hex").slice(0, 20)}`;
}

/** Every way to meet the rule is a line. An IPv6 range is met by no packet of this table. */
function ruleLines({ peers, ports }: CompiledRule, field: string): readonly string[] {
  const froms = peers.length === 0 ? [""] : peers.flatMap(({ peer }) => peerMatch(peer, field));
  const tos = ports.length === 0 ? [""] : portMatches(ports);
  return froms.flatMap((from) => tos.map((to) => [from, to, "accept"].filter((word) => word !== "").join(" ")));
}

function peerMatch(peer: CompiledRule["peers"][number]["peer"], field: string): readonly string[] {
  if (peer?.$case === "set") return SAFE_SET.test(peer.value) ? [`${field} @${peer.value}`] : [];
  return peer === undefined ? [] : blockMatch(peer.value, field);
}

function blockMatch({ cidr, except }: IPBlock, field: string): readonly string[] {
  const range = maskedSubnet(cidr);
  if (range === undefined) return [];
  const holes = except.flatMap((text) => maskedSubnet(text) ?? []).map(subnetText);
  const words = [
    ...(range.prefixLength === 0 ? [] : [`${field} ${subnetText(range)}`]),
    ...(holes.length === 0 ? [] : [`${field} != { ${[...new Set(holes)].join(", ")} }`]),
  ];
  return [words.join(" ")];
}

function subnetText({ base, prefixLength }: Subnet): string {
  return `${formatAddress(base)}/${prefixLength}`;
}

const PROTOCOLS = ["TCP", "UDP", "SCTP"] as const;

function portMatches(ports: readonly CompiledPort[]): readonly string[] {
  return PROTOCOLS.flatMap((protocol) => {
    const word = protocol.toLowerCase();
    const own = ports.filter((port) => port.protocol === protocol);
    const named = own.flatMap(({ set }) => (SAFE_SET.test(set) ? [set] : []));
    const numbers = own.filter(({ set }) => set === "");
    if (numbers.some(({ first }) => first === 0)) return [`meta l4proto ${word}`];
    const ranges = [...new Set(numbers.map(({ first, last }) => (first === last ? `${first}` : `${first}-${last}`)))];
    return [
      ...(ranges.length === 0 ? [] : [`${word} dport { ${ranges.join(", ")} }`]),
      ...named.map((set) => `ip daddr . meta l4proto . th dport @${set}`),
    ];
  });
}
