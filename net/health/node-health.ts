import type { Cancel, Clock } from "../../lib/clock.js";
import { deepEqual } from "../../lib/deep-equal.js";
import { asTallshipError } from "../../lib/errors.js";
import { limit } from "../../lib/limits.js";
import type { Log } from "../../lib/log.js";
import type { Rng } from "../../lib/rng.js";
import type { Node } from "../../proto/gen/tallship/v1/node.js";
import type { Self } from "../overlay/peers.js";
import { diagnose, isDead, isSilentOverlay } from "./diagnose.js";
import { isOnLink, type ProbedPeer, probedPeers } from "./health-peers.js";
import { type HealthListener, measureOf, type PeerHealth } from "./health-report.js";
import { Knocks } from "./knocks.js";
import { NameServerWatch } from "./name-server-watch.js";
import { verdictAfter } from "./named-fault.js";
import { isFullPassing, pathMtuOf, podMtuOf } from "./passing-sizes.js";
import type { PathEvidence, PeerAddresses } from "./path-evidence.js";
import { newRecord, type PeerRecord } from "./peer-record.js";
import { type PodWay, type TcpOutcome, wayTo } from "./peer-view.js";
import { isAnswerable, isFromPeer, ProbeEcho } from "./probe-echo.js";
import { decodeProbe, nodeIdOf, type Path, type Way } from "./probe-packet.js";
import { BRIEF_ROUNDS, peersOfRound, WHOLE_ROUND } from "./probe-plan.js";
import { ProbeSender } from "./probe-sender.js";
import type { ProbeReceiver, ProbeWire } from "./probe-wire.js";
import { isSameRemedies, type Remedies, remediesAfter } from "./remedies.js";
import { remedyText } from "./remedy-text.js";

/** What a node must know to probe its peers. */
export interface NodeHealthConfig {
  readonly self: Self;
  /** This node's ends of both ways. */
  readonly addresses: PeerAddresses;
  readonly port: number;
  /** What pods' packets go to peers by; and the largest IP packet on each path, bytes. */
  readonly way: PodWay;
  readonly fullBytes: Readonly<Record<Path, number>>;
}

/** What finding out needs beside the configuration. */
export interface NodeHealthParts {
  readonly clock: Clock;
  readonly rng: Rng;
  readonly log: Log;
  readonly wire: ProbeWire;
  readonly evidence: PathEvidence;
  readonly listener: HealthListener;
  /** Carries out remedies; called when they change. */
  readonly remedy: (remedies: Remedies) => void;
  /** What is in force already: a former agent's. */
  readonly held: Remedies;
}

const NOBODY = { whole: [], brief: [] };

/**
 * Finds out how this node reaches its peers, and says what is at fault where it does not. Each peer is probed at a low rate; one that did not answer closely, until it is known why. Decisions are
 * diagnose, verdictAfter and remediesAfter: pure. Here is only who is probed when.
 */
export class NodeHealth {
  private readonly config: NodeHealthConfig;
  private readonly parts: NodeHealthParts;
  private readonly records = new Map<string, PeerRecord>();
  private readonly byAddress: Record<Way, Map<string, PeerRecord>> = {
    underlay: new Map(),
    overlay: new Map(),
    ipv6: new Map(),
  };
  private readonly sender: ProbeSender;
  private readonly echo: ProbeEcho;
  private readonly knocks: Knocks;
  private readonly nameServers: NameServerWatch;
  private readonly id: bigint;
  private readonly prefixLength: number;
  private nodes: ReadonlyMap<string, Node> | undefined;
  private remedies: Remedies;
  private isRemedyAllowed = true;
  private cancel: Cancel | undefined;
  private isStopped = false;
  private isGathering = false;
  private complaint = "";
  private turn = 0;
  private roundDueMs = 0;
  private turnDueMs = 0;
  private checksums: { atMs: number; count: number };

  constructor(config: NodeHealthConfig, parts: NodeHealthParts) {
    this.config = config;
    this.parts = parts;
    this.id = nodeIdOf(config.self.nodeName);
    this.remedies = parts.held;
    const { clock, evidence, rng } = parts;
    this.checksums = { atMs: -Infinity, count: 0 };
    this.prefixLength = evidence.prefixLength(config.addresses.underlay);
    this.echo = new ProbeEcho({
      clock,
      id: this.id,
      epoch: rng.below(2 ** 32),
      checksumErrors: () => this.checksumErrors(),
    });
    this.sender = new ProbeSender({ ...parts, id: this.id, fullBytes: config.fullBytes });
    this.knocks = new Knocks(parts, (record, path, outcome) => this.knocked(record, path, outcome));
    this.nameServers = new NameServerWatch(clock, evidence, () => this.tell([]));
  }

