// Edge: the host's own resolver configuration.
import { statSync } from "node:fs";
import { readText } from "../../lib/read-text.js";

/** The host's name servers, without the one named; read again when the file has changed. */
export function hostServers(path: string, without: string): () => readonly string[] {
  let readAtMs = 0;
  let servers: readonly string[] = [];
  return () => {
    const changedAtMs = changeTime(path);
    if (changedAtMs !== readAtMs) {
      servers = parseServers(readText(path)).filter((server) => server !== without);
      readAtMs = changedAtMs;
    }
    return servers;
  };
}

/** The addresses in the nameserver lines of a resolv.conf. */
export function parseServers(text: string): readonly string[] {
  return [...text.matchAll(/^\s*nameserver\s+(\S+)/gm)].map(([, server]) => server ?? "");
}

function changeTime(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? -1;
}
