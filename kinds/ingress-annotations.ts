/** Prefixes under which annotations of an ingress say how its requests are treated: Tallship's own, and those of the controller that most files are written for. */
const PREFIXES = ["ingress.tallship.dev/", "nginx.ingress.kubernetes.io/"] as const;

/** Prefixes of other controllers' annotations: nothing here reads them. */
const FOREIGN = [
  "alb.ingress.kubernetes.io/",
  "haproxy-ingress.github.io/",
  "haproxy.org/",
  "ingress.kubernetes.io/",
  "konghq.com/",
  "traefik.ingress.kubernetes.io/",
] as const;

/** What annotations can say. */
export const INGRESS_ANNOTATIONS = [
  "affinity",
  "allowlist-source-range",
  "app-root",
  "backend-protocol",
  "denylist-source-range",
  "enable-cors",
  "cors-allow-origin",
  "cors-allow-methods",
  "cors-allow-headers",
  "cors-allow-credentials",
  "cors-max-age",
  "force-ssl-redirect",
  "permanent-redirect",
  "proxy-body-size",
  "proxy-connect-timeout",
  "proxy-read-timeout",
  "proxy-send-timeout",
  "rewrite-target",
  "session-cookie-name",
  "ssl-redirect",
  "temporal-redirect",
  "upstream-vhost",
  "use-regex",
  "whitelist-source-range",
] as const;

/** One of them. */
export type IngressAnnotation = (typeof INGRESS_ANNOTATIONS)[number];

/** Settings that hold anyway, or that change nothing a user could see. */
const HELD_ANYWAY: ReadonlySet<string> = new Set(["proxy-buffering", "proxy-request-buffering", "proxy-http-version"]);

/** Settings that let in only clients who prove who they are. Nothing here asks for that: rather than letting everybody in, nobody is. */
const CLOSING = ["auth-type", "auth-url", "auth-tls-secret"] as const;

/** Values with which certificates of clients keep nobody out. */
const LETS_ALL: ReadonlySet<string> = new Set(["off", "optional", "optional_no_ca"]);

/** What is told of annotations that keep everybody out. */
export const CLOSED = "nothing here asks clients who they are, so requests of the ingress get status 403";

const KNOWN: ReadonlySet<string> = new Set(INGRESS_ANNOTATIONS);

/** The value of an annotation under any of its prefixes; Tallship's own goes first. */
export function ingressAnnotation(
  annotations: Readonly<Record<string, string>>,
  name: IngressAnnotation,
): string | undefined {
  for (const prefix of PREFIXES) {
    const value = annotations[`${prefix}${name}`];
    if (value !== undefined) return value;
  }
  return undefined;
}

/** The annotation that closes an ingress: it lets in clients who prove who they are, which nothing here can see. Undefined when there is none. */
export function closingAnnotation(annotations: Readonly<Record<string, string>>): string | undefined {
  const said = (name: string): string =>
    PREFIXES.map((prefix) => annotations[`${prefix}${name}`]?.trim() ?? "").find((value) => value !== "") ?? "";
  const isLax = LETS_ALL.has(said("auth-tls-verify-client"));
  return CLOSING.find((name) => said(name) !== "" && !(name === "auth-tls-secret" && isLax));
}

/** Why an annotation of an ingress has no effect; undefined when it has one, or speaks of something else. */
export function ignoredIngressAnnotation(key: string): string | undefined {
  const prefix = PREFIXES.find((each) => key.startsWith(each));
  if (prefix === undefined)
    return FOREIGN.some((each) => key.startsWith(each)) ? "it is for another ingress controller" : undefined;
  const name = key.slice(prefix.length);
  if (CLOSING.some((each) => each === name)) return CLOSED;
  return KNOWN.has(name) || HELD_ANYWAY.has(name) ? undefined : `nothing here does what "${name}" asks for`;
}
