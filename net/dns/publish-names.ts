import type { Cancel, Clock } from "../../lib/clock.js";
import { asTallshipError } from "../../lib/errors.js";
import { limit } from "../../lib/limits.js";
import type { Log } from "../../lib/log.js";
import type { NetworkMap } from "../node-network.js";
import type { NamePublisher } from "../node-network-options.js";
import { ServiceIndex } from "../proxy/service-index.js";
import { askerLine, headerLine, serviceLine } from "./names-log.js";
import { namesOf } from "./service-names.js";

/** Edge: the file that the DNS process reads. Both throw when the disk refuses. */
export interface NamesFile {
  /** Puts a file with these lines in place of the former one, at once. */
  replace(lines: Iterable<string>): void;
  /** Adds lines to the file. */
  append(lines: string): void;
}

/** What publishing needs. */
export interface PublisherParts {
  readonly clusterDomain: string;
  /** The node whose pods ask. */
  readonly nodeName: string;
  readonly file: NamesFile;
  readonly clock: Clock;
  readonly log: Log;
}

/**
 * Hands the names of the latest map to the DNS process. Several maps within limits.dnsPublishMs are one; only services whose names
 * changed are written: an endpoint's change behind a virtual address writes nothing. A failed write is tried again.
 */
export function namePublisher(parts: PublisherParts): NamePublisher {
  return new LogPublisher(parts);
}

class LogPublisher implements NamePublisher {
  private readonly parts: PublisherParts;
  private readonly index = new ServiceIndex();
  /** The line in force of each service that brings names. */
  private readonly lines = new Map<string, string>();
  private latest: NetworkMap | undefined;
  private askers: ReadonlyMap<string, readonly string[]> = new Map();
  /** The line in force of each pod on other networks. */
  private readonly askerLines = new Map<string, string>();
  private cancel: Cancel | undefined;
  /** False: the file on disk is not known to hold what `lines` says. */
  private isExact = false;
  private liveBytes = 0;
  private fileBytes = 0;

  constructor(parts: PublisherParts) {
    this.parts = parts;
  }

  publish(map: NetworkMap): void {
    this.latest = map;
    this.soon(limit("dnsPublishMs"));
  }

  setAskers(askers: ReadonlyMap<string, readonly string[]>): void {
    this.askers = askers;
    // Before the first map the file of a former agent stands, and says as much.
    if (this.isExact) this.soon(limit("dnsPublishMs"));
  }

  private soon(delayMs: number): void {
    this.cancel ??= this.parts.clock.after(delayMs, () => {
      this.cancel = undefined;
      this.write();
    });
  }

  private write(): void {
    const changed = this.takeChanges() + this.takeAskers();
    try {
      if (!this.isExact || this.fileBytes + changed.length > 2 * this.liveBytes + limit("dnsLogSlackBytes"))
        this.replace();
      else if (changed !== "") this.append(changed);
    } catch (error) {
      this.isExact = false;
      this.parts.log.warn("names were not published", { error: asTallshipError(error, "disk_failed").message });
      this.soon(limit("dnsPublishRetryMs"));
    }
  }

  private takeChanges(): string {
    const map = this.latest;
    this.latest = undefined;
    if (map === undefined) return "";
    let changed = "";
    const { clusterDomain: domain, nodeName } = this.parts;
    for (const { key, service, slices } of this.index.advance(map)) {
      const names = namesOf(key, service, slices, { domain, nodeName });
      const line = serviceLine(key, names);
      const former = this.lines.get(key);
      if (former === line || (former === undefined && names === undefined)) continue;
      this.liveBytes += (names === undefined ? 0 : line.length) - (former?.length ?? 0);
      if (names === undefined) this.lines.delete(key);
      else this.lines.set(key, line);
      changed += line;
    }
    return changed;
  }

  private takeAskers(): string {
    let changed = "";
    for (const address of new Set([...this.askerLines.keys(), ...this.askers.keys()])) {
      const networks = this.askers.get(address);
      const line = askerLine(address, networks);
      const former = this.askerLines.get(address);
      if (former === line) continue;
      this.liveBytes += (networks === undefined ? 0 : line.length) - (former?.length ?? 0);
      if (networks === undefined) this.askerLines.delete(address);
      else this.askerLines.set(address, line);
      changed += line;
    }
    return changed;
  }

  private replace(): void {
    const header = headerLine(this.parts.clusterDomain);
    this.parts.file.replace([header, ...this.lines.values(), ...this.askerLines.values()]);
    this.fileBytes = this.liveBytes + header.length;
    this.isExact = true;
  }

  private append(lines: string): void {
    this.parts.file.append(lines);
    this.fileBytes += lines.length;
  }
}
