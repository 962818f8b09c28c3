// Edge: the file through which the agent tells the DNS process what it knows.
import { mkdirSync, readFileSync, renameSync, watch, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import type { Cancel } from "../../lib/clock.js";
import type { Zone } from "./zone.js";

/** Where the zone stands; in the run folder, since a reboot makes it worthless. */
export function zonePath(runDir: string): string {
  return join(runDir, "dns/zone.json");
}

/** Replaces the zone at once: a reader sees the old one or the new one. */
export function writeZone(path: string, zone: Zone): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(`${path}.new`, JSON.stringify(zone));
  renameSync(`${path}.new`, path);
}

/** The zone as it was last written; undefined when there is none. */
export function readZone(path: string): Zone | undefined {
  try {
    // Only the agent of this host writes the file.
    return JSON.parse(readFileSync(path, "utf8")) as Zone;
  } catch {
    return undefined;
  }
}

/** Calls whenever the zone was replaced. */
export function watchZone(path: string, onReplaced: () => void): Cancel {
  mkdirSync(dirname(path), { recursive: true });
  const watcher = watch(dirname(path), (_event, name) => {
    if (name === basename(path)) onReplaced();
  });
  watcher.on("error", () => undefined);
  return () => watcher.close();
}
