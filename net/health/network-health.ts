import type { Cancel, Clock } from "../../lib/clock.js";
import { deepEqual } from "../../lib/deep-equal.js";
import { limit } from "../../lib/limits.js";
import type { Rng } from "../../lib/rng.js";
import { isDead } from "./diagnose.js";
import { diagnoseNetwork } from "./diagnose-network.js";
import { type HealthListener, measureOf, type NetworkWayHealth } from "./health-report.js";
import { verdictAfter } from "./named-fault.js";
import { type NetworkWay, wayKey } from "./network-ways.js";
import type { NetworkWire } from "./network-wire.js";
import type { PathEvidence } from "./path-evidence.js";
import { newRecord, type PeerRecord } from "./peer-record.js";
import type { LaneView } from "./peer-view.js";
import { isAnswerable, ProbeEcho } from "./probe-echo.js";
import { decodeProbe, nodeIdOf, PROBE_BYTES, PROBE_HEADERS_BYTES } from "./probe-packet.js";
import { partOfRound } from "./probe-plan.js";
import { requestBytes } from "./probe-sender.js";
import type { ProbeEnd } from "./probe-wire.js";

/** What probing networks needs. */
export interface NetworkHealthParts {
  readonly clock: Clock;
  readonly rng: Rng;
  readonly nodeName: string;
  /** At which this node answers. */
  readonly port: number;
  readonly wire: NetworkWire;
  readonly evidence: Pick<PathEvidence, "route">;
  readonly listener: Pick<HealthListener, "waysLooked">;
  /** Whether a peer answers on the cluster's own network. */
  readonly isReached: (peer: string) => boolean;
}

/** Everything that a node keeps of one way. */
interface WayRecord {
  readonly way: NetworkWay;
  readonly kept: PeerRecord;
  lane: LaneView | undefined;
  /** What the kernel last said, and when it was asked; undefined: it was not yet. */
  routeDevice: string | undefined;
  askedAtMs: number;
}

/**
 * Finds out how this node reaches its peers on networks beside the cluster's own: one small packet for each network, peer and family in a round, and none where no pods are.
 * A way that is silent is looked at closely until it is known why. Decisions are diagnoseNetwork and verdictAfter: pure.
 */
export class NetworkHealth {
  private readonly parts: NetworkHealthParts;
  private readonly id: bigint;
  private readonly echo: ProbeEcho;
  private records: ReadonlyMap<string, WayRecord> = new Map();
  private byEnds: ReadonlyMap<string, WayRecord> = new Map();
  private cancel: Cancel | undefined;
  private turn = 0;
  private roundDueMs = 0;
  private isStopped = false;

  constructor(parts: NetworkHealthParts) {
    const { clock, rng, nodeName } = parts;
    this.parts = parts;
    this.id = nodeIdOf(nodeName);
    this.echo = new ProbeEcho({ clock, id: this.id, epoch: rng.below(2 ** 32), checksumErrors: () => 0 });
  }

  /** The ways from now on; what is known of one that stays the same goes on. */
  setWays(ways: readonly NetworkWay[]): void {
    const before = this.records;
    this.records = new Map(ways.map((way) => [wayKey(way), this.recordOf(way, before.get(wayKey(way)))]));
    this.byEnds = new Map([...this.records.values()].map((each) => [endsKey(each.way.ours, each.way.theirs), each]));
    if (this.records.size > 0 || before.size > 0) this.tell();
    this.listen();
    if (this.cancel === undefined && this.records.size > 0) this.schedule(0);
  }

  /** Ends. */
  stop(): void {
    this.isStopped = true;
    this.cancel?.();
    this.parts.wire.close();
  }

  private recordOf(way: NetworkWay, known: WayRecord | undefined): WayRecord {
    if (known !== undefined && deepEqual(known.way, way)) return known;
    const { peer: name, theirs, port } = way;
    const peer = { name, port, addresses: { underlay: theirs, overlay: theirs }, isReady: true };
    const kept = newRecord(peer, this.parts.rng.below(2 ** 32));
    return { way, kept, lane: undefined, routeDevice: undefined, askedAtMs: -Infinity };
  }

  /** An address that is not on its device yet is asked for again with each round. */
  private listen(): void {
    const addresses = [...new Set([...this.records.values()].map(({ way }) => way.ours))];
    this.parts.wire.listen(addresses, this.parts.port, (at, bytes, from) => this.take(at, bytes, from));
  }

  private take(at: string, bytes: Buffer, from: ProbeEnd): void {
    const record = this.byEnds.get(endsKey(at, from.address));
    if (record === undefined || record.way.port !== from.port || !isAnswerable(bytes)) return;
    const answer = this.echo.answer(record.kept, "network", bytes);
    if (answer !== undefined) this.parts.wire.send(at, from, answer);
    else this.takeAnswer(record.kept, bytes);
  }

