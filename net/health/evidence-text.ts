import type { RouteFound } from "./peer-view.js";

/** Destinations and where they lead, of what `ip route get` prints; what has no route is left out. */
export function parseRouteGet(text: string): ReadonlyMap<string, RouteFound> {
  const found = new Map<string, RouteFound>();
  for (const line of text.split("\n")) {
    const words = line.trim().split(/\s+/);
    const after = (word: string): string => (words.includes(word) ? (words[words.indexOf(word) + 1] ?? "") : "");
    const destination = words[0] ?? "";
    if (/^(\d+(\.\d+){3}|[\da-f]*:[\da-f:]+)$/.test(destination) && after("dev") !== "")
      found.set(destination, { device: after("dev"), via: after("via") });
  }
  return found;
}

/** UDP and TCP packets whose checksum was wrong, of /proc/net/snmp. */
export function parseChecksumErrors(text: string): number {
  return sumOf(text, "Udp") + sumOf(text, "Tcp");
}

function sumOf(text: string, protocol: string): number {
  const [names = [], values = []] = text
    .split("\n")
    .filter((line) => line.startsWith(`${protocol}: `))
    .map((line) => line.split(" "));
  return Number(values[names.indexOf("InCsumErrors")] ?? 0);
}
