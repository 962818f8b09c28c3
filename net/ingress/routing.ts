import { createHash } from "node:crypto";
import { metaOf } from "../../kinds/object.js";
import type {
  HTTPIngressPath,
  Ingress,
  IngressBackend,
  ServiceBackendPort,
} from "../../proto/gen/tallship/v1/ingress.js";
import { isPrintable, PLAIN_OPTIONS, type RouteOptions, routeOptions } from "./route-options.js";

/** Zone of requests whose host no rule names. */
export const ANY_HOST = "_";

/** Something that takes requests: a port of a service, and how its requests are treated. */
export interface Backend {
  /** Unique; letters, digits, '-' and '_'. */
  readonly id: string;
  /** namespace/name of the service. */
  readonly service: string;
  readonly port: ServiceBackendPort;
  readonly options: RouteOptions;
  /** The path as a regular expression, where it is one; "" elsewhere. */
  readonly pattern: string;
}

/** A path that is a regular expression. */
export interface PatternRoute {
  readonly zone: string;
  readonly pattern: string;
  readonly backend: string;
}

/** A certificate and the hosts it is shown for; no hosts: those that it names itself. */
export interface CertificateUse {
  /** namespace/name of the Secret. */
  readonly secret: string;
  readonly hosts: readonly string[];
}

/** Where requests go. Keys of paths are a zone and a path; those of prefixes end with "/", and the longest that fits decides. */
export interface Routing {
  /** Hosts that rules name: "shop.example.com", "*.example.com"; a request belongs to the closest one, else to ANY_HOST. */
  readonly zones: ReadonlySet<string>;
  readonly exact: ReadonlyMap<string, string>;
  readonly patterns: readonly PatternRoute[];
  readonly prefixes: ReadonlyMap<string, string>;
  readonly backends: readonly Backend[];
  readonly certificates: readonly CertificateUse[];
  /** What of the ingresses means nothing here, by namespace/name. */
  readonly problems: readonly RoutingProblem[];
}

/** What of an ingress has no effect, and why. */
export interface RoutingProblem {
  readonly ingress: string;
  readonly why: string;
}

/** Where requests go by these ingresses. Where two claim the same path the older one has it. Equal input, equal result. */
export function routingOf(ingresses: Iterable<Ingress>): Routing {
  const builder = new RoutingBuilder();
  for (const ingress of [...ingresses].sort(byAge)) builder.add(ingress);
  return builder.result();
}

function byAge(one: Ingress, other: Ingress): number {
  const [left, right] = [one, other].map((each) => {
    const { creationTimestamp, namespace, name } = metaOf(each);
    return `${creationTimestamp} ${namespace}/${name}`;
  });
  return (left ?? "") < (right ?? "") ? -1 : 1;
}

class RoutingBuilder {
  private readonly zones = new Set<string>();
  private readonly exact = new Map<string, string>();
  private readonly prefixes = new Map<string, string>();
  private readonly patterns = new Map<string, PatternRoute>();
  private readonly backends = new Map<string, Backend>();
  private readonly certificates = new Map<string, Set<string>>();
  private readonly problems: RoutingProblem[] = [];

  result(): Routing {
    const { zones, exact, prefixes, problems } = this;
    // As nginx does it: of expressions the longest is tried first.
    const patterns = [...this.patterns.values()].sort((one, other) => other.pattern.length - one.pattern.length);
    const certificates = [...this.certificates].map(([secret, hosts]) => ({ secret, hosts: [...hosts] }));
    return { zones, exact, patterns, prefixes, backends: [...this.backends.values()], certificates, problems };
  }

  add(ingress: Ingress): void {
    const { namespace, name, annotations } = metaOf(ingress);
    const { rules = [], defaultBackend, tls = [] } = ingress.spec ?? {};
    const { options, problems } = routeOptions(annotations);
    const tell = (why: string): void => {
      this.problems.push({ ingress: `${namespace}/${name}`, why });
    };
    for (const { annotation, why } of problems) tell(`annotation ${annotation}: ${why}`);
    const hosts = rules.map(({ host }) => zoneOf(host));
    for (const [at, { http }] of rules.entries()) {
      const zone = hosts[at] ?? ANY_HOST;
      this.zones.add(zone);
      for (const path of http?.paths ?? []) this.addPath(zone, path, { namespace, options, tell });
    }
    if (defaultBackend !== undefined) {
      const backend = this.backend(defaultBackend, { namespace, options, tell }, "");
      for (const zone of hosts.length === 0 ? [ANY_HOST] : hosts) claim(this.prefixes, `${zone}/`, backend);
    }
    for (const { hosts: named, secretName } of tls) {
      if (secretName === "") continue;
      const own = named.length > 0 ? named : hosts.filter((host) => host !== ANY_HOST);
      const shown = this.certificates.get(`${namespace}/${secretName}`) ?? new Set();
      for (const host of own) shown.add(host.toLowerCase());
      this.certificates.set(`${namespace}/${secretName}`, shown);
    }
  }

  private addPath(zone: string, { path, pathType, backend }: HTTPIngressPath, source: Source): void {
    if (backend === undefined) return;
    if (!isPrintable(path)) {
      source.tell(`path ${JSON.stringify(path)}: no request has such a path`);
      return;
    }
    const isPattern = source.options.usesPatterns && pathType !== "Exact" && path !== "";
    if (isPattern && !isExpression(path)) {
      source.tell(`path ${JSON.stringify(path)}: no regular expression`);
      return;
    }
    const id = this.backend(backend, source, isPattern ? path : "");
    if (id === undefined) return;
    if (isPattern) this.addPattern({ zone, pattern: path, backend: id });
    else if (pathType === "Exact") claim(this.exact, `${zone}${path}`, id);
    else claim(this.prefixes, `${zone}${path.replace(/\/+$/, "")}/`, id);
  }

  private addPattern(route: PatternRoute): void {
    const key = `${route.zone}${route.pattern}`;
    if (!this.patterns.has(key)) this.patterns.set(key, route);
  }

  private backend({ service }: IngressBackend, source: Source, pattern: string): string | undefined {
    if (service?.port === undefined) {
      source.tell("a backend that is no service takes no requests here");
      return undefined;
    }
    const { namespace, options } = source;
    const { name, port } = service;
    // The pattern matters to who rewrites by its groups; without that, one backend is enough for all paths.
    const shaping = options.rewrite === "" ? "" : pattern;
    const id = `${namespace}_${name}_${port.name || port.number}${suffixOf(options, shaping)}`;
    this.backends.set(id, { id, service: `${namespace}/${name}`, port, options, pattern: shaping });
    return id;
  }
}

interface Source {
  readonly namespace: string;
  readonly options: RouteOptions;
  readonly tell: (why: string) => void;
}

function zoneOf(host: string): string {
  return host === "" ? ANY_HOST : host.toLowerCase();
}

function claim(map: Map<string, string>, key: string, backend: string | undefined): void {
  if (backend !== undefined && !map.has(key)) map.set(key, backend);
}

function isExpression(text: string): boolean {
  try {
    return new RegExp(text) !== undefined;
  } catch {
    return false;
  }
}

/** Tells apart backends of one port whose requests are treated differently. */
function suffixOf(options: RouteOptions, pattern: string): string {
  const text = JSON.stringify([options, pattern]);
  if (text === PLAIN) return "";
  return `-${createHash("sha256").update(text).digest("hex").slice(0, 10)}`;
}

const PLAIN = JSON.stringify([PLAIN_OPTIONS, ""]);
