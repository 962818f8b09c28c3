import {
  FIRST_INTERFACE,
  HOST_END_MAC,
  OVERLAY_DEVICE,
  POD_DEVICE_GROUP,
  podDevice,
  ROUTE_PROTOCOL,
} from "../device-names.js";
import { type Family, hostPrefix } from "../family.js";
import { macOfAddress } from "../ipv4.js";
import type { Entry, EntryChange, RouteEntry, RuleEntry } from "./entries.js";
import type { FurtherWiring, PodWiring } from "./kernel.js";

/** The program that carries out a command. */
export type Tool = "ip" | "ip -6" | "bridge" | "shell";

/** One command. */
export interface Command {
  readonly tool: Tool;
  readonly line: string;
}

/** Group that pods' devices are moved to before all of it is deleted at once: the kernel waits once, not once per device. */
export const DOOMED_GROUP = POD_DEVICE_GROUP + 1;

/** Shows Tallship's routes of these families. Of more than one only all tables together can be asked for; others than the main one have none of Tallship's. */
export function showRoutes(families: readonly Family[]): string {
  return `route show${families.length > 1 ? " table all" : ""} proto ${ROUTE_PROTOCOL}`;
}

/** Commands for a change. Adds replace what is there under the same key, so that doing it twice equals doing it once. */
export function commandsFor({ do: act, entry }: EntryChange): readonly Command[] {
  return act === "add" ? addition(entry) : deletion(entry);
}

function addition(entry: Entry): readonly Command[] {
  switch (entry.table) {
    case "device":
      return [
        ...ip(
          `link add ${entry.device} address ${entry.mac} mtu ${entry.mtu} type vxlan id ${entry.vni} local ${entry.underlayIp} dstport ${entry.port} nolearning noudpcsum`,
          `link set dev ${entry.device} addrgenmode none`,
          `link set dev ${entry.device} up`,
        ),
        // Clients of the host that ask its 127.0.0.1 for a node port may be led to another node's pod.
        { tool: "shell", line: `echo 1 > ${settingPath(`net.ipv4.conf.${entry.device}.route_localnet`)}` },
        ...(entry.device === OVERLAY_DEVICE ? [{ tool: "shell" as const, line: loosened(entry.device) }] : []),
      ];
    case "address":
      return entry.ip.includes(":")
        ? // Nobody else can have it: the kernel need not ask the link for a second first. What is not preferred is no packet's source.
          ip(
            `address replace ${entry.ip}/128 dev ${entry.device} nodad${entry.scope === "host" ? " preferred_lft 0" : ""}`,
          )
        : ip(`address replace ${entry.ip}/32 dev ${entry.device} scope ${entry.scope}`);
    case "neigh":
      return ip(`neighbour replace ${entry.ip} lladdr ${entry.mac} dev ${entry.device} nud permanent`);
    case "stand-in":
      return ip(`neighbour replace proxy ${entry.ip} dev ${entry.device} protocol ${ROUTE_PROTOCOL}`);
    case "fdb":
      return [{ tool: "bridge", line: `fdb replace ${entry.mac} dev ${entry.device} dst ${entry.underlayIp}` }];
    case "route": {
      const via = entry.via === "" ? "" : ` via ${entry.via}`;
      const onlink = entry.via === "" ? "" : " onlink";
      const mtu = entry.mtu === undefined ? "" : ` mtu ${entry.mtu}`;
      return ip(
        `route replace ${entry.subnet}${via} dev ${entry.device}${onlink} src ${entry.source} proto ${ROUTE_PROTOCOL}${inTable(entry)}${mtu}`,
      );
    }
    case "rule":
      return [{ tool: RULE_TOOLS[entry.family], line: `rule add ${ruleText(entry)}` }];
    case "refusal":
      return ip(`route replace unreachable ${entry.subnet} proto ${ROUTE_PROTOCOL}`);
    case "setting":
      return [{ tool: "shell", line: `echo ${entry.value} > ${settingPath(entry.name)}` }];
  }
}

