import { limit } from "../../lib/limits.js";
import { NETWORK_DEVICE_PREFIX, POD_DEVICE_PREFIX, TUNNEL_DEVICE_PREFIX } from "../device-names.js";
import { type Family, type FamilyWords, WORDS } from "../family.js";
import { hex, KEPT_MARK } from "../overlay/way-back.js";
import { clientKey, pickChains, TRANSPORTS } from "./nft-picks.js";
import type { ElementChange, RuleElement, RuleFrame, RuleMap } from "./rules.js";

/** The proxy's table of a family. It belongs to Tallship alone and is replaced as a whole at start. */
export function ruleTable(family: Family): string {
  return `${WORDS[family].tables} tallship`;
}

/** The table in which the host's owner filters first. Made once, with empty chains, and never touched again. */
export const OWNER_TABLE = "inet tallship-owner";

/**
 * Declarations of the maps. Slots are the last part of the endpoints' keys: their type can only be told by naming the expression
 * that draws them. nft 1.0.6 cannot use such a map in a rule that is added later, so all rules stand in the one transaction that
 * makes the table.
 */
function declarations({ ip, address }: FamilyWords): Readonly<Record<RuleMap, string>> {
  return {
    services: `map services { type ${address} . inet_proto . inet_service : verdict; }`,
    "service-endpoints": drawn("service-endpoints", `${ip} daddr . `, ip),
    "many-service-endpoints": drawn("many-service-endpoints", `${ip} daddr . `, ip),
    "node-ports": "map node-ports { type inet_proto . inet_service : verdict; }",
    "node-port-endpoints": drawn("node-port-endpoints", "", ip),
    "many-node-port-endpoints": drawn("many-node-port-endpoints", "", ip),
    "outside-services": `map outside-services { type ${address} . inet_proto . inet_service : verdict; }`,
    "outside-node-ports": "map outside-node-ports { type inet_proto . inet_service : verdict; }",
    "guarded-services": `map guarded-services { type ${address} . inet_proto . inet_service . ${address} : verdict; flags interval; }`,
    "sticky-draws": `map sticky-draws { typeof ${ip} daddr . meta l4proto . th dport . numgen random mod 65535 : ct mark; }`,
    "sticky-endpoints": `map sticky-endpoints { typeof ${ip} daddr . meta l4proto . th dport . ct mark : ${ip} daddr . th dport; }`,
    "node-sticky-draws":
      "map node-sticky-draws { typeof meta l4proto . th dport . numgen random mod 65535 : ct mark; }",
    "node-sticky-endpoints": `map node-sticky-endpoints { typeof meta l4proto . th dport . ct mark : ${ip} daddr . th dport; }`,
    "load-balancers": `set load-balancers { type ${address}; }`,
    "foreign-endpoints": `set foreign-endpoints { type ${address}; }`,
    "closed-ports": `set closed-ports { type ${address} . inet_proto . inet_service; }`,
    "host-ports": `map host-ports { type ${address} . inet_proto . inet_service : ${address} . inet_service; }`,
    "host-ports-any": `map host-ports-any { type inet_proto . inet_service : ${address} . inet_service; }`,
    hairpins: `set hairpins { type ${address} . ${address}; }`,
    affinities: learned("affinities", clientKey(ip, true)),
    "node-affinities": learned("node-affinities", clientKey(ip, false)),
  };
}

function drawn(name: string, address: string, ip: FamilyWords["ip"]): string {
  return `map ${name} { typeof ${address}meta l4proto . th dport . numgen random mod 65535 : ${ip} daddr . th dport; }`;
}

/** A full map forgets nobody: clients that it has no room for are led anew each time. */
function learned(name: string, key: string): string {
  return `map ${name} { typeof ${key} : ct mark; flags dynamic, timeout; size ${limit("serviceAffinities")}; }`;
}

/** True for what has keys alone. */
export function isSet(map: RuleMap): boolean {
  return declarations(WORDS.IPv4)[map].startsWith("set ");
}

/** How many elements stand in one `add element`: keeps nft's memory and each line bounded. */
const ELEMENTS_PER_COMMAND = 2_000;

