import { join } from "node:path";

/** Names, addresses and paths of a testbed; everything else derives from these. Pure. */
export interface Layout {
  readonly name: string;
  /** State that dies with the machine. */
  readonly runDir: string;
  /** Hosts' disks. */
  readonly diskDir: string;
  readonly fabricNetns: string;
  readonly registry: RegistryLayout;
  readonly hosts: readonly HostLayout[];
}

/** The registry host. */
export interface RegistryLayout {
  readonly netns: string;
  readonly port: string;
  readonly address: string;
  readonly url: string;
}

/** One host. */
export interface HostLayout {
  readonly name: string;
  /** Address on the fabric. */
  readonly address: string;
  readonly netns: string;
  /** Name of its link's end in the fabric. */
  readonly port: string;
  /** Its cgroup below each hierarchy's root. */
  readonly cgroup: string;
  /** Its folder on disk: data, etc, home. */
  readonly diskDir: string;
  readonly isControlPlane: boolean;
}

/** Where hosts' addresses come from; every testbed uses the same, since each has a fabric of its own. */
const SUBNET = "172.30.0";

/** The layout of a testbed. */
export function layoutOf(options: {
  readonly name: string;
  readonly hostCount: number;
  readonly controlPlaneCount: number;
}): Layout {
  const { name, hostCount, controlPlaneCount } = options;
  if (!/^[a-z][a-z0-9-]{0,19}$/.test(name))
    throw new Error(`testbed name "${name}": want lower-case letters, digits and dashes, at most 20`);
  const diskDir = join("/var/tmp/tallship-testbed", name);
  const hosts = Array.from({ length: hostCount }, (_, at): HostLayout => {
    const host = `host${at + 1}`;
    return {
      name: host,
      address: `${SUBNET}.${11 + at}`,
      netns: `tsb-${name}-${host}`,
      port: `h${at + 1}`,
      cgroup: `tallship-testbed-${name}-${host}`,
      diskDir: join(diskDir, host),
      isControlPlane: at < controlPlaneCount,
    };
  });
  const address = `${SUBNET}.2`;
  return {
    name,
    runDir: join("/run/tallship-testbed", name),
    diskDir,
    fabricNetns: `tsb-${name}-fabric`,
    registry: { netns: `tsb-${name}-registry`, port: "registry", address, url: `http://${address}:5000` },
    hosts,
  };
}

/** Commands for `ip -batch` inside the fabric's namespace that make its bridge. */
export const FABRIC_BATCH = `link set lo up\nlink add fabric type bridge\nlink set fabric up\naddr add ${SUBNET}.1/24 dev fabric\n`;

/** Commands that join a namespace to the fabric, for `ip -batch` in the machine's namespace. */
export function linkBatch(
  layout: Layout,
  end: { readonly netns: string; readonly port: string; readonly address: string },
): string {
  return `link add ${end.port} netns ${layout.fabricNetns} type veth peer name eth0 address ${macOf(end.address)} netns ${end.netns}\n`;
}

/** A host keeps its MAC over reboots, as hosts do. */
function macOf(address: string): string {
  return ["02", "00", ...address.split(".").map((byte) => Number(byte).toString(16).padStart(2, "0"))].join(":");
}

/** Commands for `ip -batch` inside a joined namespace. */
export function endBatch(address: string): string {
  return `link set lo up\naddr add ${address}/24 dev eth0\nlink set eth0 up\nroute add default via ${SUBNET}.1\n`;
}

/** Which way a link is cut, seen from the host: `in` is what it receives. */
export type Direction = "in" | "out" | "both";

/** One cut link. Without a peer, all of the host's links. */
export interface Cut {
  readonly port: string;
  readonly peerPort?: string;
  readonly direction: Direction;
}

/** The fabric's filter with exactly these cuts, as one nft transaction. */
export function cutRules(cuts: readonly Cut[]): string {
  const rules = cuts.flatMap((cut) => {
    const peerIn = cut.peerPort === undefined ? "" : `iifname "${cut.peerPort}" `;
    const peerOut = cut.peerPort === undefined ? "" : `oifname "${cut.peerPort}" `;
    return [
      ...(cut.direction === "out" ? [] : [`${peerIn}oifname "${cut.port}" drop`]),
      ...(cut.direction === "in" ? [] : [`iifname "${cut.port}" ${peerOut}drop`]),
    ];
  });
  const chain = ["chain cuts {", "type filter hook forward priority 0; policy accept;", ...rules, "}"].join("\n");
  return `table bridge testbed\ndelete table bridge testbed\ntable bridge testbed {\n${chain}\n}\n`;
}
