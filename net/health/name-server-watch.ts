import type { Cancel, Clock } from "../../lib/clock.js";
import { limit } from "../../lib/limits.js";
import type { NameServerHealth } from "./health-report.js";
import type { PathEvidence } from "./path-evidence.js";

/** Times in a row that a name server is asked in vain before it is said to be down. */
const MISSES = 3;

/** Asks the host's name servers now and then; the DNS process passes foreign names to them. */
export class NameServerWatch {
  private readonly clock: Clock;
  private readonly evidence: Pick<PathEvidence, "askNameServer" | "nameServers">;
  private readonly onChange: () => void;
  private readonly missed = new Map<string, { readonly count: number; readonly problem: string }>();
  private cancel: Cancel | undefined;
  private isStopped = false;

  constructor(clock: Clock, evidence: Pick<PathEvidence, "askNameServer" | "nameServers">, onChange: () => void) {
    this.clock = clock;
    this.evidence = evidence;
    this.onChange = onChange;
  }

  /** Begins to ask. */
  start(): void {
    this.cancel = this.clock.after(0, () => void this.look());
  }

  /** Asks no more. */
  stop(): void {
    this.isStopped = true;
    this.cancel?.();
  }

  /** All of them, in the order in which they are asked. */
  get health(): readonly NameServerHealth[] {
    return this.evidence.nameServers().map((address) => {
      const missed = this.missed.get(address);
      return { address, problem: missed !== undefined && missed.count >= MISSES ? missed.problem : undefined };
    });
  }

  private async look(): Promise<void> {
    const servers = this.evidence.nameServers();
    const before = JSON.stringify(this.health);
    await Promise.all(servers.map((server) => this.ask(server)));
    if (this.isStopped) return;
    for (const known of this.missed.keys()) if (!servers.includes(known)) this.missed.delete(known);
    if (JSON.stringify(this.health) !== before) this.onChange();
    this.cancel = this.clock.after(limit("probeDnsMs"), () => void this.look());
  }

  private async ask(server: string): Promise<void> {
    const problem = await this.evidence.askNameServer(server);
    const count = (this.missed.get(server)?.count ?? 0) + 1;
    if (problem === undefined) this.missed.delete(server);
    else this.missed.set(server, { count, problem });
  }
}
