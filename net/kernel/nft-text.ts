import { POD_DEVICE_PREFIX } from "../device-names.js";
import { EXACT_SLOTS, WIDE_SLOTS } from "../proxy/slots.js";
import type { ElementChange, RuleElement, RuleFrame, RuleMap } from "./rules.js";

/** The proxy's table. It belongs to Tallship alone and is replaced as a whole at start. */
export const RULE_TABLE = "inet tallship";

/** The table in which the host's owner filters first. Made once, with empty chains, and never touched again. */
export const OWNER_TABLE = "inet tallship-owner";

/**
 * Declarations of the maps. Slots are the last part of the endpoints' keys: their type can only be told by naming the expression
 * that draws them. nft 1.0.6 cannot use such a map in a rule that is added later, so all rules stand in the one transaction that
 * makes the table.
 */
const DECLARATIONS: Readonly<Record<RuleMap, string>> = {
  services: "map services { type ipv4_addr . inet_proto . inet_service : verdict; }",
  "service-endpoints":
    "map service-endpoints { typeof ip daddr . meta l4proto . th dport . numgen random mod 65535 : ip daddr . th dport; }",
  "node-ports": "map node-ports { type inet_proto . inet_service : verdict; }",
  "node-port-endpoints":
    "map node-port-endpoints { typeof meta l4proto . th dport . numgen random mod 65535 : ip daddr . th dport; }",
  "host-ports": "map host-ports { type ipv4_addr . inet_proto . inet_service : ipv4_addr . inet_service; }",
  "host-ports-any": "map host-ports-any { type inet_proto . inet_service : ipv4_addr . inet_service; }",
  hairpins: "set hairpins { type ipv4_addr . ipv4_addr; }",
};

/** How many elements stand in one `add element`: keeps nft's memory and each line bounded. */
const ELEMENTS_PER_COMMAND = 2_000;

/** The transaction that replaces the table, in pieces: nft wants them all in one file. */
export function* replacementText(frame: RuleFrame, elements: Iterable<RuleElement>): Iterable<string> {
  yield `table ${OWNER_TABLE} {\n${OWNER_CHAINS}}\n`;
  yield `table ${RULE_TABLE}\ndelete table ${RULE_TABLE}\n`;
  yield `table ${RULE_TABLE} {\n${Object.values(DECLARATIONS)
    .map((line) => `  ${line}\n`)
    .join("")}${chains(frame)}}\n`;
  yield* additions(elements);
}

function* additions(elements: Iterable<RuleElement>): Iterable<string> {
  const pending = new Map<RuleMap, string[]>();
  for (const { map, key, value } of elements) {
    const lines = pending.get(map) ?? [];
    pending.set(map, lines);
    lines.push(elementText(key, value));
    if (lines.length < ELEMENTS_PER_COMMAND) continue;
    yield commandText("add", map, lines);
    pending.delete(map);
  }
  for (const [map, lines] of pending) yield commandText("add", map, lines);
}

/** The transaction that changes elements, as one line: runs of changes of one kind and map are one command. */
export function changeText(changes: readonly ElementChange[]): string {
  const commands: string[] = [];
  let run: { readonly act: ElementChange["do"]; readonly map: RuleMap; readonly lines: string[] } | undefined;
  for (const { do: act, map, key, value } of changes) {
    if (run === undefined || run.act !== act || run.map !== map) {
      if (run !== undefined) commands.push(commandText(run.act, run.map, run.lines));
      run = { act, map, lines: [] };
    }
    run.lines.push(act === "delete" ? key : elementText(key, value));
  }
  if (run !== undefined) commands.push(commandText(run.act, run.map, run.lines));
  return commands.map((command) => command.trimEnd()).join("; ");
}

function elementText(key: string, value: string): string {
  return value === "" ? key : `${key} : ${value}`;
}

function commandText(act: "add" | "delete", map: RuleMap, lines: readonly string[]): string {
  return `${act} element ${RULE_TABLE} ${map} { ${lines.join(", ")} }\n`;
}