/** The transaction that replaces the table, in pieces: nft wants them all in one file. */
export function* replacementText(frame: RuleFrame, elements: Iterable<RuleElement>): Iterable<string> {
  yield `table ${OWNER_TABLE} {\n${OWNER_CHAINS}}\n`;
  const table = ruleTable(frame.family);
  const words = WORDS[frame.family];
  yield `table ${table}\ndelete table ${table}\n`;
  yield `table ${table} {\n${Object.values(declarations(words))
    .map((line) => `  ${line}\n`)
    .join("")}  set ${TRANSPORTS} { type inet_proto; elements = { tcp, udp, sctp } }\n${chains(frame, words)}}\n`;
  yield* additions(table, elements);
}

function* additions(table: string, elements: Iterable<RuleElement>): Iterable<string> {
  const pending = new Map<RuleMap, string[]>();
  for (const { map, key, value } of elements) {
    const lines = pending.get(map) ?? [];
    pending.set(map, lines);
    lines.push(elementText(key, value));
    if (lines.length < ELEMENTS_PER_COMMAND) continue;
    yield commandText("add", `${table} ${map}`, lines);
    pending.delete(map);
  }
  for (const [map, lines] of pending) yield commandText("add", `${table} ${map}`, lines);
}

/** The transaction that changes elements, as one line: runs of changes of one kind and map are one command. */
export function changeText(family: Family, changes: readonly ElementChange[]): string {
  const table = ruleTable(family);
  const commands: string[] = [];
  let run: { readonly act: ElementChange["do"]; readonly map: RuleMap; readonly lines: string[] } | undefined;
  for (const { do: act, map, key, value } of changes) {
    if (run === undefined || run.act !== act || run.map !== map) {
      if (run !== undefined) commands.push(commandText(run.act, `${table} ${run.map}`, run.lines));
      run = { act, map, lines: [] };
    }
    run.lines.push(act === "delete" ? key : elementText(key, value));
  }
  if (run !== undefined) commands.push(commandText(run.act, `${table} ${run.map}`, run.lines));
  return commands.map((command) => command.trimEnd()).join("; ");
}

function elementText(key: string, value: string): string {
  return value === "" ? key : `${key} : ${value}`;
}

