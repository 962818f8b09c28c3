import type { JsonObject } from "../../kinds/encode.js";
import { usageError } from "../verb.js";

/** A rule out of `HOST/PATH=SERVICE:PORT[,tls[=SECRET]]`; a path that ends in `*` is a prefix. */
interface Rule {
  readonly host: string;
  readonly path: JsonObject;
  /** The secret of the host's certificate; empty: the proxy's own; undefined: no TLS. */
  readonly tls: string | undefined;
}

/** The spec of an ingress as kubectl makes it of the command line: rules of one host together, in the order of their first one. */
export function ingressSpec(rules: readonly string[], defaultBackend: string | undefined): JsonObject {
  if (rules.length === 0 && defaultBackend === undefined)
    throw usageError("say what is served: --rule=HOST/PATH=SERVICE:PORT or --default-backend=SERVICE:PORT");
  const byHost = new Map<string, JsonObject[]>();
  const hosts = new Map<string, string[]>();
  for (const { host, path, tls } of rules.map(ruleOf)) {
    byHost.set(host, [...(byHost.get(host) ?? []), path]);
    if (tls === undefined || host === "") continue;
    const held = hosts.get(tls) ?? [];
    hosts.set(tls, held.includes(host) ? held : [...held, host]);
  }
  const tls = [...hosts].map(([secretName, names]) => ({ hosts: names, ...(secretName === "" ? {} : { secretName }) }));
  return {
    ...(defaultBackend === undefined ? {} : { defaultBackend: backendOf(defaultBackend) }),
    ...(tls.length === 0 ? {} : { tls }),
    ...(rules.length === 0
      ? {}
      : { rules: [...byHost].map(([host, paths]) => ({ ...(host === "" ? {} : { host }), http: { paths } })) }),
  };
}

function ruleOf(text: string): Rule {
  const [, host = "", path = "", backend = "", tls, secret = ""] =
    /^([^/=]*)(\/[^=]*)=([^,=]+)(?:,(tls)(?:=([^,=]+))?)?$/.exec(text) ?? [];
  if (path === "") throw usageError(`--rule: "${text}" is not HOST/PATH=SERVICE:PORT[,tls[=SECRET]]`);
  const isPrefix = path.endsWith("*");
  return {
    host,
    path: {
      path: isPrefix ? path.slice(0, -1) : path,
      pathType: isPrefix ? "Prefix" : "Exact",
      backend: backendOf(backend),
    },
    tls: tls === undefined ? undefined : secret,
  };
}

function backendOf(text: string): JsonObject {
  const [name = "", port = "", ...more] = text.split(":");
  if (name === "" || port === "" || more.length > 0) throw usageError(`"${text}" is not SERVICE:PORT`);
  return { service: { name, port: /^\d+$/.test(port) ? { number: Number(port) } : { name: port } } };
}
