import { isScalar, isSeq, type Node } from "yaml";
import { booleanOf, fieldsOf, openYaml, type Parsing, textOf, wrong } from "../yaml-fields.js";
import type { MirrorRule, Mirrors } from "./mirrors.js";
import type { Endpoint } from "./registry/registry.js";

/**
 * Parses the file of mirrors:
 *
 *     mirrors:
 *       docker.io: [https://mirror.example/cache]     # cache is put before each repository
 *       registry.example:5000:
 *         endpoints: [{url: https://registry.example:5000, ca: /etc/ssl/own.pem, insecure: false}]
 *         fallback: false                             # do not ask the registry itself
 *       "*": [http://10.0.0.1:5000]
 *
 * Strict: what it does not know is invalid_argument with file, line and column.
 */
export function parseMirrors(text: string, path: string): Mirrors {
  const { parsing, top } = openYaml(text, path);
  if (top === undefined) return new Map();
  const rules = fieldsOf(parsing, top, ["mirrors"]).get("mirrors");
  if (rules === undefined) return new Map();
  return new Map(
    [...fieldsOf(parsing, rules)].map(([host, rule]) => [checkedHost(parsing, rule, host), ruleOf(parsing, rule)]),
  );
}

function ruleOf(parsing: Parsing, node: Node): MirrorRule {
  if (isSeq(node)) return { endpoints: endpointsOf(parsing, node), hasFallback: true };
  const fields = fieldsOf(parsing, node, ["endpoints", "fallback"]);
  const endpoints = fields.get("endpoints");
  if (endpoints === undefined) throw wrong(parsing, node, "endpoints is missing");
  const fallback = fields.get("fallback");
  return {
    endpoints: endpointsOf(parsing, endpoints),
    hasFallback: fallback === undefined || booleanOf(parsing, fallback, "fallback"),
  };
}

function endpointsOf(parsing: Parsing, node: Node): readonly Endpoint[] {
  if (!isSeq<Node>(node) || node.items.length === 0) throw wrong(parsing, node, "a list of endpoints is wanted");
  return node.items.map((item) => endpointOf(parsing, item));
}

function endpointOf(parsing: Parsing, node: Node): Endpoint {
  if (isScalar(node)) return { ...urlOf(parsing, node), caPath: undefined, isUnverified: false };
  const fields = fieldsOf(parsing, node, ["url", "ca", "insecure"]);
  const url = fields.get("url");
  if (url === undefined) throw wrong(parsing, node, "url is missing");
  const ca = fields.get("ca");
  const insecure = fields.get("insecure");
  return {
    ...urlOf(parsing, url),
    caPath: ca === undefined ? undefined : textOf(parsing, ca, "ca"),
    isUnverified: insecure !== undefined && booleanOf(parsing, insecure, "insecure"),
  };
}

function urlOf(parsing: Parsing, node: Node): { readonly origin: string; readonly repositoryPrefix: string } {
  const text = textOf(parsing, node, "url");
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || (url.protocol !== "http:" && url.protocol !== "https:")) {
    throw wrong(parsing, node, `${JSON.stringify(text)} is no http or https address`);
  }
  if (url.username !== "" || url.password !== "" || url.search !== "" || url.hash !== "") {
    throw wrong(parsing, node, "an endpoint has no credentials, query or fragment");
  }
  return { origin: url.origin, repositoryPrefix: url.pathname.replace(/^\/+|\/+$/g, "") };
}

function checkedHost(parsing: Parsing, node: Node, host: string): string {
  if (host === "*" || /^[A-Za-z0-9.-]+(:[0-9]+)?$/.test(host) || /^\[[0-9A-Fa-f:]+\](:[0-9]+)?$/.test(host))
    return host;
  throw wrong(parsing, node, `${JSON.stringify(host)} is no registry host`);
}
