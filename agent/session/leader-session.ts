import { AsyncQueue } from "../../lib/async-queue.js";
import { backoffMs } from "../../lib/backoff.js";
import type { Clock } from "../../lib/clock.js";
import { assertNever, asTallshipError, hasCode, type TallshipError } from "../../lib/errors.js";
import { limit } from "../../lib/limits.js";
import type { Log } from "../../lib/log.js";
import type { Rng } from "../../lib/rng.js";
import type { Event } from "../../proto/gen/tallship/v1/event.js";
import type { ContentWant } from "../../proto/gen/tallship/v1/fabric.js";
import type { NetworkReport } from "../../proto/gen/tallship/v1/nethealth.js";
import type { PolicyUpdate } from "../../proto/gen/tallship/v1/policies.js";
import {
  type ConfigsChanged,
  type ControlMessage,
  type ImageNamesReport,
  type ImageReport,
  type NodeConditionReport,
  type NodeMessage,
  NodesDefinition,
  type NodeUsage,
  type OpenStream,
  type PodUsage,
  type SessionHello,
  type UsageWanted,
  type Welcome,
} from "../../proto/gen/tallship/v1/session.js";
import type { FabricSession } from "../image/fabric/fabric.js";
import type { AddressBook } from "./address-book.js";
import { HeartbeatTimer } from "./heartbeat-timer.js";

/** What the session asks of, and tells, the rest of the agent. */
export interface SessionParts {
  readonly book: AddressBook;
  /** The host as it is now; asked at each connect. */
  readonly hello: () => SessionHello;
  /** What the host uses; undefined leaves it out of the heartbeat. */
  readonly usage: () => NodeUsage | undefined;
  readonly onWelcome: (welcome: Welcome) => void;
  /** The address book has learnt which control planes there are. */
  readonly onControlPlanes: () => void;
  readonly onCutOver: (endpointRevision: number) => void;
  readonly onOpenStream: (open: OpenStream) => void;
  /** ConfigMaps or Secrets that pods of this node use have another content. */
  readonly onConfigsChanged: (changed: ConfigsChanged) => void;
  /** What network policies mean for the node's pods, in parts. */
  readonly onPolicies: (update: PolicyUpdate) => void;
  /** How content gets here from other nodes, and which of them may fetch it from here. */
  readonly content?: Pick<FabricSession, "plan" | "leave"> | undefined;
  /** The leader wants usage reports, or no more of them. */
  readonly onUsageWanted: (wanted: UsageWanted) => void;
  readonly clock: Clock;
  readonly rng: Rng;
  readonly log: Log;
}

/** At most half of the time that a new leader gives nodes to be heard: who asks again later than that counts as lost. */
const RETRY = { firstMs: 100, maxMs: 1_000 };
/** A leader that leaves so many unanswered is given up. */
const UNHEARD_BEATS = 4;

/**
 * The one session to the leader. Connects, follows redirects, tries every control plane in turn with backoff, and says hello anew each time.
 * Heartbeats go out as often as the leader asks, and soon when the applied endpoint revision grows. Ends when the signal aborts.
 */
export class LeaderSession {
  private readonly parts: SessionParts;
  private outgoing: AsyncQueue<NodeMessage> | undefined;
  private heartbeats: HeartbeatTimer | undefined;
  private sequence = 0;
  private appliedRevision = 0;
  private clusterEpoch = "";
  private conditions: readonly NodeConditionReport[] = [];
  private heardAtMs = 0;
  /** Heartbeats since the leader was last heard. */
  private unheardBeats = 0;
  /** The host is not as this session's hello said. */
  private isOutdated = false;
  /** What the host uses is said with the first heartbeat from then on. */
  private usageDueAtMs = 0;

  constructor(parts: SessionParts) {
    this.parts = parts;
  }

  /** Whether the leader has welcomed this node in the present session. */
  get isConnected(): boolean {
    return this.clusterEpoch !== "" && this.outgoing !== undefined;
  }

