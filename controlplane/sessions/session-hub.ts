import type { Clock } from "../../lib/clock.js";
import { asTallshipError, isErrorCode, TallshipError } from "../../lib/errors.js";
import { limit } from "../../lib/limits.js";
import type { Log } from "../../lib/log.js";
import type { CallContext } from "../../lib/transport/service.js";
import type { NetworkResponse } from "../../proto/gen/tallship/v1/nethealth.js";
import type { Node } from "../../proto/gen/tallship/v1/node.js";
import {
  type ControlMessage,
  type NodeMessage,
  type OpenStream,
  type SessionHello,
  type StreamRefused,
  type UsageResponse,
  Welcome,
} from "../../proto/gen/tallship/v1/session.js";
import type { WatchCache } from "../cache/view.js";
import type { EventSink } from "../events/event-sink.js";
import { ContentBook } from "../fabric/content-book.js";
import { NodePolicies } from "../policies/node-policies.js";
import { followConfigs } from "./changed-configs.js";
import { CutOverTeller } from "./cut-over-teller.js";
import { hasPodToStop } from "./cut-over-wait.js";
import { HeartbeatPace } from "./heartbeat-pace.js";
import { NetworkBook } from "./network-book.js";
import { noticeOfNode } from "./node-events.js";
import { type Arrival, afterHeartbeat, reportOfHello } from "./node-report.js";
import type { NodeReport, NodeReports } from "./node-reports.js";
import { SessionOutbox } from "./session-outbox.js";
import { tellControlPlanes } from "./tell-control-planes.js";
import { UsageDesk } from "./usage-desk.js";

/** What the hub needs. */
export interface HubDeps {
  readonly cache: WatchCache;
  readonly events: EventSink;
  readonly clock: Clock;
  readonly log: Log;
  /** API address of the leader as this replica knows it; empty while there is none. */
  readonly leaderAddress: () => string;
  /** API addresses of all control planes. */
  readonly controlPlaneAddresses: () => Promise<readonly string[]>;
}

interface Session {
  readonly nodeName: string;
  readonly outbox: SessionOutbox;
  /** Streams the node was asked to open and may refuse, by operation. */
  readonly asked: Map<string, (error: TallshipError) => void>;
}

/**
 * The nodes' sessions, on the leader. Reports, cut-over, usage and images live here and nowhere else: a new leader learns them anew within a heartbeat. A node
 * has one session; a second one ends the first. All of it is synchronous but for the messages' arrival.
 */
export class SessionHub implements NodeReports {
  /** What is used, and who wants to know. */
  readonly usage: UsageDesk;
  private readonly deps: HubDeps;
  private readonly sessions = new Map<string, Session>();
  private readonly reports = new Map<string, NodeReport>();
  private readonly listeners = new Set<(nodeName: string) => void>();
  private readonly cutOver: CutOverTeller;
  private pace = new HeartbeatPace();
  private isLeading = false;
  private policies: NodePolicies | undefined;
  /** Who holds which content. */
  readonly content: ContentBook;
  private readonly network = new NetworkBook();

  constructor(deps: HubDeps) {
    this.deps = deps;
    this.usage = new UsageDesk(deps.clock, () => {
      for (const session of this.sessions.values()) this.tellWish(session);
    });
    this.cutOver = new CutOverTeller({
      clock: deps.clock,
      gatherMs: () => limit(this.pace.intervalMs > limit("heartbeatMs") ? "cutOverGatherManyMs" : "cutOverGatherMs"),
      tell: (revision) => {
        const isFew = this.pace.intervalMs <= limit("heartbeatMs");
        for (const { nodeName, outbox } of this.sessions.values())
          outbox.cutOver(revision, isFew || hasPodToStop(deps.cache.view, nodeName));
      },
    });
    this.content = new ContentBook({
      clock: deps.clock,
      view: deps.cache.view,
      tell: (nodeName, news) => this.sessions.get(nodeName)?.outbox.content(news),
    });
  }

