import { hostPort } from "../../lib/host-port.js";
import type { CrossOrigin, RouteOptions } from "./route-options.js";
import type { Backend } from "./routing.js";
import type { ServerSlots } from "./server-slots.js";

/** A backend's part of the configuration. */
export function backendText({ id, options, pattern }: Backend, slots: ServerSlots): string {
  const lines = [
    "balance random",
    "option redispatch 1",
    "retries 2",
    "retry-on conn-failure empty-response",
    "http-request disable-l7-retry unless { method GET HEAD OPTIONS TRACE PUT DELETE }",
    `timeout connect ${options.connectSeconds}s`,
    `timeout server ${Math.max(options.readSeconds, options.sendSeconds)}s`,
    ...(options.readSeconds > 3_600 ? [`timeout tunnel ${options.readSeconds}s`] : []),
    ...accessRules(options),
    ...redirectRules(options),
    ...(options.cors === undefined ? [] : corsRules(options.cors)),
    ...rewriteRules(options, pattern),
    ...(options.cookie === "" ? [] : [`cookie ${options.cookie} insert indirect nocache httponly`]),
    ...slots.map((slot, at) => {
      const name = serverName(at);
      const state = slot === undefined ? "127.0.0.1:1 disabled" : hostPort(slot.ip, slot.port);
      return `server ${name} ${state}${SPEECH[options.protocol]}${options.cookie === "" ? "" : ` cookie ${name}`}`;
    }),
  ];
  return `backend ${id}\n${lines.map((line) => `  ${line}\n`).join("")}`;
}

/** Name of a backend's server at a place. */
export function serverName(at: number): string {
  return `s${at + 1}`;
}

/** Certificates of pods are nobody's to check, as with other ingress controllers. */
const SPEECH: Readonly<Record<RouteOptions["protocol"], string>> = {
  http: "",
  https: " ssl verify none sni req.hdr(host)",
  grpc: " proto h2",
  grpcs: " ssl verify none alpn h2 sni req.hdr(host)",
};

function accessRules({ isClosed, allowed, denied, bodyBytes }: RouteOptions): readonly string[] {
  return [
    ...(isClosed ? ["http-request deny deny_status 403"] : []),
    ...(denied.length === 0 ? [] : [`http-request deny deny_status 403 if { src ${denied.join(" ")} }`]),
    ...(allowed.length === 0 ? [] : [`http-request deny deny_status 403 unless { src ${allowed.join(" ")} }`]),
    ...(bodyBytes === 0 ? [] : [`http-request deny deny_status 413 if { req.body_size gt ${bodyBytes} }`]),
  ];
}

function redirectRules({ redirectToTls, appRoot, redirect }: RouteOptions): readonly string[] {
  const isCertified = "{ var(txn.certified) -m found }";
  const toTls = "http-request redirect scheme https code 308 if !{ ssl_fc }";
  return [
    ...(redirectToTls === "never" ? [] : [redirectToTls === "always" ? toTls : `${toTls} ${isCertified}`]),
    ...(redirect === undefined
      ? []
      : [`http-request redirect location ${format(redirect.to)} code ${redirect.status}`]),
    ...(appRoot === "" ? [] : [`http-request redirect location ${format(appRoot)} code 302 if { path / }`]),
  ];
}

function rewriteRules({ rewrite, upstreamHost }: RouteOptions, pattern: string): readonly string[] {
  const host = upstreamHost === "" ? [] : [`http-request set-header Host ${format(upstreamHost)}`];
  if (rewrite === "") return host;
  if (pattern === "") return [...host, `http-request set-path ${format(rewrite)}`];
  const replacement = rewrite.replaceAll("\\", "\\\\").replace(/\$(\d)/g, "\\$1");
  return [...host, `http-request replace-path ${quote(`(?i)^${pattern.replace(/^\^/, "")}`)} ${format(replacement)}`];
}

function corsRules(cors: CrossOrigin): readonly string[] {
  const isAny = cors.origins.includes("*");
  const expression = cors.origins.map((origin) =>
    origin.replace(/[.+?^${}()|[\]\\]/g, "\\$&").replaceAll("*", "[^.]+"),
  );
  const isKnown = isAny ? "" : ` if { var(txn.origin) -m reg ${quote(`^(${expression.join("|")})$`)} }`;
  const headers = [
    ["Access-Control-Allow-Origin", isAny ? "*" : "%[var(txn.origin)]"],
    ["Access-Control-Allow-Methods", format(cors.methods)],
    ["Access-Control-Allow-Headers", format(cors.headers)],
    ["Access-Control-Max-Age", `${cors.maxAgeSeconds}`],
    ...(cors.credentials ? [["Access-Control-Allow-Credentials", "true"]] : []),
  ];
  return [
    "http-request set-var(txn.origin) req.hdr(origin)",
    "http-request return status 204 if METH_OPTIONS { req.hdr(access-control-request-method) -m found }",
    ...headers.map(([name, value]) => `http-after-response set-header ${name} ${value}${isKnown}`),
  ];
}

/** One word in which nothing is special. */
function quote(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

/** One word that a format is read from, in which nothing is special either. */
function format(text: string): string {
  return quote(text.replaceAll("%", "%%"));
}
