import { createHash } from "node:crypto";
import { hostPort } from "../../lib/host-port.js";
import { familyOf } from "../family.js";
import { backendText } from "./backend-text.js";
import type { Routing } from "./routing.js";
import type { ServerSlots } from "./server-slots.js";

/** Where the proxy keeps its files, and what it may use. */
export interface ProxySite {
  /** Folder of its files and sockets. */
  readonly dir: string;
  /** Addresses to listen on; "*": every one of IPv4, "::": of IPv6. */
  readonly addresses: readonly string[];
  readonly httpPort: number;
  readonly httpsPort: number;
  /** Connections of clients at once. */
  readonly maxConnections: number;
}

/** Everything that a proxy is started with. */
export interface ProxyText {
  readonly config: string;
  /** Files beside it, by name; maps, and certificates with their keys. */
  readonly files: ReadonlyMap<string, string>;
  /** Of all that takes a new process to change: two texts with the same one differ in servers' addresses alone. */
  readonly digest: string;
}

/** What a proxy is made of. */
export interface ProxyParts {
  readonly routing: Routing;
  /** PEM of chain and key, by the Secret's namespace/name. What is missing here is not shown to anybody. */
  readonly certificates: ReadonlyMap<string, string>;
  /** Places of endpoints, by backend. */
  readonly slots: ReadonlyMap<string, ServerSlots>;
}

/** Configuration of HAProxy 2.6 and later. Pure; equal input, equal text. */
export function proxyText(parts: ProxyParts, site: ProxySite): ProxyText {
  const files = filesOf(parts, site);
  const blank = new Map([...parts.slots].map(([id, slots]) => [id, slots.map(() => undefined)] as const));
  const hash = createHash("sha256").update(configText({ ...parts, slots: blank }, site));
  for (const [name, text] of files) hash.update(`\0${name}\0${text}`);
  return { config: configText(parts, site), files, digest: hash.digest("hex").slice(0, 16) };
}

/** Name of the socket on which a process takes commands: each has its own, since a former one lives as long as its connections. */
export function adminSocket(dir: string, digest: string, serial: number): string {
  return `${dir}/admin-${digest}-${serial}.sock`;
}

/** Stands for the socket's path in the configuration: only who starts the process knows it. */
export const SOCKET_MARK = "@ADMIN-SOCKET@";

function configText({ routing, certificates, slots }: ProxyParts, site: ProxySite): string {
  const hasCertificate = shownCertificates(routing, certificates).length > 0;
  return [
    globalText(site),
    entryText(site, hasCertificate),
    ...routing.backends.map((backend) => backendText(backend, slots.get(backend.id) ?? [])),
  ].join("\n");
}

function globalText({ maxConnections }: ProxySite): string {
  return `global
  log stdout format raw local0 info
  stats socket ${SOCKET_MARK} mode 600 level admin expose-fd listeners
  maxconn ${maxConnections}
  nbthread 2
  hard-stop-after 15m
  ssl-default-bind-options ssl-min-ver TLSv1.2 no-tls-tickets
  tune.ssl.default-dh-param 2048

defaults
  mode http
  log global
  option dontlognull
  option http-ignore-probes
  timeout connect 5s
  timeout client 60s
  timeout client-fin 30s
  timeout server 60s
  timeout tunnel 1h
  timeout http-request 10s
  timeout http-keep-alive 60s
  timeout queue 10s
`;
}