  /** Begins to answer and to probe. */
  start(): void {
    this.nameServers.start();
    this.cancel = this.parts.clock.after(0, () => void this.open());
  }

  /** Ends; remedies stay in force, for the next agent. */
  stop(): void {
    this.isStopped = true;
    this.cancel?.();
    this.knocks.stop();
    this.nameServers.stop();
    this.parts.wire.close();
  }

  /** The nodes of the cluster from now on, and whether this one may do something about faults. */
  setNodes(nodes: ReadonlyMap<string, Node>, isRemedyAllowed: boolean): void {
    if (nodes === this.nodes && isRemedyAllowed === this.isRemedyAllowed) return;
    this.nodes = nodes;
    this.isRemedyAllowed = isRemedyAllowed;
    const peers = probedPeers(nodes, this.config.self);
    const gone = [...this.records.keys()].filter((name) => !peers.has(name));
    for (const name of gone) this.records.delete(name);
    for (const peer of peers.values()) this.know(peer);
    for (const way of ["underlay", "overlay", "ipv6"] as const)
      this.byAddress[way] = new Map([...this.records.values()].map((each) => [each.peer.addresses[way] ?? "", each]));
    if (gone.length > 0) this.parts.listener.looked([], gone, this.nameServers.health);
    this.applyRemedies();
  }

  /** What is known of every peer. */
  get health(): readonly PeerHealth[] {
    return [...this.records.values()].flatMap((record) => this.healthOf(record));
  }

  /** Whether a peer has answered lately through the cluster's own network. */
  isReached(name: string): boolean {
    const lane = this.records.get(name)?.view?.lanes["overlay-small"];
    return lane !== undefined && lane.answered > 0 && !isDead(lane);
  }

  private know(peer: ProbedPeer): void {
    const known = this.records.get(peer.name);
    const isSameWay =
      known !== undefined && known.peer.port === peer.port && deepEqual(known.peer.addresses, peer.addresses);
    // A peer at another address is another way: what was found of the old one says nothing of it.
    if (isSameWay) known.peer = peer;
    else this.records.set(peer.name, newRecord(peer, this.parts.rng.below(2 ** 32)));
  }

  private async open(): Promise<void> {
    const { wire, log, clock } = this.parts;
    try {
      await wire.open(this.config.addresses, this.config.port, this.receiver());
      this.schedule(0);
    } catch (error) {
      const { message } = asTallshipError(error);
      if (message !== this.complaint) log.warn("peers' probes cannot be answered", { error: message });
      this.complaint = message;
      if (!this.isStopped) this.cancel = clock.after(limit("probeEveryMs"), () => void this.open());
    }
  }

  private receiver(): ProbeReceiver {
    return {
      packet: (way, bytes, from) => {
        const record = this.byAddress[way].get(from.address);
        if (record === undefined || !isFromPeer(record, way, from) || !isAnswerable(bytes)) return;
        const answer = this.echo.answer(record, way, bytes);
        if (answer === undefined) this.takeAnswer(record, bytes);
        else this.parts.wire.send(way, from, answer);
      },
      mayConnect: (path, address) => this.byAddress[path].has(address),
      request: (path, bytes, address) => {
        const record = this.byAddress[path].get(address);
        return record && this.echo.answer(record, path, bytes);
      },
    };
  }

  private takeAnswer(record: PeerRecord, bytes: Buffer): void {
    const arrived = decodeProbe(bytes);
    if (arrived === undefined || arrived.packet.is !== "answer" || arrived.packet.from !== this.id) return;
    const { clock } = this.parts;
    const atMs = clock.monotonicMs();
    if (arrived.packet.to !== record.id && arrived.isIntact) record.ledger.strangerAnswered(atMs);
    else record.ledger.answer(arrived.packet, arrived.isIntact, { atMs, wallMs: clock.nowMs() });
  }

  private schedule(delayMs: number): void {
    if (this.isStopped) return;
    this.cancel?.();
    this.turnDueMs = this.parts.clock.monotonicMs() + delayMs;
    this.cancel = this.parts.clock.after(delayMs, () => this.turnNow());
  }

