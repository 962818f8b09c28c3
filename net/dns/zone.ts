import type { Endpoint, EndpointSlice } from "../../proto/gen/tallship/v1/endpointslice.js";
import type { Service } from "../../proto/gen/tallship/v1/service.js";
import type { NetworkMap } from "../node-network.js";

/** One service record. */
export interface SrvRecord {
  readonly port: number;
  /** Name of the host that answers. */
  readonly target: string;
}

/** What is known of one name. A name without any record exists all the same: it stands above others. */
export interface ZoneEntry {
  readonly a?: readonly string[];
  readonly srv?: readonly SrvRecord[];
  readonly cname?: string;
}

/** Everything the cluster's domain holds, as it stands in the state file. Names are lower case and have no dot at the end. */
export interface Zone {
  readonly domain: string;
  readonly names: Readonly<Record<string, ZoneEntry>>;
  /** Names by address. */
  readonly ptr: Readonly<Record<string, string>>;
}

/** The zone before anything is known. */
export function emptyZone(domain: string): Zone {
  return { domain, names: {}, ptr: {} };
}

/** The names of a network map's services and their endpoints. */
export function zoneOf({ services, endpointSlices }: NetworkMap, domain: string): Zone {
  const slices = slicesByService(endpointSlices);
  const builder = new ZoneBuilder(domain);
  for (const [key, service] of [...services].sort(([a], [b]) => (a < b ? -1 : 1)))
    addService(builder, key, service, slices.get(key) ?? []);
  return builder.zone();
}

function slicesByService(endpointSlices: NetworkMap["endpointSlices"]): ReadonlyMap<string, readonly EndpointSlice[]> {
  const found = new Map<string, EndpointSlice[]>();
  for (const slice of endpointSlices.values()) {
    const name = slice.metadata?.labels["kubernetes.io/service-name"];
    if (name === undefined) continue;
    const key = `${slice.metadata?.namespace}/${name}`;
    found.set(key, [...(found.get(key) ?? []), slice]);
  }
  return found;
}

/** Collects records; the names above each are known to exist. */
class ZoneBuilder {
  readonly domain: string;
  private readonly names = new Map<string, { a: string[]; srv: SrvRecord[]; cname: string | undefined }>();
  private readonly ptr: Record<string, string> = {};

  constructor(domain: string) {
    this.domain = domain;
  }

  address(name: string, address: string): void {
    const { a } = this.entry(name);
    if (!a.includes(address)) a.push(address);
  }

  service(name: string, record: SrvRecord): void {
    this.entry(name).srv.push(record);
  }

  alias(name: string, target: string): void {
    this.entry(name).cname = target;
  }

  reverse(address: string, name: string): void {
    this.ptr[address] = name.toLowerCase();
  }

  private entry(name: string): { a: string[]; srv: SrvRecord[]; cname: string | undefined } {
    const key = name.toLowerCase();
    const known = this.names.get(key);
    if (known !== undefined) return known;
    const fresh = { a: [], srv: [], cname: undefined };
    this.names.set(key, fresh);
    const above = key.slice(key.indexOf(".") + 1);
    if (above !== this.domain && above.endsWith(`.${this.domain}`)) this.entry(above);
    return fresh;
  }

  zone(): Zone {
    const rows = [...this.names].map(([name, { a, srv, cname }]) => {
      const entry: ZoneEntry = {
        ...(a.length > 0 && { a }),
        ...(srv.length > 0 && { srv }),
        ...(cname !== undefined && { cname }),
      };
      return [name, entry] as const;
    });
    return { domain: this.domain, names: Object.fromEntries(rows), ptr: this.ptr };
  }
}

function addService(builder: ZoneBuilder, key: string, { spec }: Service, slices: readonly EndpointSlice[]): void {
  if (spec === undefined) return;
  const [namespace = "", name = ""] = key.split("/");
  const base = `${name}.${namespace}.svc.${builder.domain}`;
  if (spec.type === "ExternalName") {
    builder.alias(base, spec.externalName.toLowerCase());
    return;
  }
  if (spec.clusterIP === "None") {
    addHeadless(builder, base, spec.publishNotReadyAddresses, slices);
    return;
  }
  if (spec.clusterIP === "") return;
  builder.address(base, spec.clusterIP);
  builder.reverse(spec.clusterIP, base);
  for (const port of spec.ports) {
    if (port.name !== "")
      builder.service(`_${port.name}._${(port.protocol || "TCP").toLowerCase()}.${base}`, {
        port: port.port,
        target: base,
      });
  }
}

/** Every endpoint that may be found answers below the service's name: by its hostname, or by its address with dashes. */
function addHeadless(builder: ZoneBuilder, base: string, isAll: boolean, slices: readonly EndpointSlice[]): void {
  for (const slice of slices.filter(({ addressType }) => addressType === "IPv4")) {
    for (const endpoint of slice.endpoints.filter((each) => isAll || isReady(each)))
      addEndpoint(builder, base, endpoint, slice);
  }
}

function addEndpoint(
  builder: ZoneBuilder,
  base: string,
  { addresses, hostname }: Endpoint,
  { ports }: EndpointSlice,
): void {
  const [address] = addresses;
  if (address === undefined) return;
  const host = `${hostname || address.replaceAll(".", "-")}.${base}`;
  builder.address(base, address);
  builder.address(host, address);
  builder.reverse(address, host);
  for (const { name, protocol, port } of ports) {
    if (name !== "") builder.service(`_${name}._${(protocol || "TCP").toLowerCase()}.${base}`, { port, target: host });
  }
}

/** Absent means ready, as in Kubernetes. */
function isReady({ conditions }: Endpoint): boolean {
  return conditions?.ready !== false;
}