function deletion(entry: Entry): readonly Command[] {
  switch (entry.table) {
    case "device":
      return ip(`link delete dev ${entry.device}`);
    case "address":
      return ip(`address delete ${hostPrefix(entry.ip)} dev ${entry.device}`);
    case "neigh":
      return ip(`neighbour delete ${entry.ip} dev ${entry.device}`);
    case "stand-in":
      return ip(`neighbour delete proxy ${entry.ip} dev ${entry.device}`);
    case "fdb":
      return [{ tool: "bridge", line: `fdb delete ${entry.mac} dev ${entry.device} dst ${entry.underlayIp}` }];
    case "route":
      return ip(`route delete ${entry.subnet} dev ${entry.device} proto ${ROUTE_PROTOCOL}${inTable(entry)}`);
    case "rule":
      return [{ tool: RULE_TOOLS[entry.family], line: `rule delete ${ruleText(entry)}` }];
    case "refusal":
      return ip(`route delete unreachable ${entry.subnet} proto ${ROUTE_PROTOCOL}`);
    case "setting":
      return [];
  }
}

/**
 * Clients of another node come by the overlay, while the way to them is another: a host that takes packets only from where it would send
 * answers takes them from wherever there is a way, on this device.
 */
function loosened(device: string): string {
  const [all, own] = ["all", device].map((name) => settingPath(`net.ipv4.conf.${name}.rp_filter`));
  return `case $(cat ${all} ${own}) in *1*) echo 2 > ${own};; esac`;
}

function inTable({ inTable: table }: RouteEntry): string {
  return table === undefined ? "" : ` table ${table}`;
}

/** What a rule says does not tell its family. */
const RULE_TOOLS = { IPv4: "ip", IPv6: "ip -6" } as const satisfies Readonly<Record<Family, Tool>>;

function ruleText({ priority, mark, mask, leads, target }: RuleEntry): string {
  return `priority ${priority} fwmark ${hex(mark)}/${hex(mask)} ${leads} ${target} protocol ${ROUTE_PROTOCOL}`;
}

function hex(value: number): string {
  return `0x${value.toString(16)}`;
}

function ip(...lines: readonly string[]): readonly Command[] {
  return lines.map((line) => ({ tool: "ip", line }));
}

/** The file of a setting. As sysctl(8) has it: in a name with slashes, dots are dots, such as those in a device's name. */
export function settingPath(name: string): string {
  return `/proc/sys/${name.includes("/") ? name : name.replaceAll(".", "/")}`;
}

/** Lines for `ip -batch` inside of the pod's namespace. `hostNetns` is a path by which the host's namespace is reached. */
export function insideLines(pod: PodWiring, hostNetns: string): readonly string[] {
  return ["link set dev lo up", ...linksOf(pod).flatMap((link) => linkLines(pod.uid, link, hostNetns))];
}

/** Every link of a pod; the first leads everywhere. */
function linksOf(pod: PodWiring): readonly FurtherWiring[] {
  if (pod.address === "") return [];
  const { address, mtu, gateway, ipv6, further = [] } = pod;
  return [{ interface: FIRST_INTERFACE, address, mtu, gateway, subnet: "", ipv6 }, ...further];
}