  /** One look at what came back, and the next probes where they are due. */
  private turnNow(): void {
    const nowMs = this.parts.clock.monotonicMs();
    const looked = [...this.records.values()].filter(({ isProbed }) => isProbed);
    for (const record of looked) this.lookAt(record, nowMs);
    if (looked.length > 0) this.applyRemedies();
    this.tell(looked);
    const { whole, brief } = nowMs >= this.roundDueMs ? this.beginRound(nowMs) : NOBODY;
    const closer = [...this.records.values()].filter((each) => each.closerUntilMs > nowMs);
    const asked = new Set([...whole, ...closer]);
    for (const record of asked) this.probe(record, nowMs);
    const briefly = brief.filter((record) => !asked.has(record));
    for (const record of briefly) {
      // Of one that is at fault everything is asked, by which its end is seen.
      const isWell = record.verdict.named === undefined;
      this.sender.round(record, isWell ? BRIEF_ROUNDS[this.wayTo(record)] : WHOLE_ROUND);
    }
    this.knocks.begin(briefly);
    void this.gather([...whole, ...briefly], nowMs);
    const isAwaited = whole.length > 0 || closer.length > 0;
    // A little later than the time after which a probe counts as lost.
    this.schedule(isAwaited ? limit("probeCloserMs") + 50 : Math.max(50, this.roundDueMs - nowMs));
  }

  private beginRound(nowMs: number): { readonly whole: readonly PeerRecord[]; readonly brief: readonly PeerRecord[] } {
    this.roundDueMs = nowMs + limit("probeEveryMs");
    this.turn += 1;
    const { whole, brief } = peersOfRound({
      peers: [...this.records.keys()].sort(),
      self: this.config.self.nodeName,
      turn: this.turn,
      most: limit("probePeers"),
      neighbours: limit("probeNeighbours"),
      sweepRounds: limit("probeSweepRounds"),
      mostBrief: limit("probeBriefPeers"),
    });
    const known = (name: string): PeerRecord | readonly PeerRecord[] => this.records.get(name) ?? [];
    return { whole: whole.flatMap(known), brief: brief.flatMap(known) };
  }

  private lookAt(record: PeerRecord, nowMs: number): void {
    record.isProbed = false;
    const view = record.ledger.view(this.groundOf(record), nowMs);
    const found = diagnose(view);
    record.view = view;
    const before = record.verdict;
    record.verdict = verdictAfter(before, found);
    const missing = [...Object.values(view.lanes), view.ipv6].reduce(
      (sum, { settled, answered }) => sum + settled - answered,
      0,
    );
    const isTcpBad = [view.tcp.underlay, view.tcp.overlay].some(
      (outcomes) => (outcomes.at(-1) ?? "passed") !== "passed",
    );
    const hasNews = (missing > record.missing || isTcpBad) && record.verdict.named === undefined;
    record.missing = missing;
    const isLossy = /Loss$/.test(record.verdict.named?.kind ?? "");
    if (hasNews || isLossy || record.verdict.next !== undefined) this.lookCloser(record, nowMs);
  }

  private lookCloser(record: PeerRecord, nowMs: number): void {
    const others = [...this.records.values()].filter((each) => each !== record && each.closerUntilMs > nowMs);
    if (others.length < limit("probeCloserPeers")) record.closerUntilMs = nowMs + limit("probeCloserForMs");
  }

  private groundOf({ peer }: PeerRecord) {
    const { addresses, fullBytes, way } = this.config;
    return {
      peer: peer.name,
      ...{ fullBytes, way },
      isOnLink: isOnLink(peer.addresses.underlay, addresses.underlay, this.prefixLength),
    };
  }

  private probe(record: PeerRecord, nowMs: number): void {
    this.sender.round(record, WHOLE_ROUND);
    if (record.verdict.named?.kind === "MtuBlackHole" || record.verdict.next?.fault?.kind === "MtuBlackHole")
      this.probeSizes(record, nowMs);
    const isDue =
      nowMs - record.tcpAtMs >= (record.closerUntilMs > nowMs ? limit("probeCloserMs") * 5 : limit("probeTcpMs"));
    if (isDue && !record.isConnecting) void this.connect(record, nowMs);
  }

  /** Looks for the largest size that passes, on both ways, at most once in a while. */
  private probeSizes(record: PeerRecord, nowMs: number): void {
    if (nowMs - record.sizesAtMs < limit("probeCloserMs") * 5) return;
    record.sizesAtMs = nowMs;
    this.sender.sizes(record);
  }

