import { NETWORK_CONDITION } from "../../kinds/network-health.js";
import type { Clock } from "../../lib/clock.js";
import { rfc3339 } from "../../lib/clock.js";
import { limit } from "../../lib/limits.js";
import type {
  HealthListener,
  NameServerHealth,
  NetworkWayHealth,
  PathMeasure,
  PeerHealth,
} from "../../net/health/health-report.js";
import { Event } from "../../proto/gen/tallship/v1/event.js";
import { NetworkReport, PeerPath } from "../../proto/gen/tallship/v1/nethealth.js";
import type { NodeConditionReport } from "../../proto/gen/tallship/v1/session.js";

/** Reason of a name server that does not answer. */
export const DNS_FAULT = "DnsUpstreamDown";

/** Whom the teller tells. */
export interface HealthTellerParts {
  readonly clock: Clock;
  readonly nodeName: string;
  readonly report: (report: NetworkReport) => void;
  readonly events: (events: readonly Event[]) => void;
  readonly condition: (condition: NodeConditionReport) => void;
  /** Every look, for metrics. */
  readonly observe: HealthListener;
}

/** Tells the leader what the node finds out of its network: faults at once, as report, event and condition; measures once in a while. */
export class HealthTeller implements HealthListener {
  private readonly parts: HealthTellerParts;
  private readonly known = new Map<string, PeerHealth>();
  private readonly unsaid = new Set<string>();
  private gone: readonly string[] = [];
  private nameServers: readonly NameServerHealth[] = [];
  private ways: readonly NetworkWayHealth[] = [];
  private faults: ReadonlyMap<string, Told> = new Map();
  private condition: NodeConditionReport | undefined;
  private isWholeDue = true;
  private dueMs = -Infinity;

  constructor(parts: HealthTellerParts) {
    this.parts = parts;
  }

  /** A session has begun: the leader knows nothing of the node. */
  begin(): void {
    this.isWholeDue = true;
    this.flush();
  }

  looked(peers: readonly PeerHealth[], gone: readonly string[], nameServers: readonly NameServerHealth[]): void {
    this.parts.observe.looked(peers, gone, nameServers);
    const isNew = peers.some(({ peer }) => !this.known.has(peer));
    for (const health of peers) {
      this.known.set(health.peer, health);
      this.unsaid.add(health.peer);
    }
    for (const peer of gone) this.known.delete(peer);
    this.gone = [...this.gone, ...gone];
    this.nameServers = nameServers;
    const hasNews = this.tellChanges();
    if (isNew || gone.length > 0 || hasNews || this.parts.clock.monotonicMs() >= this.dueMs) this.flush();
  }

  waysLooked(ways: readonly NetworkWayHealth[]): void {
    this.parts.observe.waysLooked(ways);
    // A report has them with the ways to their peers by the cluster's own network.
    for (const { peer } of [...this.ways, ...ways]) if (this.known.has(peer)) this.unsaid.add(peer);
    const isOther = ways.length !== this.ways.length;
    this.ways = ways;
    if (this.tellChanges() || isOther) this.flush();
  }

  /** Tells as events and condition what has changed since it was last told; false when nothing has. */
  private tellChanges(): boolean {
    const before = this.faults;
    this.faults = toldOf(this.known, this.nameServers, this.ways);
    const events = changesOf(before, this.faults);
    if (events.length > 0) this.tell(events);
    this.setCondition();
    return events.length > 0;
  }

  private flush(): void {
    const { clock, report } = this.parts;
    const peers = this.isWholeDue
      ? [...this.known.values()]
      : [...this.known.values()].filter(({ peer }) => this.unsaid.has(peer));
    const paths = peers.map((each) => pathOf(each, this.ways));
    const nameServers = this.nameServers.map(({ address, problem }) => ({
      address,
      fault: problem === undefined ? "" : DNS_FAULT,
      message: problem ?? "",
    }));
    report(NetworkReport.fromPartial({ isWhole: this.isWholeDue, paths, gone: [...this.gone], nameServers }));
    this.unsaid.clear();
    this.gone = [];
    this.isWholeDue = false;
    this.dueMs = clock.monotonicMs() + limit("healthReportMs");
  }

  private tell(changes: readonly Change[]): void {
    const at = rfc3339(this.parts.clock.nowMs());
    const shown = changes.slice(0, limit("healthEvents"));
    const rest = changes.length - shown.length;
    const all =
      rest === 0
        ? shown
        : [...shown, { type: "Warning", reason: "NetworkFault", message: `${rest} more ways to peers changed` }];
    const { nodeName, events } = this.parts;
    events(
      all.map(({ type, reason, message }) =>
        Event.fromPartial({
          involvedObject: { kind: "Node", apiVersion: "v1", name: nodeName },
          source: { component: "agent", host: nodeName },
          reportingComponent: "tallship.dev/agent",
          reportingInstance: nodeName,
          ...{ firstTimestamp: at, lastTimestamp: at, count: 1, type, reason, message: message.slice(0, 1_000) },
        }),
      ),
    );
  }