function commandText(act: "add" | "delete", map: string, lines: readonly string[]): string {
  return `${act} element ${map} { ${lines.join(", ")} }\n`;
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

function chains(frame: RuleFrame, words: FamilyWords): string {
  const picks = pickChains(words, frame.affinitySeconds);
  const parts = [translation(frame, words), refusals(frame, words), sources(frame, words)];
  return [untracked(frame, words), ...picks, ...parts].join("");
}

/** The tunnel's outer packets and questions for names need no connection tracking: it costs time and fills the table. Nothing on the wire is for this host's 127.0.0.1. */
function untracked({ vxlanPort, dnsAddress }: RuleFrame, { ip, loopback }: FamilyWords): string {
  // Tunnels and questions for names are of IPv4.
  const rules =
    ip === "ip6"
      ? ""
      : `    udp dport ${vxlanPort} notrack
    ip daddr ${dnsAddress} udp dport 53 notrack
    ip saddr ${dnsAddress} udp sport 53 notrack
`;
  return `  chain untracked-in {
    type filter hook prerouting priority raw; policy accept;
    iifname != "lo" ${ip} daddr ${loopback} drop
${rules}  }
  chain untracked-out {
    type filter hook output priority raw; policy accept;
${rules}  }
`;
}

/** The kernel lets no packet of ::1 leave: who asks a node port there is refused at once, and goes on to 127.0.0.1, instead of waiting for nothing. */
const UNLED = "    ip6 daddr ::1 return\n";

/**
 * From virtual addresses and ports to endpoints; for packets of pods and others, and of the host itself. Clients from outside are looked
 * for first where services lead them elsewhere than pods and hosts, or let only some in.
 */
function translation({ clusterCIDR }: RuleFrame, { ip }: FamilyWords): string {
  const front = `${ip} daddr . meta l4proto . th dport`;
  const rules = `    ${front} vmap @services
    ${ip} daddr @load-balancers return
`;
  const hostPorts = `    meta l4proto @${TRANSPORTS} dnat ${ip} to ${front} map @host-ports
    meta l4proto @${TRANSPORTS} dnat ${ip} to meta l4proto . th dport map @host-ports-any
`;
  return `  chain guarded {
    ${front} . ${ip} saddr vmap @guarded-services
    drop
  }
  chain to-host {
${hostPorts}    ${ip} saddr != ${clusterCIDR} meta l4proto . th dport vmap @outside-node-ports
    meta l4proto . th dport vmap @node-ports
  }
  chain own-to-host {
${hostPorts}    meta l4proto . th dport vmap @node-ports
  }
  chain prerouting {
    type nat hook prerouting priority dstnat; policy accept;
    ${ip} saddr != ${clusterCIDR} ${front} vmap @outside-services
${rules}    fib daddr type local goto to-host
  }
  chain output {
    type nat hook output priority -100; policy accept;
${rules}${ip === "ip6" ? UNLED : ""}    fib daddr type local goto own-to-host
  }
`;
}

/**
 * What still bears a service's address after translation leads nowhere: said at once instead of after a timeout. Addresses that nodes
 * announce are a host's own: nothing of the host answers there.
 */
function refusals({ serviceCIDR, dnsAddress }: RuleFrame, { ip }: FamilyWords): string {
  const tracked = "    ct state established,related,untracked accept\n";
  const outer = `    ${ip} daddr @load-balancers meta l4proto @${TRANSPORTS} goto refuse
    ${ip} daddr . meta l4proto . th dport @closed-ports goto refuse
`;
  return `  chain refuse {
    meta l4proto tcp reject with tcp reset
    reject with ${ip === "ip" ? "icmpx" : "icmpv6"} type port-unreachable
  }
  chain forward {
    type filter hook forward priority filter; policy accept;
${tracked}    ${ip} daddr ${serviceCIDR} goto refuse
    ${ip} daddr @load-balancers goto refuse
    ${ip} daddr . meta l4proto . th dport @closed-ports goto refuse
  }
  chain refuse-input {
    type filter hook input priority filter; policy accept;
${tracked}${outer}  }
  chain refuse-output {
    type filter hook output priority filter; policy accept;
${tracked}    ${ip} daddr ${serviceCIDR}${ip === "ip" ? ` ip daddr != ${dnsAddress}` : ""} goto refuse
${outer}  }
`;
}

/**
 * Sources: a pod that meets itself, loopback that leaves the host, and strangers that go to another node's pod come from this
 * node's gateway, so that answers return the same way, unless the other node leads them back to this one (policy/entry-chains.ts); pods that leave the cluster, and strangers that a service leads to another host's
 * own network, come from the host's address. What other networks need has been done before (networks/network-firewall.ts).
 */
function sources({ gateway, clusterCIDR, overlayDevice }: RuleFrame, { ip, loopback }: FamilyWords): string {
  return `  chain postrouting {
    type nat hook postrouting priority srcnat; policy accept;
    ${ip} saddr . ${ip} daddr @hairpins snat ${ip} to ${gateway}
    ${ip} saddr ${loopback} oifname "${POD_DEVICE_PREFIX}*" snat ${ip} to ${gateway}
    oifname "${overlayDevice}" meta mark ${hex(KEPT_MARK)} accept
    oifname "${overlayDevice}" ${ip} saddr != ${clusterCIDR} snat ${ip} to ${gateway}
    oifname != { "lo", "${POD_DEVICE_PREFIX}*" } ${ip} daddr ${clusterCIDR} ${ip} saddr != ${clusterCIDR} snat ${ip} to ${gateway}
    oifname { "lo", "${overlayDevice}", "${POD_DEVICE_PREFIX}*", "${NETWORK_DEVICE_PREFIX}*", "${TUNNEL_DEVICE_PREFIX}*" } accept
    ${ip} saddr ${clusterCIDR} ${ip} daddr != ${clusterCIDR} masquerade
    ct status dnat ${ip} daddr @foreign-endpoints fib saddr type != local masquerade
  }
`;
}