  /** Keeps the session until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    const { book, clock, rng, log } = this.parts;
    let attempt = 0;
    while (!signal.aborted) {
      const address = book.current;
      const connectedAtMs = clock.monotonicMs();
      const error = await this.converse(address, signal);
      if (signal.aborted) return;
      const leader = hasCode(error, "not_leader") ? error.details["leader"] : undefined;
      if (leader !== undefined && leader !== "") book.prefer(leader, address);
      else book.failed(address, hasCode(error, "not_leader"));
      if (clock.monotonicMs() - connectedAtMs > book.waits(RETRY).maxMs) attempt = 0;
      log.info("session ended", { address, code: error.code, error: error.message });
      // Who is told of a leader need not wait for one any more.
      const isLed = leader !== undefined && leader === book.current;
      await clock.sleep(backoffMs(book.waits(RETRY), isLed ? 0 : attempt, rng), signal).catch(() => undefined);
      attempt += 1;
    }
  }

  /** The kernel has come to reflect this revision of the network map. */
  applied(revision: number): void {
    if (revision <= this.appliedRevision) return;
    this.appliedRevision = revision;
    this.heartbeats?.tellNews();
  }

  /** Conditions that changed; sent with the next heartbeat, and again in the hello of the next session. */
  reportConditions(conditions: readonly NodeConditionReport[]): void {
    this.conditions = conditions;
    this.heartbeats?.tellNews();
  }

  /** The host is not as the last hello said: says it anew. */
  describe(): void {
    this.isOutdated = true;
    this.describeOutdated();
  }

  /** What changed between a session's hello and its welcome is said once there is the welcome. */
  private describeOutdated(): void {
    if (!this.isOutdated || this.outgoing === undefined) return;
    this.isOutdated = false;
    this.send(this.hello());
    this.heartbeats?.tellNews();
  }

  /** Events seen on the node; dropped while there is no session. */
  reportEvents(events: readonly Event[]): void {
    this.send({ part: { $case: "events", value: { events } } });
  }

  /** What pods use. */
  reportUsage(pods: readonly PodUsage[]): void {
    this.send({ part: { $case: "usage", value: { pods } } });
  }

  /** Image content that came or went. */
  reportImages(report: ImageReport): void {
    this.send({ part: { $case: "images", value: report } });
  }

  /** Names of images that came or went. */
  reportImageNames(report: ImageNamesReport): void {
    this.send({ part: { $case: "imageNames", value: report } });
  }

  /** What this node has measured of its network; dropped while there is no session. */
  reportNetwork(report: NetworkReport): void {
    this.send({ part: { $case: "network", value: report } });
  }

  /** Content that this node fetches, and what it has of it. */
  want(want: ContentWant): void {
    this.send({ part: { $case: "want", value: want } });
  }

  /** The manifest of an image whose content this node will want. */
  note(manifest: Uint8Array): void {
    this.send({ part: { $case: "manifest", value: { manifest: Buffer.from(manifest) } } });
  }

  /** An operator stream that cannot be opened. */
  refuse(operationID: string, error: TallshipError): void {
    this.send({ part: { $case: "refused", value: { operationID, code: error.code, message: error.message } } });
  }

  private hello(): NodeMessage {
    return { part: { $case: "hello", value: { ...this.parts.hello(), clusterEpoch: this.clusterEpoch } } };
  }

  private send(message: NodeMessage): void {
    this.outgoing?.push(message);
  }

  /** One session; returns why it ended. */
  private async converse(address: string, signal: AbortSignal): Promise<TallshipError> {
    const { book } = this.parts;
    const outgoing = new AsyncQueue<NodeMessage>(limit("sessionQueueMessages"));
    this.isOutdated = false;
    outgoing.push(this.hello());
    const over = new AbortController();
    const stop = (): void => over.abort();
    signal.addEventListener("abort", stop, { once: true });
    this.sequence = 0;
    const patienceMs = book.patienceMs(address);
    const stopWaiting = patienceMs === undefined ? () => undefined : this.parts.clock.after(patienceMs, stop);
    try {
      const answers = book.channel(address).client(NodesDefinition).session(outgoing, { signal: over.signal });
      for await (const { part } of answers) {
        stopWaiting();
        book.heard(address);
        this.heardAtMs = this.parts.clock.monotonicMs();
        this.unheardBeats = 0;
        if (part?.$case === "welcome") this.begin(part.value, outgoing, over);
        if (part !== undefined) this.take(part);
      }
      return asTallshipError(new Error("the leader ended the session"), "unavailable");
    } catch (error) {
      return asTallshipError(error, "unavailable");
    } finally {
      stopWaiting();
      this.outgoing = undefined;
      this.heartbeats?.stop();
      this.heartbeats = undefined;
      outgoing.end();
      over.abort();
      signal.removeEventListener("abort", stop);
    }
  }