  private setCondition(): void {
    const condition = conditionOf([...this.faults].map(([subject, told]) => ({ subject, ...told })));
    if (condition.status === this.condition?.status && condition.message === this.condition.message) return;
    this.condition = condition;
    this.parts.condition(condition);
  }
}

/** What is told of one peer or name server. */
interface Told {
  /** Empty: nothing is at fault. */
  readonly reason: string;
  readonly message: string;
  readonly remedy: string;
}

interface Change {
  readonly type: string;
  readonly reason: string;
  readonly message: string;
}

/** A peer that the control plane misses too is told of by its own node object. */
function isOwnNews({ fault, isPeerReady }: PeerHealth): boolean {
  return fault === undefined || isPeerReady || (fault.kind !== "PeerUnreachable" && fault.kind !== "PeerAgentDown");
}

function toldOf(
  known: ReadonlyMap<string, PeerHealth>,
  nameServers: readonly NameServerHealth[],
  ways: readonly NetworkWayHealth[],
): ReadonlyMap<string, Told> {
  const told = new Map<string, Told>();
  for (const health of known.values()) {
    const { peer, fault, remedy } = health;
    const isTold = fault !== undefined && isOwnNews(health);
    if (isTold || remedy !== "")
      told.set(peer, { reason: isTold ? fault.kind : "", message: fault?.message ?? "", remedy });
  }
  for (const { network, peer, family, fault } of ways)
    if (fault !== undefined)
      told.set(`${peer} by network ${network}${family === "IPv6" ? " (IPv6)" : ""}`, {
        reason: fault.kind,
        message: fault.message,
        remedy: "",
      });
  for (const { address, problem } of nameServers)
    if (problem !== undefined) told.set(`name server ${address}`, { reason: DNS_FAULT, message: problem, remedy: "" });
  return told;
}

/** What there is to tell between two states of faults and remedies. */
function changesOf(before: ReadonlyMap<string, Told>, after: ReadonlyMap<string, Told>): readonly Change[] {
  const changes: Change[] = [];
  const nothing: Told = { reason: "", message: "", remedy: "" };
  for (const subject of new Set([...before.keys(), ...after.keys()])) {
    const [was, is] = [before.get(subject) ?? nothing, after.get(subject) ?? nothing];
    if (is.reason !== "" && is.reason !== was.reason)
      changes.push({ type: "Warning", reason: is.reason, message: is.message });
    if (is.reason === "" && was.reason !== "")
      changes.push({ type: "Normal", reason: "NetworkRecovered", message: `${was.reason} is over: ${subject}` });
    if (is.remedy !== "" && is.remedy !== was.remedy)
      changes.push({ type: "Normal", reason: "NetworkRemedyApplied", message: `for ${subject}: ${is.remedy}` });
    if (is.remedy === "" && was.remedy !== "")
      changes.push({ type: "Normal", reason: "NetworkRemedyWithdrawn", message: `for ${subject}: ${was.remedy}` });
  }
  return changes;
}

/** Faults in the condition's message at most. */
const SHOWN = 5;

/** Kinds and names alone: what changes with each look would be a write with each look. */
function conditionOf(told: readonly (Told & { readonly subject: string })[]): NodeConditionReport {
  const faults = told
    .filter(({ reason }) => reason !== "")
    .sort((one, other) => (one.subject < other.subject ? -1 : 1));
  const [first] = faults;
  const type = NETWORK_CONDITION;
  if (first === undefined) return { type, status: "False", reason: "PeersReached", message: "" };
  const rest = faults.length - SHOWN;
  const texts = faults.slice(0, SHOWN).map(({ subject, reason }) => `${reason}: ${subject}`);
  const message = [...texts, ...(rest > 0 ? [`${rest} more`] : [])].join("; ");
  return { type, status: "True", reason: first.reason, message };
}

function pathOf(
  { peer, underlay, overlay, ipv6, mtu, fault, remedy }: PeerHealth,
  ways: readonly NetworkWayHealth[],
): PeerPath {
  return PeerPath.fromPartial({
    ...{ peer, mtu, remedy, fault: fault?.kind ?? "", message: fault?.message ?? "" },
    ...{ underlay: measureOf(underlay), overlay: measureOf(overlay), ipv6: ipv6 && measureOf(ipv6) },
    networks: ways.filter((way) => way.peer === peer).map(networkPathOf),
  });
}

function networkPathOf({ network, family, measure, fault }: NetworkWayHealth) {
  return { network, family, measure: measureOf(measure), fault: fault?.kind ?? "", message: fault?.message ?? "" };
}

function measureOf({ roundTripMs, lossRatio }: PathMeasure) {
  return { roundTripMs, lossRatio };
}
