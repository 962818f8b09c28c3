import type { Family } from "../family.js";

/** The overlay's own device. Every field is fixed for its life: a change is a new device. */
export interface DeviceEntry {
  readonly table: "device";
  readonly device: string;
  readonly vni: number;
  readonly port: number;
  /** Address on the underlay that tunnels start from. */
  readonly underlayIp: string;
  readonly mac: string;
  readonly mtu: number;
}

/** An address of the host alone, without a subnet. Scope host: never a source of packets to others; of IPv6 one that is deprecated. */
export interface AddressEntry {
  readonly table: "address";
  readonly device: string;
  readonly ip: string;
  readonly scope: "global" | "host";
}

/** A permanent neighbour. */
export interface NeighbourEntry {
  readonly table: "neigh";
  readonly device: string;
  readonly ip: string;
  readonly mac: string;
}

/** The host answers on the device's link to who asks for the neighbour with this IPv6 address. */
export interface StandInEntry {
  readonly table: "stand-in";
  readonly device: string;
  readonly ip: string;
}

/** Which underlay address holds a VTEP. */
export interface ForwardingEntry {
  readonly table: "fdb";
  readonly device: string;
  readonly mac: string;
  readonly underlayIp: string;
}

/** A route through a device; `via` is empty for what is on the link itself. */
export interface RouteEntry {
  readonly table: "route";
  readonly device: string;
  readonly subnet: string;
  readonly via: string;
  /** Source address that the host's own packets prefer. */
  readonly source: string;
  /** Bytes of the largest packet that may take it; absent: as many as the device takes. */
  readonly mtu?: number;
  /** Number of the routing table; absent: the main one. */
  readonly inTable?: number;
}

/** Packets with a mark are looked up in a routing table of their own, or by the rules of a later priority. */
export interface RuleEntry {
  readonly table: "rule";
  /** Of the packets. Each family has rules and routing tables of its own. */
  readonly family: Family;
  readonly priority: number;
  readonly mark: number;
  readonly mask: number;
  readonly leads: "lookup" | "goto";
  /** The routing table, or the priority. */
  readonly target: number;
}

/** Packets to the subnet that no better route takes are refused at once. */
export interface RefusalEntry {
  readonly table: "refusal";
  readonly subnet: string;
}

/** A setting of the host's network namespace, such as net.ipv4.ip_forward. It is never taken away again. */
export interface SettingEntry {
  readonly table: "setting";
  readonly name: string;
  readonly value: string;
}

/** One row of the kernel's network tables. */
export type Entry =
  | DeviceEntry
  | AddressEntry
  | NeighbourEntry
  | StandInEntry
  | ForwardingEntry
  | RouteEntry
  | RuleEntry
  | RefusalEntry
  | SettingEntry;

/** One change of the kernel's network tables. */
export interface EntryChange {
  readonly do: "add" | "delete";
  readonly entry: Entry;
}

/** Entries never change, and what was wanted once is compared with each later wish: of ten thousand peers making keys anew takes half a second. */
const keys = new WeakMap<Entry, string>();

/** The entry as one string: equal entries, equal keys. */
export function entryKey(entry: Entry): string {
  const known = keys.get(entry);
  if (known !== undefined) return known;
  const made = JSON.stringify(Object.entries(entry).sort(([one], [other]) => (one < other ? -1 : 1)));
  keys.set(entry, made);
  return made;
}

/**
 * What makes the kernel hold exactly `want`: deletes first, in reverse order of making, then adds in the order of `want`.
 * Settings are never deleted; a route that changes is added alone, which replaces it. Entries on a device that is deleted or made anew are gone with it: they are added, not deleted.
 */
export function diffEntries(want: readonly Entry[], have: readonly Entry[]): readonly EntryChange[] {
  const wanted = new Set(want.map(entryKey));
  const doomed = new Set(
    have.flatMap((entry) => (entry.table === "device" && !wanted.has(entryKey(entry)) ? [entry.device] : [])),
  );
  const surviving = have.filter((entry) => entry.table === "device" || !doomed.has(deviceOf(entry)));
  const held = new Set(surviving.map(entryKey));
  const fresh = want.filter((entry) => !held.has(entryKey(entry)));
  // A route that changes is replaced: between deleting and adding it, nothing would pass.
  const replaced = new Set(fresh.flatMap((entry) => (entry.table === "route" ? [routeSlot(entry)] : [])));
  const gone = surviving.filter(
    (entry) =>
      entry.table !== "setting" &&
      !wanted.has(entryKey(entry)) &&
      !(entry.table === "route" && replaced.has(routeSlot(entry))),
  );
  return [
    ...inOrder(gone)
      .reverse()
      .map((entry) => ({ do: "delete" as const, entry })),
    ...inOrder(fresh).map((entry) => ({ do: "add" as const, entry })),
  ];
}

/** What a route replaces when it is added: the kernel holds one per table and subnet. */
export function routeSlot({ subnet, inTable = MAIN_TABLE }: Pick<RouteEntry, "subnet" | "inTable">): string {
  return `${inTable} ${subnet}`;
}

/** Number of the routing table that everybody uses. */
export const MAIN_TABLE = 254;

/** The device an entry lives and dies with; empty when none. */
export function deviceOf(entry: Entry): string {
  return "device" in entry ? entry.device : "";
}

/** What must be there before what: a route is last, so no packet looks up a neighbour or VTEP that is not there yet. */
const RANK: Readonly<Record<Entry["table"], number>> = {
  setting: 0,
  device: 1,
  address: 2,
  "stand-in": 3,
  neigh: 4,
  fdb: 5,
  route: 6,
  rule: 7,
  refusal: 8,
};

function inOrder(entries: readonly Entry[]): Entry[] {
  return [...entries].sort((one, other) => rankOf(one) - rankOf(other));
}

/** Rules of IPv6 come after those of IPv4: those of a family are one run of one program. */
function rankOf(entry: Entry): number {
  return RANK[entry.table] + (entry.table === "rule" && entry.family === "IPv6" ? 0.5 : 0);
}
