import { overlaps } from "../../lib/cidr-overlap.js";
import type { LabelSelector } from "../../proto/gen/tallship/v1/meta.js";
import type {
  IPBlock,
  NetworkPolicy,
  NetworkPolicyPeer,
  NetworkPolicyPort,
} from "../../proto/gen/tallship/v1/networkpolicy.js";
import { formatError } from "../formats.js";
import type { Findings, Path } from "./findings.js";
import { checkSelectorParts } from "./selector.js";

/** Sound selectors, ports that are ranges, and peers that are either selected or addressed. */
export function checkNetworkPolicy({ spec }: NetworkPolicy, findings: Findings): void {
  if (spec === undefined) {
    findings.add("required", ["spec"], "this field is required");
    return;
  }
  if (spec.podSelector !== undefined) checkSelectorParts(spec.podSelector, ["spec", "podSelector"], findings);
  for (const [index, { ports, from }] of spec.ingress.entries())
    checkRule({ ports, peers: from, side: "from" }, ["spec", "ingress", index], findings);
  for (const [index, { ports, to }] of spec.egress.entries())
    checkRule({ ports, peers: to, side: "to" }, ["spec", "egress", index], findings);
}

interface Rule {
  readonly ports: readonly NetworkPolicyPort[];
  readonly peers: readonly NetworkPolicyPeer[];
  readonly side: "from" | "to";
}

function checkRule({ ports, peers, side }: Rule, path: Path, findings: Findings): void {
  for (const [index, port] of ports.entries()) checkPort(port, [...path, "ports", index], findings);
  for (const [index, peer] of peers.entries()) checkPeer(peer, [...path, side, index], findings);
}

function checkPort({ port, endPort }: NetworkPolicyPort, path: Path, findings: Findings): void {
  const value = port?.value;
  const wrongName = value?.$case === "strVal" ? formatError("portName", value.value) : undefined;
  if (wrongName !== undefined) findings.add("invalid", [...path, "port"], wrongName);
  if (value?.$case === "intVal" && (value.value < 1 || value.value > 65_535))
    findings.add("invalid", [...path, "port"], `want 1 to 65535, found ${value.value}`);
  if (endPort === undefined) return;
  if (value?.$case !== "intVal") findings.add("forbidden", [...path, "endPort"], "needs a port that is a number");
  else if (endPort < value.value)
    findings.add("invalid", [...path, "endPort"], `want at least port (${value.value}), found ${endPort}`);
}

function checkPeer(peer: NetworkPolicyPeer, path: Path, findings: Findings): void {
  const { podSelector, namespaceSelector, ipBlock } = peer;
  const selectors: readonly (readonly [string, LabelSelector | undefined])[] = [
    ["podSelector", podSelector],
    ["namespaceSelector", namespaceSelector],
  ];
  for (const [name, selector] of selectors)
    if (selector !== undefined) checkSelectorParts(selector, [...path, name], findings);
  const isSelected = podSelector !== undefined || namespaceSelector !== undefined;
  if (ipBlock === undefined && !isSelected)
    findings.add("required", path, "want podSelector, namespaceSelector or ipBlock");
  if (ipBlock === undefined) return;
  if (isSelected) findings.add("forbidden", path, "ipBlock stands alone, without selectors");
  checkBlock(ipBlock, [...path, "ipBlock"], findings);
}

function checkBlock({ cidr, except }: IPBlock, path: Path, findings: Findings): void {
  for (const [index, part] of except.entries())
    if (!overlaps(cidr, part) || prefixLength(part) <= prefixLength(cidr))
      findings.add("invalid", [...path, "except", index], `want a range within ${cidr}, found ${part}`);
}

function prefixLength(cidr: string): number {
  return Number(cidr.split("/")[1]);
}
