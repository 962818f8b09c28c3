import type { Endpoint, EndpointSlice } from "../../proto/gen/tallship/v1/endpointslice.js";
import type { Service } from "../../proto/gen/tallship/v1/service.js";
import { parseAddress } from "../ipv4.js";
import { isReady } from "../proxy/endpoint-choice.js";

/** One service record. */
export interface SrvRecord {
  readonly port: number;
  /** Name of the host that answers. */
  readonly target: string;
}

/** What is known of one name. */
export interface NameEntry {
  readonly a?: readonly string[];
  readonly srv?: readonly SrvRecord[];
  readonly cname?: string;
}

/** Every name that one service brings, lower case and without a dot at the end, and the names of addresses. */
export interface ServiceNames {
  readonly names: Readonly<Record<string, NameEntry>>;
  readonly reverse: Readonly<Record<string, string>>;
}

/**
 * The names of a service: its own, and those of named ports; for a headless one also those of its endpoints, by hostname or by
 * address with dashes. Undefined when it brings none. Equal input, equal result, in the same order.
 */
export function namesOf(
  key: string,
  service: Service | undefined,
  slices: readonly EndpointSlice[],
  domain: string,
): ServiceNames | undefined {
  const spec = service?.spec;
  if (spec === undefined) return undefined;
  const [namespace = "", name = ""] = key.split("/");
  const base = `${name}.${namespace}.svc.${domain}`.toLowerCase();
  const found = new Names();
  if (spec.type === "ExternalName") found.alias(base, spec.externalName);
  else if (spec.clusterIP === "None") addHeadless(found, base, spec.publishNotReadyAddresses, slices);
  else if (parseAddress(spec.clusterIP) !== undefined) {
    found.address(base, spec.clusterIP);
    found.reverse.set(spec.clusterIP, base);
    for (const { name: port, protocol, port: number } of spec.ports)
      found.service(base, { port, protocol }, { port: number, target: base });
  }
  return found.result();
}

/** Collects what one service brings. */
class Names {
  readonly reverse = new Map<string, string>();
  private readonly entries = new Map<string, { a?: string[]; srv?: SrvRecord[]; cname?: string }>();

  address(name: string, address: string): void {
    const entry = this.entry(name);
    entry.a ??= [];
    if (entry.a.at(-1) !== address && !entry.a.includes(address)) entry.a.push(address);
  }

  service(base: string, { port, protocol }: { port: string; protocol: string }, record: SrvRecord): void {
    if (port === "") return;
    const entry = this.entry(`_${port}._${protocol || "TCP"}.${base}`.toLowerCase());
    entry.srv ??= [];
    entry.srv.push(record);
  }

  alias(name: string, target: string): void {
    if (target !== "") this.entry(name).cname = target.toLowerCase().replace(/\.$/, "");
  }

  exists(name: string): void {
    this.entry(name);
  }

  result(): ServiceNames | undefined {
    if (this.entries.size === 0) return undefined;
    return { names: Object.fromEntries(this.entries), reverse: Object.fromEntries(this.reverse) };
  }

  private entry(name: string): { a?: string[]; srv?: SrvRecord[]; cname?: string } {
    const entry = this.entries.get(name) ?? {};
    this.entries.set(name, entry);
    return entry;
  }
}

/** A headless service exists even when nobody is behind it: its name is there and has no address. */
function addHeadless(found: Names, base: string, isAll: boolean, slices: readonly EndpointSlice[]): void {
  found.exists(base);
  for (const slice of slices) {
    if (slice.addressType !== "IPv4") continue;
    for (const endpoint of slice.endpoints) if (isAll || isReady(endpoint)) addEndpoint(found, base, endpoint, slice);
  }
}

function addEndpoint(found: Names, base: string, { addresses, hostname }: Endpoint, { ports }: EndpointSlice): void {
  const address = addresses[0] ?? "";
  if (parseAddress(address) === undefined) return;
  const host = `${hostname || address.replaceAll(".", "-")}.${base}`.toLowerCase();
  found.address(base, address);
  found.address(host, address);
  found.reverse.set(address, host);
  for (const { name, protocol, port } of ports) found.service(base, { port: name, protocol }, { port, target: host });
}