/**
 * Where the host's owner may filter: before Tallship changes any address, and what comes to pods and the host. No policy is named,
 * so that naming the chains again leaves the owner's.
 */
const OWNER_CHAINS = `  chain prerouting { type filter hook prerouting priority -110; }
  chain forward { type filter hook forward priority -10; }
  chain input { type filter hook input priority -10; }
  chain output { type filter hook output priority -110; }
`;

function chains(frame: RuleFrame): string {
  return [untracked(frame), translation(), refusals(frame), sources(frame), ...picks()].join("");
}

/** The tunnel's outer packets and questions for names need no connection tracking: it costs time and fills the table. */
function untracked({ vxlanPort, dnsAddress }: RuleFrame): string {
  const rules = `    udp dport ${vxlanPort} notrack
    ip daddr ${dnsAddress} udp dport 53 notrack
    ip saddr ${dnsAddress} udp sport 53 notrack
`;
  return `  chain untracked-in {
    type filter hook prerouting priority raw; policy accept;
${rules}  }
  chain untracked-out {
    type filter hook output priority raw; policy accept;
${rules}  }
`;
}

/** From virtual addresses and ports to endpoints; for packets of pods and others, and of the host itself. */
function translation(): string {
  const rules = `    ip daddr . meta l4proto . th dport vmap @services
    fib daddr type local goto to-host
`;
  return `  chain to-host {
    meta l4proto { tcp, udp, sctp } dnat ip to ip daddr . meta l4proto . th dport map @host-ports
    meta l4proto { tcp, udp, sctp } dnat ip to meta l4proto . th dport map @host-ports-any
    ip daddr 127.0.0.0/8 return
    meta l4proto . th dport vmap @node-ports
  }
  chain prerouting {
    type nat hook prerouting priority dstnat; policy accept;
${rules}  }
  chain output {
    type nat hook output priority -100; policy accept;
${rules}  }
`;
}

/** What still bears a service's address after translation leads nowhere: said at once instead of after a timeout. */
function refusals({ serviceCIDR, dnsAddress }: RuleFrame): string {
  return `  chain refuse {
    meta l4proto tcp reject with tcp reset
    reject with icmpx type port-unreachable
  }
  chain forward {
    type filter hook forward priority filter; policy accept;
    ip daddr ${serviceCIDR} goto refuse
  }
  chain refuse-output {
    type filter hook output priority filter; policy accept;
    ip daddr ${serviceCIDR} ip daddr != ${dnsAddress} goto refuse
  }
`;
}

/**
 * Sources: a pod that meets itself, loopback that leaves the host, and strangers that go to another node's pod come from this
 * node's gateway, so that answers return the same way; pods that leave the cluster come from the host's own address.
 */
function sources({ gateway, clusterCIDR, overlayDevice }: RuleFrame): string {
  return `  chain postrouting {
    type nat hook postrouting priority srcnat; policy accept;
    ip saddr . ip daddr @hairpins snat ip to ${gateway}
    ip saddr 127.0.0.0/8 oifname "${POD_DEVICE_PREFIX}*" snat ip to ${gateway}
    oifname "${overlayDevice}" ip saddr != ${clusterCIDR} snat ip to ${gateway}
    ip saddr ${clusterCIDR} ip daddr != ${clusterCIDR} oifname != { "lo", "${overlayDevice}" } masquerade
  }
`;
}

/** One chain per number of slots: services share them, so a service needs no chain of its own. */
function picks(): readonly string[] {
  const counts = [...Array.from({ length: EXACT_SLOTS }, (_, at) => at + 1), ...WIDE_SLOTS];
  const l4 = "meta l4proto { tcp, udp, sctp }";
  return counts.flatMap((count) => [
    `  chain pick-${count} { ${l4} dnat ip to ip daddr . meta l4proto . th dport . numgen random mod ${count} map @service-endpoints; }\n`,
    `  chain node-pick-${count} { ${l4} dnat ip to meta l4proto . th dport . numgen random mod ${count} map @node-port-endpoints; }\n`,
  ]);
}
