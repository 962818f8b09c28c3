import { limit } from "../../lib/limits.js";
import type { Evidence, LaneView, LossCount, PeerView, TcpOutcome } from "./peer-view.js";
import {
  isCounted,
  LANES,
  type Lane,
  type LaneCounts,
  type Path,
  type ProbeLane,
  type ProbePacket,
  type Way,
} from "./probe-packet.js";

interface Probe {
  readonly sequence: number;
  readonly lane: ProbeLane;
  readonly way: Way;
  /** Of the whole IP packet. */
  readonly bytes: number;
  readonly atMs: number;
  /** What had been sent when it was, itself included, if it was the first of its round: nothing else was on its way then. */
  readonly sentBefore: LaneCounts | undefined;
  answeredAtMs: number | undefined;
  isSpoiledThere: boolean;
  isSpoiledBack: boolean;
}

/** What the peer had heard of what was sent, at one of its answers. */
interface Sample {
  readonly atMs: number;
  readonly epoch: number;
  readonly sent: LaneCounts;
  readonly heard: LaneCounts;
  readonly answered: LaneCounts;
  readonly checksumErrors: number;
}

interface Outcome {
  readonly atMs: number;
  readonly outcome: TcpOutcome;
}

/** What there are measures of: sizes that are tried are asked for once. */
type ViewedLane = Exclude<ProbeLane, "sized">;

const NONE: LaneCounts = [0, 0, 0, 0];

/** What this node has sent to one peer and what came back. It knows no clock: every call says when it is. */
export class PeerLedger {
  private readonly probes = new Map<ProbeLane, Probe[]>();
  private readonly samples: Sample[] = [];
  private readonly tcp: Record<Path, Outcome[]> = { underlay: [], overlay: [] };
  private readonly heardAtMs: Record<Path, number> = { underlay: -Infinity, overlay: -Infinity };
  private readonly clocks: { atMs: number; aheadMs: number; errorMs: number }[] = [];
  private readonly strangersAtMs: number[] = [];
  private routes: { readonly atMs: number; readonly found: Evidence["routes"] } | undefined;
  private ping: { readonly atMs: number; readonly found: Evidence["ping"] } | undefined;
  private sequence: number;
  private sent: LaneCounts = NONE;
  private answers: LaneCounts = NONE;
  private epoch: number | undefined;

  /** Sequences begin where the caller says: nobody else guesses them. */
  constructor(firstSequence: number) {
    this.sequence = firstSequence >>> 0;
  }

  /** A probe is sent now; returns its sequence. The first of a round is the one that counts are compared by. */
  send(
    probe: { readonly lane: ProbeLane; readonly way: Way; readonly bytes: number; readonly isFirst?: boolean },
    atMs: number,
  ): number {
    this.sequence = (this.sequence + 1) >>> 0;
    const { lane, way, bytes, isFirst = false } = probe;
    if (isCounted(lane)) this.sent = incremented(this.sent, lane);
    const sentBefore = isFirst ? this.sent : undefined;
    const made = {
      sequence: this.sequence,
      lane,
      way,
      bytes,
      atMs,
      sentBefore,
      answeredAtMs: undefined,
      isSpoiledThere: false,
      isSpoiledBack: false,
    };
    const of = this.probes.get(lane) ?? [];
    this.probes.set(lane, of);
    of.push(made);
    if (of.length > limit("probeSamples")) of.shift();
    return this.sequence;
  }

  /** An answer has arrived from whom it was asked of. False when it answers nothing that is known: too old, repeated, or made up. */
  answer(packet: ProbePacket, isIntact: boolean, at: { readonly atMs: number; readonly wallMs: number }): boolean {
    const probe = this.probes.get(packet.lane)?.find(({ sequence }) => sequence === packet.sequence);
    if (probe === undefined || probe.answeredAtMs !== undefined) return false;
    probe.answeredAtMs = at.atMs;
    probe.isSpoiledThere = packet.wasCorrupt;
    probe.isSpoiledBack = !isIntact;
    if (isCounted(packet.lane)) this.answers = incremented(this.answers, packet.lane);
    if (!isIntact) return true; // What it says is not believed.
    this.noteClock(packet, at.atMs - probe.atMs, at);
    this.noteCounts(packet, probe, at.atMs);
    return true;
  }

  /** Another node answered what was asked of this one. */
  strangerAnswered(atMs: number): void {
    this.strangersAtMs.push(atMs);
    if (this.strangersAtMs.length > limit("probeDeadCount")) this.strangersAtMs.shift();
  }

  /** A request of the peer's has arrived. */
  heard(path: Path, atMs: number): void {
    this.heardAtMs[path] = atMs;
  }

  /** A connection has ended. */
  connected(path: Path, outcome: TcpOutcome, atMs: number): void {
    this.tcp[path].push({ atMs, outcome });
    if (this.tcp[path].length > limit("probeDeadCount")) this.tcp[path].shift();
  }