  private takeAnswer({ id, ledger }: PeerRecord, bytes: Buffer): void {
    const arrived = decodeProbe(bytes);
    if (arrived === undefined || arrived.packet.is !== "answer" || arrived.packet.from !== this.id) return;
    if (arrived.packet.to !== id) return; // Somebody else has the address: the peer is silent.
    const { clock } = this.parts;
    ledger.answer(arrived.packet, arrived.isIntact, { atMs: clock.monotonicMs(), wallMs: clock.nowMs() });
  }

  private schedule(delayMs: number): void {
    if (!this.isStopped) this.cancel = this.parts.clock.after(delayMs, () => this.turnNow());
  }

  /** One look at what came back, and the next probes where they are due. */
  private turnNow(): void {
    this.cancel = undefined;
    if (this.records.size === 0) return;
    const nowMs = this.parts.clock.monotonicMs();
    const all = [...this.records.values()];
    const looked = all.filter(({ kept }) => kept.isProbed);
    for (const record of looked) this.lookAt(record, nowMs);
    if (looked.length > 0) this.tell();
    const round = nowMs >= this.roundDueMs ? this.beginRound(all, nowMs) : [];
    const closer = all.filter(({ kept }) => kept.closerUntilMs > nowMs);
    for (const record of new Set([...round, ...closer])) this.probe(record, nowMs);
    const isAwaited = round.length + closer.length > 0;
    this.schedule(isAwaited ? limit("probeCloserMs") + 50 : Math.max(50, this.roundDueMs - nowMs));
  }

  private beginRound(all: readonly WayRecord[], nowMs: number): readonly WayRecord[] {
    this.roundDueMs = nowMs + limit("probeEveryMs");
    this.turn += 1;
    this.listen();
    return partOfRound(all, this.turn, {
      all: limit("probePeers"),
      most: limit("probeNetworkWays"),
      sweepRounds: limit("probeSweepRounds"),
    });
  }

  private lookAt(record: WayRecord, nowMs: number): void {
    const { way, kept } = record;
    kept.isProbed = false;
    const lane = kept.ledger.laneView("network", nowMs);
    record.lane = lane;
    const isPeerReached = this.parts.isReached(way.peer);
    if (isDead(lane) && isPeerReached) void this.ask(record, nowMs);
    const { routeDevice } = record;
    const found = diagnoseNetwork({ way, lane, routeDevice, isPeerReached });
    kept.verdict = verdictAfter(kept.verdict, found);
    const missing = lane.settled - lane.answered;
    const isNews = missing > kept.missing && kept.verdict.named === undefined;
    kept.missing = missing;
    if (isNews || kept.verdict.next !== undefined) this.lookCloser(record, nowMs);
  }

  private lookCloser({ kept }: WayRecord, nowMs: number): void {
    const others = [...this.records.values()].filter((each) => each.kept !== kept && each.kept.closerUntilMs > nowMs);
    if (others.length < limit("probeCloserPeers")) kept.closerUntilMs = nowMs + limit("probeCloserForMs");
  }

  /** Asks the kernel by what it sends to a way that is silent; what it says holds for a while. */
  private async ask(record: WayRecord, nowMs: number): Promise<void> {
    if (nowMs - record.askedAtMs < limit("probeEvidenceMs")) return;
    record.askedAtMs = nowMs;
    const found = await this.parts.evidence.route(record.way.theirs, record.way.ours);
    record.routeDevice = found?.device ?? "";
  }

  private probe({ way, kept }: WayRecord, nowMs: number): void {
    const bytes = PROBE_BYTES + PROBE_HEADERS_BYTES;
    const sequence = kept.ledger.send({ lane: "network", way: "overlay", bytes }, nowMs);
    kept.isProbed = true;
    const { theirs: address, ours, port } = way;
    const size = { sequence, bytes: PROBE_BYTES };
    const sentAtMs = this.parts.clock.nowMs();
    this.parts.wire.send(
      ours,
      { address, port },
      requestBytes({ from: this.id, to: kept.id, sentAtMs }, "network", size),
    );
  }

  private tell(): void {
    this.parts.listener.waysLooked([...this.records.values()].flatMap(healthOf));
  }
}

function endsKey(ours: string, theirs: string): string {
  return `${ours} ${theirs}`;
}

function healthOf({ way, lane, kept }: WayRecord): readonly NetworkWayHealth[] {
  if (lane === undefined) return [];
  const { network, peer, family } = way;
  return [{ network, peer, family, measure: measureOf(lane), fault: kept.verdict.named }];
}
