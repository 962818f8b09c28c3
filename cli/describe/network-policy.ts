import { selectorText } from "../../kinds/selector-text.js";
import type { LabelSelector } from "../../proto/gen/tallship/v1/meta.js";
import type { NetworkPolicy, NetworkPolicyPeer, NetworkPolicyPort } from "../../proto/gen/tallship/v1/networkpolicy.js";
import { headOf, type Surroundings } from "./facts.js";
import { Page } from "./page.js";

/** A network policy: whom it is about and what it lets through, in kubectl's words. */
export function describeNetworkPolicy({ metadata, spec }: NetworkPolicy, around: Surroundings): Page {
  const page = headOf(metadata, around.nowMs);
  const types = spec?.policyTypes ?? [];
  const body = new Page();
  const all = "<none> (Allowing the specific traffic to all pods in this namespace)";
  body.fact("PodSelector", isEmpty(spec?.podSelector) ? all : selectorText(spec?.podSelector));
  const ingress = (spec?.ingress ?? []).map(({ ports, from }) => rulePage({ ports, peers: from }, INGRESS));
  const egress = (spec?.egress ?? []).map(({ ports, to }) => rulePage({ ports, peers: to }, EGRESS));
  direction(body, INGRESS, types.length === 0 || types.includes("Ingress") ? ingress : undefined);
  direction(body, EGRESS, types.includes("Egress") ? egress : undefined);
  body.fact("Policy Types", types.join(", "));
  return page.section("Spec", body);
}

interface Direction {
  readonly name: string;
  readonly peer: string;
  readonly end: string;
}

const INGRESS: Direction = { name: "ingress", peer: "From", end: "source" };
const EGRESS: Direction = { name: "egress", peer: "To", end: "destination" };

function direction(page: Page, { name }: Direction, rules: readonly Page[] | undefined): void {
  if (rules === undefined) {
    page.text(`Not affecting ${name} traffic\n`);
    return;
  }
  const text = rules.map((rule) => rule.indented("  ")).join("  ----------\n");
  const none = `  <none> (Selected pods are isolated for ${name} connectivity)\n`;
  page.text(`Allowing ${name} traffic:\n${rules.length === 0 ? none : text}`);
}

function rulePage(
  { ports, peers }: { readonly ports: readonly NetworkPolicyPort[]; readonly peers: readonly NetworkPolicyPeer[] },
  { peer, end }: Direction,
): Page {
  const page = new Page();
  if (ports.length === 0) page.text("To Port: <any> (traffic allowed to all ports)\n");
  for (const port of ports) page.text(`To Port: ${portText(port)}\n`);
  if (peers.length === 0) page.text(`${peer}: <any> (traffic not restricted by ${end})\n`);
  for (const each of peers) page.section(peer, peerPage(each));
  return page;
}

function portText({ port, endPort, protocol }: NetworkPolicyPort): string {
  const first = String(port?.value?.value ?? "<any>");
  return `${endPort === undefined ? first : `${first}-${endPort}`}/${protocol || "TCP"}`;
}

function peerPage({ podSelector, namespaceSelector, ipBlock }: NetworkPolicyPeer): Page {
  const page = new Page();
  if (namespaceSelector !== undefined) page.text(`NamespaceSelector: ${selectorText(namespaceSelector)}\n`);
  if (podSelector !== undefined) page.text(`PodSelector: ${selectorText(podSelector)}\n`);
  if (ipBlock !== undefined) page.section("IPBlock", blockPage(ipBlock.cidr, ipBlock.except));
  return page;
}

function blockPage(cidr: string, except: readonly string[]): Page {
  return new Page().text(`CIDR: ${cidr}\nExcept: ${except.join(", ")}\n`);
}

function isEmpty(selector: LabelSelector | undefined): boolean {
  if (selector === undefined) return true;
  return Object.keys(selector.matchLabels).length === 0 && selector.matchExpressions.length === 0;
}
