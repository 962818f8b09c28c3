import { isDeleting } from "../../kinds/pod-state.js";
import type { Clock } from "../../lib/clock.js";
import { asTallshipError } from "../../lib/errors.js";
import { limit } from "../../lib/limits.js";
import type { Log } from "../../lib/log.js";
import type { Pod } from "../../proto/gen/tallship/v1/pod.js";
import type { NodeConditionReport } from "../../proto/gen/tallship/v1/session.js";
import type { PodNotice } from "../control-plane.js";
import type { PodFailure, PodRecord } from "../pod-record.js";
import type { PodFacts } from "../pod-turn.js";
import { isPodOver } from "../restart-policy.js";
import { pressureReports } from "./conditions.js";
import { type Judgement, judge, NO_PRESSURE, type PressureMemory, type Shortage } from "./judge.js";
import { evictionMessage, type PodShare, rank } from "./rank.js";
import { type EvictionRules, SIGNALS, type StarvedResource, type Stocks } from "./thresholds.js";

/** A pod as the node knows it. */
export interface KnownPod {
  readonly desired: Pod | undefined;
  readonly record: PodRecord;
  readonly facts: PodFacts;
}

/** The node that is watched, as far as eviction is concerned. */
export interface PressedNode {
  readonly pods: () => readonly KnownPod[];
  readonly evict: (uid: string, failure: PodFailure) => void;
  readonly notify: (notice: PodNotice) => void;
  /** Conditions of the node that are other ones now. */
  readonly onConditions: (conditions: readonly NodeConditionReport[]) => void;
}

/** What watching takes beside the node. */
export interface PressureParts {
  readonly clock: Clock;
  readonly log: Log;
  readonly rules: EvictionRules;
  /** Looks at the host. */
  readonly stocks: () => Stocks;
  /** What each of the pods has of a resource. */
  readonly sharesOf: (pods: readonly Pod[], resource: StarvedResource) => Promise<readonly PodShare[]>;
  /** Drops every image that nothing uses. */
  readonly reclaim: () => Promise<void>;
}

/** The pods that run and are to go on. */
export function activePods(known: readonly KnownPod[]): readonly Pod[] {
  return known.flatMap(({ desired, record }) =>
    desired === undefined || isDeleting(desired) || isPodOver(desired, record) ? [] : [desired],
  );
}

/** Looks at the host every limits.pressureLookMs until the signal aborts. */
export async function watchPressure(parts: PressureParts, node: PressedNode, signal: AbortSignal): Promise<void> {
  const watch = new PressureWatch(parts, node);
  while (!signal.aborted) {
    try {
      await watch.look();
    } catch (error) {
      parts.log.warn("the host's pressure could not be looked at", { error: asTallshipError(error).message });
    }
    await parts.clock.sleep(limit("pressureLookMs"), signal).catch(() => undefined);
  }
}

/**
 * Says what the node lacks, and wins it back: unused images first where that helps, then one pod after the other, each once the one before has
 * given back what it held.
 */
export class PressureWatch {
  private readonly parts: PressureParts;
  private readonly node: PressedNode;
  private memory: PressureMemory = NO_PRESSURE;
  private told: readonly NodeConditionReport[] = [];
  private reclaimedAtMs = Number.NEGATIVE_INFINITY;
  private leaving: { readonly uid: string; readonly sinceMs: number } | undefined;
  private isHelpless = false;

  constructor(parts: PressureParts, node: PressedNode) {
    this.parts = parts;
    this.node = node;
  }

  /** One look, and at most one pod. */
  async look(): Promise<void> {
    const first = this.judge().shortages[0];
    if (first === undefined) this.isHelpless = false;
    if (first === undefined || this.isSettling()) return;
    const { resource } = SIGNALS[first.threshold.signal];
    if (await this.reclaim(resource)) return;
    const shares = await this.parts.sharesOf(activePods(this.node.pods()), resource);
    // Measuring takes a while on a full disk: what has passed meanwhile costs nobody.
    const still = this.judge().shortages.find(({ threshold }) => threshold === first.threshold);
    if (still !== undefined) this.evictFirst(rank(shares, resource), still);
  }

  private judge(): Judgement {
    const { clock, rules, stocks } = this.parts;
    const look = { thresholds: rules.thresholds, stocks: stocks(), nowMs: clock.monotonicMs() };
    const judgement = judge(this.memory, look, rules.transitionMs);
    this.memory = judgement.memory;
    const reports = pressureReports(judgement.conditions, this.told);
    if (reports !== this.told && this.told.length + judgement.conditions.size > 0) this.tell(reports);
    return judgement;
  }

  private tell(reports: readonly NodeConditionReport[]): void {
    this.told = reports;
    this.node.onConditions(reports);
    for (const { type, status, message } of reports) this.parts.log.info("node pressure", { type, status, message });
  }

  /** Whether the pod that was evicted last still holds what it had. */
  private isSettling(): boolean {
    if (this.leaving === undefined) return false;
    const { uid, sinceMs } = this.leaving;
    const isThere = this.node.pods().some(({ record, facts }) => record.uid === uid && !facts.isCleared);
    const isSettling = isThere && this.parts.clock.monotonicMs() - sinceMs < limit("pressureSettleMs");
    if (!isSettling) this.leaving = undefined;
    return isSettling;
  }

  /** Drops what nobody uses, when the disk is what is full; true when the look is over for now. */
  private async reclaim(resource: StarvedResource): Promise<boolean> {
    if (resource !== "ephemeral-storage" && resource !== "inodes") return false;
    const nowMs = this.parts.clock.monotonicMs();
    if (nowMs - this.reclaimedAtMs < limit("pressureReclaimEveryMs")) return false;
    this.reclaimedAtMs = nowMs;
    await this.parts.reclaim();
    return this.judge().shortages.length === 0;
  }

  private evictFirst(ranked: readonly PodShare[], shortage: Shortage): void {
    const [first] = ranked;
    const { signal } = shortage.threshold;
    if (first === undefined) {
      if (!this.isHelpless) this.parts.log.warn("the node lacks something, and no pod can be evicted", { signal });
      this.isHelpless = true;
      return;
    }
    this.leaving = { uid: first.uid, sinceMs: this.parts.clock.monotonicMs() };
    const message = evictionMessage(first, shortage);
    const { graceMs } = shortage.threshold;
    const ownMs = (first.pod.spec?.terminationGracePeriodSeconds ?? 30) * 1000;
    const mostMs = graceMs > 0 ? this.parts.rules.maxPodGraceMs : limit("evictionGraceMs");
    this.node.evict(first.uid, {
      ...{ reason: "Evicted", message, isDisruption: true },
      graceMs: Math.min(ownMs, mostMs),
    });
    this.node.notify({ pod: first.pod, container: "", type: "Warning", reason: "Evicted", message });
    const { namespace, name } = first.pod.metadata ?? { namespace: "", name: "" };
    this.parts.log.warn("pod evicted", { namespace, pod: name, signal, used: first.used });
  }
}
