import { asTallshipError } from "../../lib/errors.js";
import { limit } from "../../lib/limits.js";
import { WorkQueue } from "../../lib/work-queue.js";
import { refusalText } from "../../scheduler/refusals.js";
import { explainShape } from "../../scheduler/schedule.js";
import type { Shape } from "../../scheduler/shape.js";
import type { ObjectWrite } from "../controllers/controller.js";
import { Turns } from "../turns.js";
import type { WaitingPod } from "./backlog.js";
import { placeOf } from "./pod-place.js";
import { refusalWrite } from "./pod-writes.js";
import type { SchedulerState } from "./scheduler-state.js";
import type { SchedulingDeps } from "./scheduling-deps.js";

interface Telling {
  readonly pod: WaitingPod;
  readonly write: ObjectWrite;
  readonly message: string;
}

/**
 * Tells users why pods have no node: the condition PodScheduled and an event. At once when a pod was refused; when the reasons change, at
 * most every limits.refusalRefreshMs per pod; never when they are the same. One transaction at a time: binds go first.
 */
export class RefusalTeller {
  private readonly deps: SchedulingDeps;
  private readonly state: SchedulerState;
  private readonly signal: AbortSignal;
  private readonly queue: WorkQueue;
  private readonly turns: Turns;
  private readonly texts = new Map<Shape, { readonly text: string; readonly atMs: number }>();
  private batch: Telling[] = [];
  private isWriting = false;
  private isRestateDue = false;

  constructor(deps: SchedulingDeps, state: SchedulerState, signal: AbortSignal) {
    this.deps = deps;
    this.state = state;
    this.signal = signal;
    this.turns = new Turns(deps.clock, signal, { step: () => this.step() });
    this.queue = new WorkQueue({
      clock: deps.clock,
      rng: deps.rng,
      capacity: limit("controllerQueueKeys"),
      retry: { firstMs: limit("controllerRetryFirstMs"), maxMs: limit("controllerRetryMaxMs") },
      spacing: { firstMs: limit("refusalRefreshMs"), maxMs: limit("refusalRefreshMs") },
      onReady: () => this.turns.wake(),
    });
    signal.addEventListener("abort", () => this.queue.close(), { once: true });
  }

  /** These pods were just refused. */
  refused(pods: readonly WaitingPod[]): void {
    for (const { id } of pods) this.queue.add(id);
  }

  /** Nodes changed: what was told may be out of date. */
  restate(): void {
    if (this.isRestateDue || this.state.backlog.refused === 0) return;
    this.isRestateDue = true;
    this.deps.clock.after(limit("refusalRefreshMs"), () => {
      this.isRestateDue = false;
      if (!this.signal.aborted) this.refused(this.state.backlog.refusedPods());
    });
  }

  private step(): boolean {
    if (this.isWriting) return false;
    const id = this.batch.length < limit("transactionObjects") ? this.queue.take() : undefined;
    if (id !== undefined) {
      const telling = this.tellingOf(id);
      if (telling === undefined) this.queue.done(id);
      else this.batch.push(telling);
      return true;
    }
    if (this.batch.length > 0) void this.write(this.batch.splice(0));
    return false;
  }

  private tellingOf(id: string): Telling | undefined {
    const pod = this.state.backlog.get(id);
    if (pod === undefined || !this.state.backlog.isRefused(id)) return undefined;
    const cached = this.deps.cache.view.cached("Pod", pod.key.namespace, pod.key.name);
    if (cached?.object.metadata?.uid !== id || placeOf(cached.object).is !== "waiting") return undefined;
    const message = this.textOf(pod.shape);
    const write = refusalWrite(cached, message, this.deps.clock.nowMs());
    return write && { pod, write, message };
  }

  /** Equal pods share one look at the nodes, as long as it is fresh. */
  private textOf(shape: Shape): string {
    const nowMs = this.deps.clock.monotonicMs();
    const known = this.texts.get(shape);
    if (known !== undefined && nowMs - known.atMs < limit("heartbeatMs")) return known.text;
    if (this.texts.size >= limit("schedulerMasks")) this.texts.clear();
    const text = refusalText(explainShape(this.state.snapshot, shape));
    this.texts.set(shape, { text, atMs: nowMs });
    return text;
  }

  /** Never rejects. */
  private async write(batch: readonly Telling[]): Promise<void> {
    this.isWriting = true;
    try {
      const written = await this.deps.planner.write(batch.map(({ write }) => write));
      if (written.is === "deposed") this.deps.onDeposed();
      for (const { pod, message } of batch) {
        if (written.is !== "written") this.queue.retry(pod.id);
        else {
          this.queue.done(pod.id);
          this.deps.events.record({ about: pod.key, type: "Warning", reason: "FailedScheduling", message }, source);
        }
      }
    } catch (error) {
      for (const { pod } of batch) this.queue.retry(pod.id);
      const { code } = asTallshipError(error);
      if (!this.signal.aborted) this.deps.log.warn("refusals were not written", { count: batch.length, code, error });
    } finally {
      this.isWriting = false;
      this.turns.wake();
    }
  }
}

const source = { component: "default-scheduler", host: "" };