  /** How a connection that carries nothing went. One that did not come about is news, whenever it is known. */
  private knocked(record: PeerRecord, path: Path, outcome: TcpOutcome): void {
    const nowMs = this.parts.clock.monotonicMs();
    record.ledger.connected(path, outcome, nowMs);
    if (outcome === "passed" || record.verdict.named !== undefined) return;
    this.lookCloser(record, nowMs);
    const soonMs = limit("probeCloserMs") + 50;
    if (this.turnDueMs > nowMs + soonMs) this.schedule(soonMs);
  }

  private async connect(record: PeerRecord, nowMs: number): Promise<void> {
    record.isConnecting = true;
    record.tcpAtMs = nowMs;
    const { wire, clock } = this.parts;
    await Promise.all(
      (["underlay", "overlay"] as const).map(async (path) => {
        const { addresses, port } = record.peer;
        const bytes = this.sender.request(record, "sized", { sequence: 0, bytes: limit("probeTcpBytes") });
        const { outcome } = await wire.connect(path, { address: addresses[path], port }, bytes);
        record.ledger.connected(path, outcome, clock.monotonicMs());
      }),
    );
    record.isConnecting = false;
  }

  /** Asks the kernel about peers that are silent, and about the routes of a round now and then. One at a time. */
  private async gather(round: readonly PeerRecord[], nowMs: number): Promise<void> {
    if (this.isGathering) return;
    const silent = [...this.records.values()].filter(
      ({ view, ledger }) =>
        view !== undefined &&
        [view.lanes["overlay-small"], view.lanes["underlay-small"], view.ipv6].some(isDead) &&
        !ledger.hasEvidence(nowMs, { withPing: isSilentOverlay(view) }),
    );
    // Of very many peers each is in a round once in a sweep.
    const isDue = this.turn % 2 === 1 || round.length > limit("probePeers");
    const asked = silent.length > 0 ? silent.slice(0, 4) : isDue ? round : [];
    if (asked.length === 0) return;
    this.isGathering = true;
    const { evidence, clock } = this.parts;
    const { addresses } = this.config;
    const routes = await evidence.routes(
      asked.map(({ peer }) => peer.addresses),
      addresses,
    );
    for (const [at, record] of asked.entries()) {
      const isPinged = silent.includes(record) && record.view !== undefined && isSilentOverlay(record.view);
      const ping = isPinged ? await evidence.ping(record.peer.addresses, addresses) : undefined;
      record.ledger.learn({ routes: routes[at] ?? {}, ping }, clock.monotonicMs());
    }
    this.isGathering = false;
  }

  private applyRemedies(): void {
    const ailing = [...this.records.values()].map((record) => ({
      gateway: record.peer.addresses.overlay,
      way: this.wayTo(record),
      fault: record.verdict.named,
      // What the latest look says otherwise waits for another that agrees: sizes that pass again are of a fault that is over.
      pathMtu: record.verdict.next === undefined && record.view ? pathMtuOf(record.view) : undefined,
      isFullPassing: record.view !== undefined && isFullPassing(record.view),
    }));
    const before = this.remedies;
    this.remedies = remediesAfter(before, ailing, this.isRemedyAllowed);
    if (isSameRemedies(before, this.remedies)) return;
    this.parts.remedy(this.remedies);
  }

  private wayTo(record: PeerRecord): PodWay {
    return wayTo(record.view ?? this.groundOf(record));
  }

  private healthOf(record: PeerRecord): readonly PeerHealth[] {
    const { view, peer, verdict } = record;
    if (view === undefined) return [];
    const whole = isFullPassing(view) ? view.fullBytes.overlay : undefined;
    const mtu = verdict.named?.kind === "MtuBlackHole" ? podMtuOf(view) : whole;
    return [
      {
        peer: peer.name,
        underlay: measureOf(view.lanes["underlay-small"]),
        overlay: measureOf(view.lanes["overlay-small"]),
        ...(peer.addresses.ipv6 !== undefined && { ipv6: measureOf(view.ipv6) }),
        mtu: mtu ?? 0,
        fault: verdict.named,
        remedy: remedyText(this.remedies, { gateway: peer.addresses.overlay, way: wayTo(view) }),
        isPeerReady: peer.isReady,
      },
    ];
  }

  private tell(records: readonly PeerRecord[]): void {
    this.parts.listener.looked(
      records.flatMap((record) => this.healthOf(record)),
      [],
      this.nameServers.health,
    );
  }

  /** Read from the kernel at most once a second, however many ask. */
  private checksumErrors(): number {
    const nowMs = this.parts.clock.monotonicMs();
    if (nowMs - this.checksums.atMs > 1_000)
      this.checksums = { atMs: nowMs, count: this.parts.evidence.checksumErrors() };
    return this.checksums.count;
  }
}