function entryText({ dir, addresses, httpPort, httpsPort }: ProxySite, hasCertificate: boolean): string {
  const tls = `ssl crt-list ${dir}/certificates alpn h2,http/1.1 strict-sni`;
  const binds = addresses.flatMap((address) => [
    `  bind ${bindText(address, httpPort)}\n`,
    ...(hasCertificate ? [`  bind ${bindText(address, httpsPort)} ${tls}\n`] : []),
  ]);
  return `frontend entry
${binds.join("")}  unique-id-format %{+X}o%ci%cp%fi%fp%Ts%rt%pid
  log-format "%ci:%cp [%tr] %{+Q}[var(txn.host)] %{+Q}r %ST %B %TR/%Tw/%Tc/%Tr/%Ta %b/%s %tsc"
  http-request set-var(txn.host) req.hdr(host),field(1,:),lower
  http-request set-var(txn.zone) var(txn.host),map_str(${dir}/zones)
  http-request set-var(txn.zone) var(txn.host),regsub(^[^.]*,*),map_str(${dir}/zones) if !{ var(txn.zone) -m found }
  http-request set-var(txn.zone) str(_) if !{ var(txn.zone) -m found }
${hasCertificate ? certifiedText(dir) : ""}  http-request set-var(txn.path) path
  http-request set-var(txn.backend) var(txn.zone),concat(,txn.path),map_str(${dir}/exact)
  http-request set-var(txn.backend) var(txn.zone),concat(,txn.path),map_reg(${dir}/patterns) if !{ var(txn.backend) -m found }
  http-request set-var(txn.backend) var(txn.zone),concat(,txn.path,/),map_beg(${dir}/prefixes) if !{ var(txn.backend) -m found }
  http-request return status 404 content-type text/plain string "no ingress takes this host and path\\n" if !{ var(txn.backend) -m found }
  http-request set-header X-Forwarded-For %[src]
  http-request set-header X-Real-IP %[src]
  http-request set-header X-Forwarded-Host %[req.hdr(host)]
  http-request set-header X-Forwarded-Proto %[ssl_fc,iif(https,http)]
  http-request set-header X-Forwarded-Port %[dst_port]
  http-request set-header X-Request-ID %[unique-id] unless { req.hdr(x-request-id) -m found }
  use_backend %[var(txn.backend)]
`;
}

/** Whether a certificate is shown for the host of a request: for itself, or for all names beside it. Rules may name it in the other way. */
function certifiedText(dir: string): string {
  return `  http-request set-var(txn.certified) var(txn.host),map_str(${dir}/certified)
  http-request set-var(txn.certified) var(txn.host),regsub(^[^.]*,*),map_str(${dir}/certified) if !{ var(txn.certified) -m found }
`;
}

/** A client of IPv4 is seen under its own address, not as one that IPv6 wraps it in: each family has a socket of its own. */
function bindText(address: string, port: number): string {
  return `${hostPort(address, port)}${familyOf(address) === "IPv6" ? " v6only" : ""}`;
}

function filesOf({ routing, certificates }: ProxyParts, { dir }: ProxySite): ReadonlyMap<string, string> {
  const files = new Map<string, string>();
  const shown = shownCertificates(routing, certificates);
  const certified = new Set<string>();
  const list: string[] = [];
  for (const { secret, hosts, pem } of shown) {
    const name = `certificate-${createHash("sha256").update(secret).digest("hex").slice(0, 16)}.pem`;
    files.set(name, pem);
    list.push([`${dir}/${name}`, ...hosts].join(" "));
    for (const host of hosts) certified.add(host);
  }
  files.set("certificates", lines(list));
  files.set("certified", pairs([...certified].map((host) => [host, "1"])));
  files.set("zones", pairs([...routing.zones].map((zone) => [zone, zone])));
  files.set("exact", pairs(routing.exact));
  files.set("prefixes", pairs(routing.prefixes));
  files.set(
    "patterns",
    pairs(routing.patterns.map(({ zone, pattern, backend }) => [expressionOf(zone, pattern), backend])),
  );
  return files;
}

function shownCertificates({ certificates }: Routing, pems: ReadonlyMap<string, string>) {
  return certificates.flatMap(({ secret, hosts }) => {
    const pem = pems.get(secret);
    return pem === undefined ? [] : [{ secret, hosts, pem }];
  });
}

function expressionOf(zone: string, pattern: string): string {
  return `^${zone.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")}(?i)${pattern.replace(/^\^/, "")}`;
}

function pairs(entries: Iterable<readonly [string, string]>): string {
  return lines([...entries].map(([key, value]) => `${key} ${value}`));
}

function lines(all: readonly string[]): string {
  return all.map((line) => `${line}\n`).join("");
}
