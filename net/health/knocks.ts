import type { Cancel, Clock } from "../../lib/clock.js";
import { limit } from "../../lib/limits.js";
import type { PeerRecord } from "./peer-record.js";
import type { TcpOutcome } from "./peer-view.js";
import type { Path } from "./probe-packet.js";
import type { ProbeWire } from "./probe-wire.js";

/** What knocking needs. */
export interface KnockParts {
  readonly clock: Clock;
  readonly wire: Pick<ProbeWire, "knock">;
}

/**
 * Opens a connection without bytes, on each path, to peers of which a node has very many: a fraction of what one costs that carries something. One peer after the other
 * over most of a round, since a hundred at once would hold everything else up.
 */
export class Knocks {
  private readonly parts: KnockParts;
  private readonly onOutcome: (record: PeerRecord, path: Path, outcome: TcpOutcome) => void;
  private waiting: readonly PeerRecord[] = [];
  private cancel: Cancel | undefined;

  constructor(parts: KnockParts, onOutcome: (record: PeerRecord, path: Path, outcome: TcpOutcome) => void) {
    this.parts = parts;
    this.onOutcome = onOutcome;
  }

  /** Knocks at these from now on, and no more at those of a round before. */
  begin(records: readonly PeerRecord[]): void {
    if (records.length === 0) return;
    this.stop();
    this.waiting = records;
    const everyMs = (limit("probeEveryMs") * SHARE_OF_ROUND) / records.length;
    this.next(Math.max(1, Math.floor(everyMs)));
  }

  /** Knocks no more. */
  stop(): void {
    this.cancel?.();
    this.waiting = [];
  }

  private next(everyMs: number): void {
    const [record, ...rest] = this.waiting;
    if (record === undefined) return;
    this.waiting = rest;
    for (const path of ["underlay", "overlay"] as const) void this.knock(record, path);
    this.cancel = this.parts.clock.after(everyMs, () => this.next(everyMs));
  }

  private async knock(record: PeerRecord, path: Path): Promise<void> {
    const { addresses, port } = record.peer;
    const outcome = await this.parts.wire.knock(path, { address: addresses[path], port });
    this.onOutcome(record, path, outcome);
  }
}

/** What is left of a round is for those that were begun last. */
const SHARE_OF_ROUND = 0.8;