  /** Takes sessions until the signal aborts; then every node is sent to the new leader. */
  lead(lost: AbortSignal): void {
    if (lost.aborted) return;
    this.isLeading = true;
    for (const { object } of this.deps.cache.view.list("Node")) this.noteNode(object.metadata?.name ?? "", object);
    const stop = this.deps.cache.subscribe(({ changes }) => {
      for (const change of changes) if (change.key.kind === "Node") this.nodeChanged(change.key.name);
    });
    const tell = (addresses: readonly string[]): void => {
      for (const { outbox } of this.sessions.values()) outbox.controlPlanes(addresses);
    };
    const stopTelling = tellControlPlanes(this.deps, tell, lost);
    const stopConfigs = followConfigs(this.deps.cache, (node, config, revision) =>
      this.sessions.get(node)?.outbox.configChanged(config, revision),
    );
    lost.addEventListener(
      "abort",
      () => {
        stop();
        stopTelling();
        stopConfigs();
        this.stopLeading();
      },
      { once: true },
    );
  }

  /** Tells nodes what policies mean for their pods, until the signal aborts. To be called once the cache has passed the election: older policies would open what is closed. */
  tellPolicies(lost: AbortSignal): void {
    if (lost.aborted) return;
    const policies = new NodePolicies(this.deps.cache, (node) =>
      this.sessions.get(node)?.outbox.policies(() => policies.next(node)),
    );
    const stop = policies.follow();
    this.policies = policies;
    for (const [node, { outbox }] of this.sessions) if (outbox.hasWelcomed) policies.begin(node);
    lost.addEventListener("abort", stop, { once: true });
  }

  get(nodeName: string): NodeReport | undefined {
    return this.reports.get(nodeName);
  }

  all(): readonly NodeReport[] {
    return [...this.reports.values()].sort((a, b) => (a.nodeName < b.nodeName ? -1 : 1));
  }

