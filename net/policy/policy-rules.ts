import { createHash } from "node:crypto";
import type { IPBlock } from "../../proto/gen/tallship/v1/networkpolicy.js";
import type { CompiledPolicy, CompiledPort, CompiledRule } from "../../proto/gen/tallship/v1/policies.js";
import { type Family, WORDS } from "../family.js";
import { formatAddress, maskedSubnet } from "../ipv4.js";
import { formatIpv6Subnet, maskedIpv6Subnet } from "../ipv6.js";

/** Which way packets go, from the pod that a policy selects. */
export type PolicyDirection = "ingress" | "egress";

const SAFE_SET = /^[a-z0-9-]{1,64}$/;

/** The rules that accept what a policy lets through in a direction, in the words of a family. None: it lets nothing through. */
export function policyRules(policy: CompiledPolicy, direction: PolicyDirection, family: Family): readonly string[] {
  const end = direction === "ingress" ? "saddr" : "daddr";
  return policy[direction].flatMap((rule) => ruleLines(rule, { family, end }));
}

/** Whose address a rule asks about: the one of the peer. */
interface Asked {
  readonly family: Family;
  readonly end: "saddr" | "daddr";
}

/** A chain's name that tells its rules apart from all others: what changes gets another name. */
export function chainName(prefix: string, rules: readonly string[]): string {
  return `${prefix}-${createHash("sha256").update(rules.join("\n")).digest("hex").slice(0, 20)}`;
}

/** Every way to meet the rule is a line. A range of the other family is met by no packet of this table. */
function ruleLines({ peers, ports }: CompiledRule, asked: Asked): readonly string[] {
  const froms = peers.length === 0 ? [""] : peers.flatMap(({ peer }) => peerMatch(peer, asked));
  const tos = ports.length === 0 ? [""] : portMatches(ports, asked.family);
  return froms.flatMap((from) => tos.map((to) => [from, to, "accept"].filter((word) => word !== "").join(" ")));
}

function peerMatch(peer: CompiledRule["peers"][number]["peer"], { family, end }: Asked): readonly string[] {
  const field = `${WORDS[family].ip} ${end}`;
  if (peer?.$case === "set") return SAFE_SET.test(peer.value) ? [`${field} @${peer.value}`] : [];
  return peer === undefined ? [] : blockMatch(peer.value, field, family);
}

function blockMatch({ cidr, except }: IPBlock, field: string, family: Family): readonly string[] {
  const range = rangeText(cidr, family);
  if (range === undefined) return [];
  const holes = except.flatMap((text) => rangeText(text, family) ?? []);
  const words = [
    ...(range.endsWith("/0") ? [] : [`${field} ${range}`]),
    ...(holes.length === 0 ? [] : [`${field} != { ${[...new Set(holes)].join(", ")} }`]),
  ];
  return [words.join(" ")];
}

/** The range as the kernel has it, host bits cut off; undefined when it is none of the family. */
function rangeText(cidr: string, family: Family): string | undefined {
  if (family === "IPv6") {
    const range = maskedIpv6Subnet(cidr);
    return range && formatIpv6Subnet(range);
  }
  const range = maskedSubnet(cidr);
  return range && `${formatAddress(range.base)}/${range.prefixLength}`;
}

const PROTOCOLS = ["TCP", "UDP", "SCTP"] as const;

function portMatches(ports: readonly CompiledPort[], family: Family): readonly string[] {
  return PROTOCOLS.flatMap((protocol) => {
    const word = protocol.toLowerCase();
    const own = ports.filter((port) => port.protocol === protocol);
    const named = own.flatMap(({ set }) => (SAFE_SET.test(set) ? [set] : []));
    const numbers = own.filter(({ set }) => set === "");
    if (numbers.some(({ first }) => first === 0)) return [`meta l4proto ${word}`];
    const ranges = [...new Set(numbers.map(({ first, last }) => (first === last ? `${first}` : `${first}-${last}`)))];
    return [
      ...(ranges.length === 0 ? [] : [`${word} dport { ${ranges.join(", ")} }`]),
      ...named.map((set) => `${WORDS[family].ip} daddr . meta l4proto . th dport @${set}`),
    ];
  });
}