  /** What the kernel says of the ways to the peer. What was not asked this time stands. */
  learn({ routes, ping }: Evidence, atMs: number): void {
    this.routes = { atMs, found: routes };
    if (ping !== undefined) this.ping = { atMs, found: ping };
  }

  /** Whether the kernel was asked lately, with a ping through the overlay or without. */
  hasEvidence(atMs: number, { withPing }: { readonly withPing: boolean }): boolean {
    const asked = withPing ? this.ping : this.routes;
    return asked !== undefined && atMs - asked.atMs < limit("probeEvidenceMs");
  }

  /** Every measure as of now. */
  view(ground: Pick<PeerView, "peer" | "isOnLink" | "fullBytes" | "way">, nowMs: number): PeerView {
    const sinceMs = nowMs - limit("probeWindowMs");
    const lane = (name: ViewedLane): LaneView => this.laneView(name, nowMs);
    const triedSinceMs = nowMs - (2 * limit("probeSweepRounds") + 1) * limit("probeEveryMs");
    const tcp = (path: Path, fromMs: number): readonly TcpOutcome[] =>
      this.tcp[path].filter(({ atMs }) => atMs > Math.max(triedSinceMs, fromMs)).map(({ outcome }) => outcome);
    const samples = this.samplesSince(sinceMs);
    const [first, last] = [samples[0], samples.at(-1)];
    return {
      ...ground,
      lanes: {
        "underlay-small": lane("underlay-small"),
        "underlay-full": lane("underlay-full"),
        "overlay-small": lane("overlay-small"),
        "overlay-full": lane("overlay-full"),
      },
      ipv6: lane("ipv6"),
      tcp: { underlay: tcp("underlay", -Infinity), overlay: tcp("overlay", -Infinity) },
      tcpSince: {
        underlay: tcp("underlay", this.brokenUntilMs("underlay", nowMs)),
        overlay: tcp("overlay", this.brokenUntilMs("overlay", nowMs)),
      },
      hears: { underlay: this.hears("underlay", nowMs), overlay: this.hears("overlay", nowMs) },
      strangers: this.strangersAtMs.filter((atMs) => atMs > nowMs - 2 * limit("probeEveryMs")).length,
      clock: this.clockView(sinceMs),
      checksumErrors:
        first === undefined || last === undefined ? 0 : (last.checksumErrors - first.checksumErrors) >>> 0,
      passing: { underlay: this.passing("underlay", nowMs), overlay: this.passing("overlay", nowMs) },
      evidence: this.evidenceSince(sinceMs),
    };
  }

  /** Of one that is silent only what has arrived since then tells that it is alive, other than what was under way. */
  private hears(path: Path, nowMs: number): boolean {
    const [firstSilent] = silentOf(this.known(`${path}-small`, nowMs));
    const silentForMs = firstSilent === undefined ? Number.POSITIVE_INFINITY : nowMs - firstSilent.atMs;
    const withinMs = Math.min(2.5 * limit("probeEveryMs"), silentForMs - limit("probeTimeoutMs"));
    return nowMs - this.heardAtMs[path] < withinMs;
  }

  private evidenceSince(sinceMs: number): Evidence | undefined {
    const { routes, ping } = this;
    if (routes === undefined || routes.atMs <= sinceMs) return undefined;
    return { routes: routes.found, ping: ping !== undefined && ping.atMs > sinceMs ? ping.found : undefined };
  }

  /** The measures of one lane as of now. */
  laneView(lane: ViewedLane, nowMs: number): LaneView {
    const sinceMs = nowMs - limit("probeWindowMs");
    const known = this.known(lane, nowMs);
    const settled = known.filter(({ atMs }) => atMs > sinceMs);
    const answered = settled.filter(({ answeredAtMs }) => answeredAtMs !== undefined);
    const times = answered.map(({ atMs, answeredAtMs }) => (answeredAtMs ?? atMs) - atMs);
    const silent = silentOf(known);
    const brokenUntilMs = endOfInterruption(settled);
    const silentMs = (silent.at(-1)?.atMs ?? 0) - (silent[0]?.atMs ?? 0);
    return {
      settled: settled.length,
      answered: answered.length,
      loss: lossOf(settled, nowMs - limit("probeLateMs")),
      lossSince: lossOf(
        settled.filter(({ atMs }) => atMs > brokenUntilMs),
        nowMs - limit("probeLateMs"),
      ),
      spoiledThere: answered.filter(({ isSpoiledThere }) => isSpoiledThere).length,
      spoiledBack: answered.filter(({ isSpoiledBack }) => isSpoiledBack).length,
      silentCount: silent.length,
      silentMs,
      roundTripMs: times.length === 0 ? undefined : Math.min(...times),
      counted: this.counted(
        lane,
        silent.length < limit("probeDeadCount") ? Math.max(sinceMs, brokenUntilMs) : (silent[0]?.atMs ?? sinceMs),
      ),
    };
  }

