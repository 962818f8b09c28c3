import { credentialsHost } from "../../kinds/registry-credentials.js";
import type { Endpoint } from "./registry/registry.js";

/** Where one registry's content may be had instead. */
export interface MirrorRule {
  /** In the order in which they are asked. */
  readonly endpoints: readonly Endpoint[];
  /** The registry itself is asked after the endpoints. */
  readonly hasFallback: boolean;
}

/** Rules by registry host; "*" holds for every host without a rule of its own. */
export type Mirrors = ReadonlyMap<string, MirrorRule>;

/** The endpoints to ask for content of a registry, in order. */
export function endpointsFor(mirrors: Mirrors, host: string): readonly Endpoint[] {
  const rule = mirrors.get(host) ?? mirrors.get("*");
  if (rule === undefined) return [originOf(host)];
  return rule.hasFallback ? [...rule.endpoints, originOf(host)] : rule.endpoints;
}

/** The registry itself, with what a rule says of its certificate when one of the endpoints is the registry's own address. */
export function registryItself(mirrors: Mirrors, host: string): Endpoint {
  return mirrors.get(host)?.endpoints.find((endpoint) => hostOf(endpoint) === host) ?? originOf(host);
}

/** The registry itself: by https, on this machine by http. docker.io is served by another name. */
function originOf(host: string): Endpoint {
  const served = host === "docker.io" ? "registry-1.docker.io" : host;
  const scheme = /^(localhost|127\.[0-9.]+|\[::1\])(:[0-9]+)?$/.test(host) ? "http" : "https";
  return { origin: `${scheme}://${served}`, repositoryPrefix: "", caPath: undefined, isUnverified: false };
}

/** The host by whose name credentials for an endpoint are kept. */
export function hostOf(endpoint: Endpoint): string {
  return credentialsHost(new URL(endpoint.origin).host);
}