  /** Heartbeats start once the leader knows the node. */
  private begin(welcome: Welcome, outgoing: AsyncQueue<NodeMessage>, over: AbortController): void {
    this.outgoing = outgoing;
    this.usageDueAtMs = 0;
    this.clusterEpoch = welcome.clusterEpoch;
    this.describeOutdated();
    this.parts.book.learn(welcome.controlPlaneAddresses);
    const { clock, rng, book } = this.parts;
    book.beatEvery(welcome.heartbeatMs);
    const beat = (): void => {
      if (this.isLeaderSilent()) over.abort();
      else this.beat();
    };
    this.heartbeats?.stop();
    this.heartbeats = new HeartbeatTimer({ clock, rng, beat }, welcome.heartbeatMs);
    this.heartbeats.start();
  }

  /**
   * A host that lost its power closes no connection: silence is all there is. Time alone says nothing: a process that was stopped itself, or got no processor, wakes up to its timers first
   * and reads what has waited for it after that.
   */
  private isLeaderSilent(): boolean {
    const longestMs = Math.max(limit("sessionSilenceMs"), UNHEARD_BEATS * (this.heartbeats?.everyMs ?? 0));
    return this.unheardBeats >= UNHEARD_BEATS && this.parts.clock.monotonicMs() - this.heardAtMs > longestMs;
  }

  private beat(): void {
    this.sequence += 1;
    this.unheardBeats += 1;
    const { conditions, sequence } = this;
    this.conditions = [];
    const everyMs = this.heartbeats?.everyMs ?? 0;
    const said = { sequence, endpointRevisionApplied: this.appliedRevision, conditions, everyMs };
    // Boot id and epoch are as the hello said.
    const heartbeat = { ...said, bootID: "", clusterEpoch: "", usage: this.dueUsage() };
    this.send({ part: { $case: "heartbeat", value: heartbeat } });
  }

  /** Reading it costs more than the rest of a heartbeat, and nobody needs it as often. */
  private dueUsage(): NodeUsage | undefined {
    const nowMs = this.parts.clock.monotonicMs();
    if (nowMs < this.usageDueAtMs) return undefined;
    const usage = this.parts.usage();
    if (usage !== undefined) this.usageDueAtMs = nowMs + limit("hostUsageMs");
    return usage;
  }

  private take(part: NonNullable<ControlMessage["part"]>): void {
    switch (part.$case) {
      case "welcome":
        this.parts.onWelcome(part.value);
        return;
      case "ack":
        return;
      case "cutOver":
        this.parts.onCutOver(part.value.endpointRevision);
        return;
      case "heartbeats":
        this.parts.book.beatEvery(part.value.everyMs);
        this.heartbeats?.setInterval(part.value.everyMs);
        return;
      case "open":
        this.parts.onOpenStream(part.value);
        return;
      case "controlPlanes":
        this.parts.book.learn(part.value.addresses);
        this.parts.onControlPlanes();
        return;
      case "configsChanged":
        this.parts.onConfigsChanged(part.value);
        return;
      case "policies":
        this.parts.onPolicies(part.value);
        return;
      case "contentPlan":
        this.parts.content?.plan(part.value);
        return;
      case "contentLeave":
        this.parts.content?.leave(part.value.digest, part.value.nodeName);
        return;
      case "usageWanted":
        this.parts.onUsageWanted(part.value);
        return;
      default:
        assertNever(part);
    }
  }
}