  onChange(listener: (nodeName: string) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /** Nodes that have a session, by name, and how many of the digests each holds. */
  holdersOf(digests: readonly string[]): readonly { readonly name: string; readonly heldCount: number }[] {
    if (!this.isLeading) throw this.notLeader();
    return this.content.holdersOf(digests);
  }

  /** What hosts and pods use now. */
  usageNow(signal: AbortSignal): Promise<UsageResponse> {
    if (!this.isLeading) throw this.notLeader();
    return this.usage.now([...this.sessions.keys()], signal);
  }

  /** What nodes have measured of their network. */
  networkNow(): NetworkResponse {
    if (!this.isLeading) throw this.notLeader();
    return this.network.all;
  }

  /** A node is told of its own pods alone. */
  private tellWish({ nodeName, outbox }: Session): void {
    const { everyMs, metrics } = this.usage.wish;
    const own = this.deps.cache.view.podsOnNode(nodeName).flatMap(({ object }) => {
      const podUID = object.metadata?.uid ?? "";
      const names = metrics.get(podUID);
      return names === undefined ? [] : [{ podUID, names: names.slice(0, limit("podMetricsNames")) }];
    });
    outbox.usageWanted({ everyMs, metrics: own });
  }

  /** Nodes that have a session. */
  get sessionCount(): number {
    return this.sessions.size;
  }

  /** One node's session, for the Nodes service. The name is the certificate's. */
  session(messages: AsyncIterable<NodeMessage>, { identity }: CallContext): AsyncIterable<ControlMessage> {
    if (!this.isLeading) throw this.notLeader();
    const outbox = new SessionOutbox({ maxOpens: limit("streamsPerNode"), onLeft: () => this.close(session) });
    const session: Session = { nodeName: identity.name, outbox, asked: new Map() };
    this.read(session, messages).then(
      () => this.close(session),
      (error: unknown) => this.close(session, asTallshipError(error)),
    );
    return outbox;
  }

  /**
   * Has a node open a stream to the replica named in the message. Resolves when the signal aborts: the replica has got its stream, or given up. Rejects when the
   * node has no session, refuses, or goes away.
   */
  requestStream(nodeName: string, open: OpenStream, signal: AbortSignal): Promise<void> {
    if (!this.isLeading) throw this.notLeader();
    const session = this.sessions.get(nodeName);
    if (session === undefined)
      throw new TallshipError("unavailable", `node ${nodeName} is not connected to the control plane`);
    this.content.opened(nodeName, open);
    if (!session.outbox.open(open))
      throw new TallshipError(
        "resource_exhausted",
        `node ${nodeName} has ${limit("streamsPerNode")} streams to open already`,
      );
    return new Promise((resolve, reject) => {
      const settle = (end: () => void): void => {
        session.asked.delete(open.operationID);
        signal.removeEventListener("abort", taken);
        end();
      };
      const taken = (): void => settle(resolve);
      session.asked.set(open.operationID, (error) => settle(() => reject(error)));
      if (signal.aborted) taken();
      else signal.addEventListener("abort", taken, { once: true });
    });
  }

  private async read(session: Session, messages: AsyncIterable<NodeMessage>): Promise<void> {
    const cancelLate = this.deps.clock.after(limit("helloMs"), () => {
      if (this.sessions.get(session.nodeName) !== session)
        session.outbox.end(new TallshipError("deadline_exceeded", `session of ${session.nodeName}: no hello`));
    });
    try {
      for await (const { part } of messages) {
        if (!this.isLeading) throw this.notLeader();
        if (part?.$case === "hello") this.open(session, part.value);
        else if (this.sessions.get(session.nodeName) !== session)
          throw new TallshipError(
            "failed_precondition",
            `session of ${session.nodeName}: the first message must be a hello, once`,
          );
        else this.take(session, part);
      }
    } finally {
      cancelLate();
    }
  }

  private open(session: Session, hello: SessionHello): void {
    const { nodeName } = session;
    const before = this.sessions.get(nodeName);
    if (before === session) {
      this.report(this.reportOf(nodeName, hello), "changed"); // The node describes itself anew.
      return;
    }
    before?.outbox.end(
      new TallshipError("failed_precondition", `session of ${nodeName}: the node has opened a newer one`),
    );
    this.sessions.set(nodeName, session);
    this.content.begin(nodeName);
    this.report(this.reportOf(nodeName, hello), "changed");
    this.deps.log.info("node connected", { node: nodeName, agentVersion: hello.agentVersion, bootID: hello.bootID });
    this.welcomeWhenReady(session);
  }

  private reportOf(nodeName: string, hello: SessionHello): NodeReport {
    return reportOfHello(nodeName, hello, this.now(), this.pace.intervalMs);
  }

  /** A node gets no further than the hello until the node controller has given it a pod subnet. */
  private welcomeWhenReady(session: Session): void {
    const node = this.deps.cache.view.get("Node", "", session.nodeName);
    if (node?.spec?.podCIDR === undefined || node.spec.podCIDR === "") return;
    void this.welcome(session, node);
  }

  private async welcome(session: Session, node: Node): Promise<void> {
    const controlPlaneAddresses = await this.deps.controlPlaneAddresses().catch(() => []);
    const { podCIDR = "", podCIDRs = [] } = node.spec ?? {};
    session.outbox.welcome(
      Welcome.fromPartial({
        clusterEpoch: this.deps.cache.clusterEpoch,
        heartbeatMs: this.pace.intervalMs,
        podCIDRs: podCIDRs.length > 0 ? podCIDRs : [podCIDR],
        controlPlaneAddresses,
      }),
    );
    if (this.cutOver.told > 0) session.outbox.cutOver(this.cutOver.told);
    // Also when nobody wants to know: the leader before may have wanted it.
    this.tellWish(session);
    if (this.sessions.get(session.nodeName) === session) this.policies?.begin(session.nodeName);
  }

  private take(session: Session, part: NodeMessage["part"]): void {
    const { nodeName } = session;
    const report = this.reports.get(nodeName);
    switch (part?.$case) {
      case "heartbeat":
        if (report === undefined) return;
        session.outbox.ack(part.value.sequence);
        if (part.value.usage !== undefined) this.usage.takeHost(nodeName, part.value.usage);
        this.report(
          afterHeartbeat(report, part.value, this.now()),
          part.value.conditions.length > 0 ? "changed" : "heard",
        );
        return;
      case "usage":
        this.usage.takePods(nodeName, part.value);
        return;
      case "images":
        this.content.report(nodeName, part.value);
        return;
      case "imageNames":
        this.content.reportNames(nodeName, part.value);
        return;
      case "manifest":
        this.content.note(nodeName, part.value.manifest);
        return;
      case "want":
        this.content.want(nodeName, part.value);
        return;
      case "network":
        this.network.take(nodeName, part.value);
        return;
      case "events":
        for (const event of part.value.events) {
          const notice = noticeOfNode(event, nodeName, this.deps.cache.view);
          if (notice !== undefined) this.deps.events.record(notice, { component: "agent", host: nodeName });
        }
        return;
      case "refused":
        session.asked.get(part.value.operationID)?.(refusal(nodeName, part.value));
        return;
      default:
        // A newer agent may say what this version does not know.
        return;
    }
  }

  private report(report: NodeReport, news: "changed" | "heard"): void {
    this.reports.set(report.nodeName, report);
    this.cutOver.setApplied(report.nodeName, report.endpointRevisionApplied);
    if (news === "changed") this.tell(report.nodeName);
  }

  private tell(nodeName: string): void {
    for (const listener of this.listeners) listener(nodeName);
  }

  private nodeChanged(nodeName: string): void {
    this.noteNode(nodeName, this.deps.cache.view.get("Node", "", nodeName));
    const session = this.sessions.get(nodeName);
    if (session !== undefined && !session.outbox.hasWelcomed) this.welcomeWhenReady(session);
  }

  private noteNode(nodeName: string, node: Node | undefined): void {
    const ready = node?.status?.conditions.find(({ type }) => type === "Ready");
    this.cutOver.setReady(nodeName, ready?.status === "True");
    if (!this.pace.note(nodeName, node !== undefined)) return;
    for (const { outbox } of this.sessions.values()) if (outbox.hasWelcomed) outbox.heartbeats(this.pace.intervalMs);
  }

  private close(session: Session, error?: TallshipError): void {
    const { nodeName, outbox, asked } = session;
    outbox.end(error);
    for (const refuse of [...asked.values()])
      refuse(new TallshipError("unavailable", `node ${nodeName} has lost its connection to the control plane`));
    if (this.sessions.get(nodeName) !== session) return;
    this.sessions.delete(nodeName);
    this.cutOver.forget(nodeName);
    this.usage.forget(nodeName);
    this.network.forget(nodeName);
    this.policies?.end(nodeName);
    this.content.end(nodeName);
    const report = this.reports.get(nodeName);
    if (report !== undefined) this.reports.set(nodeName, { ...report, isConnected: false });
    this.deps.log.info("node disconnected", { node: nodeName, reason: error?.message });
    this.tell(nodeName);
  }

  private stopLeading(): void {
    this.isLeading = false;
    const ended = [...this.sessions.values()];
    this.sessions.clear();
    this.reports.clear();
    this.cutOver.clear();
    this.pace = new HeartbeatPace();
    this.usage.clear();
    this.network.clear();
    this.policies = undefined;
    this.content.clear();
    for (const session of ended) this.close(session, this.notLeader());
  }

  private notLeader(): TallshipError {
    const leader = this.deps.leaderAddress();
    const message =
      leader === "" ? "this replica does not lead, and nobody does yet" : `this replica does not lead, ${leader} does`;
    return new TallshipError("not_leader", message, { details: leader === "" ? {} : { leader } });
  }

  private now(): Arrival {
    return { nowMs: this.deps.clock.nowMs(), monotonicMs: this.deps.clock.monotonicMs() };
  }
}

function refusal(nodeName: string, { code, message }: StreamRefused): TallshipError {
  return new TallshipError(isErrorCode(code) ? code : "internal", `node ${nodeName}: ${message}`);
}
