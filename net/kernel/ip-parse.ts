import { TallshipError } from "../../lib/errors.js";
import { POD_DEVICE_GROUP, ROUTE_PROTOCOL } from "../device-names.js";
import { EVERYWHERE, type Family, familyOf, hostPrefix } from "../family.js";
import { type Entry, MAIN_TABLE } from "./entries.js";
import { parseAlias } from "./ip-text.js";
import type { UnderlayDevice } from "./kernel.js";

/** A row of what `ip -json` and `bridge -json` print, read field by field. */
class Row {
  private readonly fields: Readonly<Record<string, unknown>>;

  constructor(fields: Readonly<Record<string, unknown>>) {
    this.fields = fields;
  }

  text(name: string): string {
    const value = this.fields[name];
    return typeof value === "string" ? value : "";
  }

  count(name: string): number {
    const value = this.fields[name];
    return typeof value === "number" ? value : 0;
  }

  isTrue(name: string): boolean {
    return this.fields[name] === true;
  }

  has(name: string, word: string): boolean {
    const value = this.fields[name];
    return Array.isArray(value) && value.includes(word);
  }

  row(name: string): Row {
    return new Row(asRecord(this.fields[name]));
  }

  rows(name: string): readonly Row[] {
    const value = this.fields[name];
    return Array.isArray(value) ? value.map((each) => new Row(asRecord(each))) : [];
  }
}

function asRecord(value: unknown): Readonly<Record<string, unknown>> {
  // A parser: what JSON calls an object is a record of unknown values.
  return typeof value === "object" && value !== null ? (value as Readonly<Record<string, unknown>>) : {};
}

function rowsOf(json: string): readonly Row[] {
  const text = json.trim();
  if (text === "") return [];
  try {
    const parsed: unknown = JSON.parse(text);
    return Array.isArray(parsed) ? parsed.map((each) => new Row(asRecord(each))) : [];
  } catch (cause) {
    throw new TallshipError("kernel_failed", `read network tables: not JSON: ${text.slice(0, 200)}`, { cause });
  }
}

/** Whether a device's entries are asked for. */
export type Asked = (device: string) => boolean;

/** VXLAN devices that are up, of `ip -json -details link show type vxlan`. One that is down counts as absent: adding brings it up. */
export function parseDevices(json: string, devices: Asked): readonly Entry[] {
  return rowsOf(json).flatMap((row): Entry[] => {
    const device = row.text("ifname");
    if (!devices(device) || !row.has("flags", "UP")) return [];
    const vxlan = row.row("linkinfo").row("info_data");
    return [
      {
        table: "device",
        device,
        vni: vxlan.count("id"),
        port: vxlan.count("port"),
        underlayIp: vxlan.text("local"),
        mac: row.text("address"),
        mtu: row.count("mtu"),
      },
    ];
  });
}

/** Addresses of the devices, of `ip -json address show`; of IPv6 only where that is asked for, and never link-local ones. */
export function parseAddresses(json: string, devices: Asked, families: readonly Family[] = ["IPv4"]): readonly Entry[] {
  return rowsOf(json).flatMap((row): Entry[] => {
    const device = row.text("ifname");
    if (!devices(device)) return [];
    return row.rows("addr_info").flatMap((address): Entry[] => {
      const ip = address.text("local");
      if (!families.includes(familyOf(ip)) || address.text("scope") === "link") return [];
      const isHidden = address.text("scope") === "host" || address.isTrue("deprecated");
      return [{ table: "address", device, ip, scope: isHidden ? "host" : "global" }];
    });
  });
}

/** Permanent neighbours of the devices, of `ip -json neighbour show nud permanent`. */
export function parseNeighbours(
  json: string,
  devices: Asked,
  families: readonly Family[] = ["IPv4"],
): readonly Entry[] {
  return rowsOf(json).flatMap((row): Entry[] => {
    const device = row.text("dev");
    if (!devices(device) || !families.includes(familyOf(row.text("dst")))) return [];
    return [{ table: "neigh", device, ip: row.text("dst"), mac: row.text("lladdr") }];
  });
}

/** Addresses that the devices stand in for on Tallship's behalf, of `ip -json neighbour show proxy`. */
export function parseStandIns(json: string, devices: Asked): readonly Entry[] {
  return rowsOf(json).flatMap((row): Entry[] => {
    const device = row.text("dev");
    if (!devices(device) || row.text("protocol") !== `${ROUTE_PROTOCOL}`) return [];
    return [{ table: "stand-in", device, ip: row.text("dst") }];
  });
}

/** Forwarding entries, of `bridge -json fdb show dev DEVICE`. */
export function parseForwarding(json: string, device: string): readonly Entry[] {
  return rowsOf(json).flatMap((row): Entry[] =>
    row.text("dst") === "" ? [] : [{ table: "fdb", device, mac: row.text("mac"), underlayIp: row.text("dst") }],
  );
}

