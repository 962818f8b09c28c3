import type { Log } from "../../lib/log.js";
import type { Rng } from "../../lib/rng.js";

/** The host's name servers as its configuration names them; the same array while that has not changed. */
export type ReadServers = () => readonly string[];

/** What is needed to tell servers that lead back here from others. */
export interface UpstreamParts {
  readonly read: ReadServers;
  /** Asks a server for a name, of any type; its answer does not matter. */
  readonly probe: (server: string, name: string) => void;
  readonly rng: Rng;
  readonly log: Log;
}

/** Names below this never exist (RFC 6761), so no cache on the way answers for them. */
const PROBE_DOMAIN = "tallship-loop.invalid";

/**
 * The servers that may be asked. Each is asked once for a name that only this process knows: if the question comes back here, the
 * server leads back here, and is left out until the configuration changes. Otherwise a question would go round for ever.
 */
export class UpstreamServers {
  private readonly parts: UpstreamParts;
  private servers: readonly string[] = [];
  private readonly probes = new Map<string, string>();
  private readonly looping = new Set<string>();

  constructor(parts: UpstreamParts) {
    this.parts = parts;
  }

  /** Servers that are not known to lead back, in the configuration's order. */
  list(): readonly string[] {
    const servers = this.parts.read();
    if (servers !== this.servers) this.begin(servers);
    return this.looping.size === 0 ? servers : servers.filter((server) => !this.looping.has(server));
  }

  /** True when the name is a probe's: its server is left out from now on. */
  notice(name: string): boolean {
    const server = this.probes.get(name.toLowerCase());
    if (server === undefined) return false;
    if (!this.looping.has(server)) this.parts.log.warn("name server leads back here and is left out", { server });
    this.looping.add(server);
    return true;
  }

  private begin(servers: readonly string[]): void {
    this.servers = servers;
    this.probes.clear();
    this.looping.clear();
    for (const server of servers) {
      const name = `${Buffer.from(this.parts.rng.bytes(12)).toString("hex")}.${PROBE_DOMAIN}`;
      this.probes.set(name, server);
      this.parts.probe(server, name);
    }
  }
}
