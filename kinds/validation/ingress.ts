import type { HTTPIngressPath, Ingress, IngressBackend, IngressClass } from "../../proto/gen/tallship/v1/ingress.js";
import { type Findings, type Path, shorten } from "./findings.js";

/** Something that takes requests, backends that name one thing each, and paths that mean one thing each. */
export function checkIngress({ spec }: Ingress, findings: Findings): void {
  const path = ["spec"];
  const { rules = [], defaultBackend } = spec ?? {};
  if (rules.length === 0 && defaultBackend === undefined)
    findings.add("required", path, "want defaultBackend or rules");
  if (defaultBackend !== undefined) checkBackend(defaultBackend, [...path, "defaultBackend"], findings);
  for (const [index, { http }] of rules.entries())
    for (const [place, each] of (http?.paths ?? []).entries())
      checkPath(each, [...path, "rules", index, "http", "paths", place], findings);
}

/** Parameters in a namespace name it, others do not. */
export function checkIngressClass({ spec }: IngressClass, findings: Findings): void {
  if (spec === undefined) findings.add("required", ["spec"], "this field is required");
  const parameters = spec?.parameters;
  if (parameters === undefined) return;
  const path = ["spec", "parameters", "namespace"];
  const isNamed = (parameters.namespace ?? "") !== "";
  if (parameters.scope === "Namespace" && !isNamed) findings.add("required", path, "scope Namespace needs this field");
  if (parameters.scope === "Cluster" && isNamed) findings.add("forbidden", path, "only with scope Namespace");
}

function checkBackend(backend: IngressBackend, path: Path, findings: Findings): void {
  const { service, resource } = backend;
  findings.exactlyOne({ service, resource }, path);
  if (service === undefined) return;
  const { name = "", number = 0 } = service.port ?? {};
  const port = { name: name || undefined, number: number || undefined };
  findings.exactlyOne(port, [...path, "service", "port"]);
}

/** What no request's path has once it was cleaned. */
const UNCLEAN = /\/\/|\/\.\.?(\/|$)|%2f/i;

function checkPath({ path: text, pathType, backend }: HTTPIngressPath, path: Path, findings: Findings): void {
  const here = [...path, "path"];
  const found = `found ${JSON.stringify(shorten(text))}`;
  if (backend === undefined) findings.add("required", [...path, "backend"], "this field is required");
  else checkBackend(backend, [...path, "backend"], findings);
  const isFree = pathType === "ImplementationSpecific" && text === "";
  if (!isFree && !text.startsWith("/")) findings.add("invalid", here, `want an absolute path, ${found}`);
  if (pathType !== "ImplementationSpecific" && UNCLEAN.test(text))
    findings.add("invalid", here, `want a path without "//", "/./", "/../" and "%2f", ${found}`);
}
