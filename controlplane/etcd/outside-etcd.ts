// Edge: certificate files of an etcd that others run.
import { readFileSync, statSync } from "node:fs";
import { TallshipError } from "../../lib/errors.js";
import type { EtcdAddress } from "../store/etcd-connection.js";
import type { EtcdTls } from "../store/etcd-tls.js";

/** Paths of PEM files. */
export interface EtcdTlsFiles {
  readonly ca: string;
  readonly certificate: string;
  readonly key: string;
}

/**
 * The address of an etcd cluster that is not the control plane's own: "https://a:2379,https://b:2379" or host:port each. Plain http is taken
 * for loopback only. Files that change are read again for the next connection.
 */
export function outsideEtcd(text: string, files: EtcdTlsFiles | undefined): EtcdAddress {
  const urls = text.split(",").map(parseEndpoint);
  const endpoints = urls.map(({ host }) => host);
  const isPlain = urls.map(({ protocol }) => protocol === "http:");
  if (isPlain.every(Boolean)) return { endpoints: () => endpoints };
  if (isPlain.some(Boolean))
    throw new TallshipError("invalid_argument", `--etcd-endpoints ${text}: http and https mixed`);
  if (files === undefined)
    throw new TallshipError("invalid_argument", "--etcd-endpoints: https needs --etcd-ca, --etcd-cert and --etcd-key");
  return { endpoints: () => endpoints, tls: tlsOfFiles(files) };
}

function parseEndpoint(text: string): URL {
  const written = text.includes("://") ? text.trim() : `https://${text.trim()}`;
  const url = URL.canParse(written) ? new URL(written) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol) || url.port === "" || url.pathname !== "/")
    throw new TallshipError("invalid_argument", `--etcd-endpoints "${text}": want https://host:port`);
  const isLoopback = /^(127\.[\d.]+|\[::1\]|localhost)$/.test(url.hostname);
  if (url.protocol === "http:" && !isLoopback)
    throw new TallshipError("invalid_argument", `--etcd-endpoints "${text}": plain http is for loopback only`);
  return url;
}

function tlsOfFiles(files: EtcdTlsFiles): () => EtcdTls {
  const changedAtMs = (): number => Math.max(...Object.values(files).map((path) => statSync(path).mtimeMs));
  const read = (): EtcdTls => {
    try {
      readAtMs = changedAtMs();
      return { ca: readFileSync(files.ca), certificate: readFileSync(files.certificate), key: readFileSync(files.key) };
    } catch (cause) {
      throw new TallshipError("failed_precondition", `read etcd's certificates ${Object.values(files).join(", ")}`, {
        cause,
      });
    }
  };
  let readAtMs = 0;
  let current = read();
  return () => {
    if (changedAtMs() !== readAtMs) current = read();
    return current;
  };
}