function linkLines(uid: string, link: FurtherWiring, hostNetns: string): readonly string[] {
  const { interface: inside, address, mtu, gateway, subnet, ipv6 } = link;
  const outside = podDevice(uid, inside);
  const way = subnet === "" ? "default" : subnet;
  const source = subnet === "" ? "" : ` src ${address}`;
  return [
    `link add ${inside} mtu ${mtu} address ${macOfAddress(address)} type veth peer name ${outside} mtu ${mtu} address ${HOST_END_MAC} netns ${hostNetns}`,
    `link set dev ${inside} addrgenmode none`,
    `address replace ${address}/32 dev ${inside}`,
    `link set dev ${inside} up`,
    `neighbour replace ${gateway} lladdr ${HOST_END_MAC} dev ${inside} nud permanent`,
    `route replace ${way} via ${gateway} dev ${inside} onlink${source}`,
    ...(ipv6 === undefined
      ? []
      : [
          `address replace ${ipv6.address}/128 dev ${inside} nodad`,
          `neighbour replace ${ipv6.gateway} lladdr ${HOST_END_MAC} dev ${inside} nud permanent`,
          ...[subnet === "" ? way : ipv6.subnet, ...(ipv6.isWayOut ? ["default"] : [])].map(
            (range) => `route replace ${range} via ${ipv6.gateway} dev ${inside} onlink src ${ipv6.address}`,
          ),
        ]),
  ];
}

/** Lines for `ip -batch` on the host. The alias comes before the route: what has a route can be told whose it is. */
export function outsideLines(pod: PodWiring): readonly string[] {
  return linksOf(pod).flatMap((link) => {
    const device = podDevice(pod.uid, link.interface);
    const { ipv6 } = link;
    return [
      `link set dev ${device} addrgenmode none`,
      `link set dev ${device} group ${POD_DEVICE_GROUP} alias ${aliasOf(pod.uid, link)} up`,
      `neighbour replace ${link.address} lladdr ${macOfAddress(link.address)} dev ${device} nud permanent`,
      `route replace ${link.address}/32 dev ${device} src ${link.gateway} proto ${ROUTE_PROTOCOL}`,
      ...(ipv6 === undefined
        ? []
        : [
            `neighbour replace ${ipv6.address} lladdr ${macOfAddress(link.address)} dev ${device} nud permanent`,
            `route replace ${ipv6.address}/128 dev ${device} src ${ipv6.gateway} proto ${ROUTE_PROTOCOL}`,
          ]),
    ];
  });
}

/** The host's ends of a pod's links. */
export function hostEndsOf(pod: PodWiring): readonly string[] {
  return linksOf(pod).map((link) => podDevice(pod.uid, link.interface));
}

/** Lines for `ip -batch` that delete devices of pods on the host, all in one wait of the kernel. */
export function removalLines(devices: readonly string[]): readonly string[] {
  return [
    ...devices.map((device) => `link set dev ${device} group ${DOOMED_GROUP}`),
    `link delete group ${DOOMED_GROUP}`,
  ];
}

function aliasOf(uid: string, { interface: inside, address }: FurtherWiring): string {
  return `tallship/${uid}/${address}${inside === FIRST_INTERFACE ? "" : `/${inside}`}`;
}

/** The pod's link that a device's alias tells of; undefined for others' devices. */
export function parseAlias(
  alias: string,
): { readonly uid: string; readonly address: string; readonly interface: string } | undefined {
  const [owner, uid, address, inside = FIRST_INTERFACE, ...rest] = alias.split("/");
  if (owner !== "tallship" || uid === undefined || address === undefined || rest.length > 0) return undefined;
  return { uid, address, interface: inside };
}

/** Complaints that only say that the work is done already: what is added exists, what is deleted does not. */
const HARMLESS: Readonly<Record<EntryChange["do"], readonly RegExp[]>> = {
  add: [/^RTNETLINK answers: File exists$/],
  delete: [
    /^RTNETLINK answers: No such (process|file or directory|device)$/,
    /^RTNETLINK answers: Cannot assign requested address$/,
    /^Error: ipv[46]: [Aa]ddress not found\.$/,
    /^Cannot find device /,
  ],
};

/** What a batch complained of, without what is harmless. `Command failed -:N` only numbers the line that the complaint is about. */
export function complaints(output: string, act: EntryChange["do"]): readonly string[] {
  return output
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "" && !line.startsWith("Command failed "))
    .filter((line) => !HARMLESS[act].some((form) => form.test(line)));
}