  /** What was answered, or is overdue. */
  private known(lane: ViewedLane, nowMs: number): readonly Probe[] {
    const overdueMs = nowMs - limit("probeTimeoutMs");
    const isKnown = ({ atMs, answeredAtMs }: Probe): boolean => answeredAtMs !== undefined || atMs <= overdueMs;
    return (this.probes.get(lane) ?? []).filter(isKnown);
  }

  private brokenUntilMs(path: Path, nowMs: number): number {
    const lanes = [`${path}-small`, `${path}-full`] as const;
    return Math.max(...lanes.map((lane) => endOfInterruption(this.known(lane, nowMs))));
  }

  private counted(lane: ViewedLane, sinceMs: number): LaneView["counted"] {
    if (!isCounted(lane)) return undefined;
    const samples = this.samplesSince(sinceMs);
    const [first, last] = [samples[0], samples.at(-1)];
    if (first === undefined || last === undefined || first === last) return undefined;
    const at = LANES.indexOf(lane);
    const grown = (name: "sent" | "heard" | "answered"): number => (last[name][at] ?? 0) - (first[name][at] ?? 0);
    const sent = grown("sent");
    const lostThere = Math.max(0, sent - grown("heard"));
    return { sent, lostThere, lostBack: Math.max(0, sent - grown("answered") - lostThere) };
  }

  private samplesSince(sinceMs: number): readonly Sample[] {
    return this.samples.filter(({ atMs, epoch }) => atMs > sinceMs && epoch === this.epoch);
  }

  private noteClock({ sentAtMs, heardAtMs }: ProbePacket, tookMs: number, at: { atMs: number; wallMs: number }): void {
    // Half of the time is the guess for the way there; all of it is the error that guess can have, either way.
    const aheadMs = heardAtMs - sentAtMs - tookMs / 2;
    const wasSetMeanwhile = Math.abs(at.wallMs - sentAtMs - tookMs) > limit("probeTimeoutMs");
    if (wasSetMeanwhile) return;
    this.clocks.push({ atMs: at.atMs, aheadMs, errorMs: tookMs / 2 });
    if (this.clocks.length > limit("probeSamples")) this.clocks.shift();
  }

  /** The sample that is known best, of the latest round: a clock that was set is not held against its past. */
  private clockView(sinceMs: number): PeerView["clock"] {
    const last = this.clocks.at(-1);
    if (last === undefined || last.atMs <= sinceMs) return undefined;
    const near = this.clocks.filter(({ atMs }) => atMs > last.atMs - limit("probeEveryMs"));
    const best = near.reduce((one, other) => (other.errorMs < one.errorMs ? other : one), last);
    return { aheadMs: best.aheadMs, errorMs: best.errorMs };
  }

  private noteCounts({ epoch, counts, checksumErrors }: ProbePacket, probe: Probe, atMs: number): void {
    if (probe.sentBefore === undefined) return;
    this.epoch = epoch;
    const isLate = this.samples.some(({ sent }) => sent[0] > (probe.sentBefore?.[0] ?? 0));
    if (isLate) return;
    this.samples.push({ atMs, epoch, sent: probe.sentBefore, heard: counts, answered: this.answers, checksumErrors });
    if (this.samples.length > limit("probeSamples")) this.samples.shift();
  }

  private passing(path: Path, nowMs: number): number | undefined {
    const tried = (this.probes.get("sized") ?? []).filter(
      (probe) => probe.way === path && probe.atMs > nowMs - limit("probeWindowMs"),
    );
    const passed = tried.filter(({ answeredAtMs }) => answeredAtMs !== undefined);
    return passed.length === 0 ? undefined : Math.max(...passed.map(({ bytes }) => bytes));
  }
}

/** The latest that nothing answered, however long ago they were sent: who is asked but twice a minute is not well again because the first of them are old. */
function silentOf(known: readonly Probe[]): readonly Probe[] {
  return known.slice(known.findLastIndex(({ answeredAtMs }) => answeredAtMs !== undefined) + 1);
}

/** When the last probe was sent of the last run that nothing answered; a run that goes on counts too. */
function endOfInterruption(probes: readonly Probe[]): number {
  let [runLength, runFromMs, endMs] = [0, 0, -Infinity];
  for (const { atMs, answeredAtMs } of probes) {
    runLength = answeredAtMs === undefined ? runLength + 1 : 0;
    if (runLength === 1) runFromMs = atMs;
    if (runLength >= limit("probeDeadCount") && atMs - runFromMs >= limit("probeDeadMs") / 2) endMs = atMs;
  }
  return endMs;
}

function lossOf(probes: readonly Probe[], untilMs: number): LossCount {
  const old = probes.filter(({ atMs }) => atMs <= untilMs);
  return { sent: old.length, lost: old.filter(({ answeredAtMs }) => answeredAtMs === undefined).length };
}

function incremented(counts: LaneCounts, lane: Lane): LaneCounts {
  const [one, two, three, four] = counts;
  const add = (name: Lane): number => (name === lane ? 1 : 0);
  return [
    one + add("underlay-small"),
    two + add("underlay-full"),
    three + add("overlay-small"),
    four + add("overlay-full"),
  ];
}
