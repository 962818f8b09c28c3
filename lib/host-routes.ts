// Edge: the kernel's routes and addresses.
import { readFileSync } from "node:fs";
import { networkInterfaces } from "node:os";

/** One route of the host. */
export interface HostRoute {
  /** Such as 10.0.0.0/8. */
  readonly destination: string;
  readonly device: string;
}

/** The host's routes of both families, as /proc shows them. */
export function readRoutes(): readonly HostRoute[] {
  return [...parseRoutes(readOrEmpty("/proc/net/route")), ...parseIpv6Routes(readOrEmpty("/proc/net/ipv6_route"))];
}

/** The address by which other hosts most likely reach this one: that of the device with the default route, else of the first that has one. */
export function likelyAddress(): string | undefined {
  const device = readRoutes().find(({ destination }) => destination === "0.0.0.0/0")?.device;
  const all = networkInterfaces();
  const names = device === undefined ? Object.keys(all).sort() : [device, ...Object.keys(all).sort()];
  return names.flatMap((name) => all[name] ?? []).find(({ family, internal }) => family === "IPv4" && !internal)
    ?.address;
}

/** Reads /proc/net/route: destination and mask stand in it as little-endian hexadecimal. */
export function parseRoutes(text: string): readonly HostRoute[] {
  return text
    .split("\n")
    .slice(1)
    .map((line) => line.trim().split(/\s+/))
    .filter((fields) => fields.length >= 8)
    .map(([device = "", destination = "", , , , , , mask = ""]) => {
      const bits = [...Buffer.from(mask, "hex")].map((byte) => byte.toString(2)).join("");
      const length = bits.replaceAll("0", "").length;
      const address = [...Buffer.from(destination, "hex")].reverse().join(".");
      return { destination: `${address}/${length}`, device };
    });
}

/** Reads /proc/net/ipv6_route, without the host's own addresses, multicast and link-local. */
export function parseIpv6Routes(text: string): readonly HostRoute[] {
  return text
    .split("\n")
    .map((line) => line.trim().split(/\s+/))
    .filter((fields) => fields.length >= 10)
    .map(([destination = "", length = "", , , , , , , , device = ""]) => {
      const groups = destination.match(/.{4}/g) ?? [];
      return { destination: `${groups.join(":")}/${Number.parseInt(length, 16)}`, device };
    })
    .filter(({ destination }) => !/^(ff|fe8)/.test(destination) && !destination.endsWith("/128"));
}

function readOrEmpty(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}