/** Tallship's routes through the devices and its refusals, of `ip -json route show proto 84`, of whatever families were shown. */
export function parseRoutes(json: string, devices: Asked): readonly Entry[] {
  return rowsOf(json).flatMap((row): Entry[] => {
    const subnet = withPrefix(row.text("dst"), row.text("gateway"));
    if (row.text("type") === "unreachable") return [{ table: "refusal", subnet }];
    const device = row.text("dev");
    if (!devices(device)) return [];
    const mtu = row.rows("metrics")[0]?.count("mtu") ?? 0;
    const inTable = tableNumber(row.text("table"));
    return [
      {
        ...{ table: "route", device, subnet, via: row.text("gateway"), source: row.text("prefsrc") },
        ...(mtu > 0 && { mtu }),
        ...(inTable !== MAIN_TABLE && { inTable }),
      },
    ];
  });
}

/** Tallship's rules of a family, of `ip -json rule show`, which does not tell it. */
export function parseRules(json: string, family: Family): readonly Entry[] {
  return rowsOf(json).flatMap((row): Entry[] => {
    if (row.text("protocol") !== `${ROUTE_PROTOCOL}`) return [];
    const onward = row.count("goto");
    const kind = { table: "rule" as const, family };
    const whole = { ...kind, priority: row.count("priority"), mark: Number(row.text("fwmark")) };
    const mask = row.text("fwmask") === "" ? WHOLE_MARK : Number(row.text("fwmask"));
    const target = onward === 0 ? tableNumber(row.text("table")) : onward;
    return [{ ...whole, mask, leads: onward === 0 ? "lookup" : "goto", target }];
  });
}

const WHOLE_MARK = 0xffffffff;

/** The table's number. Those that nobody has given a name are numbers already; a route that names none is in the main one. */
function tableNumber(name: string): number {
  return name === "" || name === "main" ? MAIN_TABLE : Number(name);
}

/** What leads everywhere has the name of no family: its gateway has one. */
function withPrefix(destination: string, gateway: string): string {
  if (destination === "default") return EVERYWHERE[familyOf(gateway)];
  return destination.includes("/") ? destination : hostPrefix(destination);
}

/** A pod's device on the host, of `ip -json link show group N`. */
export interface HostEnd {
  readonly uid: string;
  readonly address: string;
  /** The other end's name in the pod. */
  readonly interface: string;
  readonly device: string;
  readonly isUp: boolean;
}

/** Pods' devices on the host. */
export function parseHostEnds(json: string): readonly HostEnd[] {
  return rowsOf(json).flatMap((row) => {
    const owner = parseAlias(row.text("ifalias"));
    if (owner === undefined || row.text("group") !== `${POD_DEVICE_GROUP}`) return [];
    return [{ ...owner, device: row.text("ifname"), isUp: row.has("flags", "UP") }];
  });
}

/** The hardware address of the first link, of `ip -json link show`; empty when it has none. */
export function parseMac(json: string): string {
  return rowsOf(json)[0]?.text("address") ?? "";
}

/** The first link that has an address, of `ip -json address show to IP/32`; undefined: none has it. */
export function parseHolder(json: string): string | undefined {
  return rowsOf(json)
    .map((row) => row.text("ifname"))
    .find((name) => name !== "");
}

/** A link with its own addresses, of `ip -json address show dev NAME`, once for each family that is looked at; undefined when it does not have this one. */
export function parseUnderlay(address: string, json: string, ipv6Json = ""): UnderlayDevice | undefined {
  const row = rowsOf(json).find((each) => each.text("ifname") !== "");
  const held = row?.rows("addr_info").find((each) => each.text("local") === address);
  if (row === undefined || held === undefined) return undefined;
  const device = row.text("ifname");
  const own = ownAddresses(ipv6Json, device);
  const [linkIpv6] = ofScope(own, "link");
  const hostIpv6 = ofScope(own, "global");
  const hostIpv4 = ofScope(row.rows("addr_info"), "global").filter(
    (each) => each !== address && familyOf(each) === "IPv4",
  );
  return {
    ...{ device, mtu: row.count("mtu"), prefixLength: held.count("prefixlen") },
    ...(hostIpv4.length > 0 && { hostIpv4 }),
    ...(linkIpv6 !== undefined && { linkIpv6 }),
    ...(hostIpv6.length > 0 && { hostIpv6 }),
  };
}

/** The device's own addresses of IPv6; none that the link has not been asked for yet, or that another has. */
function ownAddresses(json: string, device: string): readonly Row[] {
  const own = rowsOf(json).filter((row) => row.text("ifname") === device);
  return own
    .flatMap((row) => row.rows("addr_info"))
    .filter((each) => familyOf(each.text("local")) === "IPv6")
    .filter((each) => !each.isTrue("tentative") && !each.isTrue("dadfailed"));
}

/** Sorted, those last that change by themselves or are about to go. */
function ofScope(rows: readonly Row[], scope: "link" | "global"): readonly string[] {
  const inScope = rows.filter((row) => row.text("scope") === scope);
  const isPassing = (row: Row): boolean => row.isTrue("temporary") || row.isTrue("deprecated");
  const sorted = (some: readonly Row[]): readonly string[] => some.map((row) => row.text("local")).sort();
  return [...sorted(inScope.filter((row) => !isPassing(row))), ...sorted(inScope.filter(isPassing))];
}
