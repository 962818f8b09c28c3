import { configUses } from "../kinds/config-uses.js";
import { isDeleting } from "../kinds/pod-state.js";
import type { Clock } from "../lib/clock.js";
import { asTallshipError, type TallshipError } from "../lib/errors.js";
import { limit } from "../lib/limits.js";
import type { Log } from "../lib/log.js";
import type { Rng } from "../lib/rng.js";
import { Slots } from "../lib/slots.js";
import { WorkQueue } from "../lib/work-queue.js";
import type { Pod } from "../proto/gen/tallship/v1/pod.js";
import type { Action } from "./actions.js";
import type { NodeTraits } from "./assemble.js";
import type { Checkpoint, SavedPod } from "./checkpoint/checkpoint.js";
import { saveState } from "./checkpoint/save-state.js";
import type { Check, PerformCheck } from "./checks/check.js";
import { CheckRunner } from "./checks/check-runner.js";
import { noteVerdict } from "./checks/note-verdict.js";
import type { ControlPlane } from "./control-plane.js";
import { type Effect, type ExecuteContext, type Executors, runAction } from "./execute.js";
import type { PullProgress } from "./image/images.js";
import { withLastWords } from "./last-words.js";
import type { ContainerLogs } from "./logs/container-logs.js";
import { asOfBoot } from "./note-containers.js";
import { noteFailure } from "./note-failure.js";
import { noticeOfAction, noticeOfCheck, noticeOfFailure } from "./notices.js";
import { plan } from "./plan.js";
import { newRecord, type PodFailure, type PodRecord } from "./pod-record.js";
import { NO_FACTS, type PodFacts, type PodTurn, type Withdrawal, withConfigChange } from "./pod-turn.js";
import { noteResize } from "./resize/note-resize.js";
import { isPodOver } from "./restart-policy.js";
import type { ContainerKey, Runtime } from "./runtime/runtime.js";
import { Slice, type SliceParts } from "./slice.js";
import { earlier } from "./step.js";
import { areFilesStale } from "./volume/projection.js";

/** What the loop needs. */
export interface PodLoopOptions {
  readonly clock: Clock;
  readonly rng: Rng;
  readonly log: Log;
  /** The host's boot. */
  readonly bootID: string;
  readonly runtime: Runtime;
  readonly executors: Executors;
  readonly perform: PerformCheck;
  readonly logs: ContainerLogs;
  readonly checkpoint: Checkpoint;
  readonly controlPlane: ControlPlane;
  readonly allocatable: NodeTraits["allocatable"];
  /** Why the node does not begin with a pod that it sees for the first time, if so; told to the user by whoever says it. */
  readonly refusal: (pod: Pod) => PodFailure | undefined;
  /** Whether services still send traffic to a pod. */
  readonly withdrawal: (uid: string) => Withdrawal;
  /** Endpoint revision that every Ready node reflects. */
  readonly cutOverRevision: () => number;
  /** Called in every turn with what is known now; returns after how many milliseconds to look again. */
  readonly onTurn: (turn: PodTurn) => number | undefined;
  /** Called after every action, with its failure if it failed. */
  readonly onAction: (action: Action, error: TallshipError | undefined) => void;
  /** Called when nothing of the pod is left. */
  readonly onForgotten: (uid: string) => void;
  readonly nextTurn?: SliceParts["nextTurn"];
}

interface PodState {
  desired: Pod | undefined;
  record: PodRecord;
  facts: PodFacts;
  /** Ends what is under way for the pod, when it is no longer wanted. */
  abort: AbortController;
  isSaved: boolean;
  /** The turn that is under way, and when a pull in it was last told of. */
  turn: PodTurn | undefined;
  toldAtMs: number;
}

type KnownState = Readonly<Pick<PodState, "desired" | "record" | "facts">>;

const UNTOLD: Pick<PodState, "turn" | "toldAtMs"> = { turn: undefined, toldAtMs: 0 };

const newState = (known: Pick<PodState, "desired" | "record" | "facts" | "isSaved">): PodState => ({
  ...known,
  ...{ abort: new AbortController(), ...UNTOLD },
});

/**
 * Keeps the machine's containers as the desired pods say. Level-triggered: everything that happens only marks a pod; one turn lists what
 * is there, plans and carries out, and a failure is left to the next turn. At most one turn per pod and limits.agentWorkers actions go on
 * at a time; waiting for an image takes no worker.
 */
export class PodLoop {
  private readonly options: PodLoopOptions;
  private readonly pods = new Map<string, PodState>();
  private readonly queue: WorkQueue;
  private readonly slots = new Slots(limit("agentWorkers"));
  private readonly slice: Slice;
  private readonly checks: CheckRunner;
  private isConfirmedSet = false;
  private isStopped = false;
  private turnCount = 0;
  private wakeIdle: (() => void) | undefined;

  constructor(options: PodLoopOptions) {
    this.options = options;
    const retry = { firstMs: limit("agentRetryFirstMs"), maxMs: limit("agentRetryMaxMs") };
    const { clock, rng } = options;
    this.slice = new Slice({ clock, sliceMs: limit("agentSliceMs"), nextTurn: options.nextTurn });
    this.queue = new WorkQueue({
      clock,
      rng,
      ...{ retry, capacity: limit("agentQueueKeys") },
      spacing: { firstMs: 0, maxMs: 0 },
      onReady: () => this.takeReady(),
    });
    this.checks = new CheckRunner({
      clock,
      rng,
      perform: options.perform,
      onVerdict: (uid, check, isPassed) => this.judge(uid, check, isPassed),
      onFailure: (uid, check, message) => this.complain(uid, check, message),
    });
    options.runtime.onChange((uid) => this.mark(uid));
  }

  /**
   * Takes up pods of the checkpoint, and those that left any trace on the machine. Until the control plane is heard, pods that nobody wants
   * are left alone; then they go, to the last trace.
   */
  adopt(saved: readonly SavedPod[], traces: readonly string[]): void {
    for (const one of saved) this.restore(one);
    for (const uid of traces) if (!this.pods.has(uid)) this.admit({ uid, namespace: "", name: "" }, undefined);
    for (const uid of this.pods.keys()) this.mark(uid);
  }

  /** The whole set of pods bound to this node, from the control plane: what is not in it is to go. */
  replaceDesired(pods: readonly Pod[]): void {
    this.isConfirmedSet = true;
    const wanted = new Set(pods.map((pod) => pod.metadata?.uid ?? ""));
    for (const pod of pods) this.setDesired(pod);
    for (const uid of [...this.pods.keys()]) if (!wanted.has(uid)) this.dropDesired(uid);
  }

  /** A pod bound to this node, as it is now. */
  setDesired(pod: Pod): void {
    const { uid, namespace, name } = pod.metadata ?? { uid: "", namespace: "", name: "" };
    const state = this.pods.get(uid) ?? this.admit({ uid, namespace, name }, pod);
    const wasWanted = state.desired !== undefined && !isDeleting(state.desired);
    if (state.desired !== undefined && areFilesStale(state.desired, pod)) state.facts = withConfigChange(state.facts);
    state.desired = pod;
    state.isSaved = false;
    if (state.record.name === "") state.record = { ...state.record, namespace, name };
    if (wasWanted && isDeleting(pod)) this.interrupt(state);
    this.mark(uid);
  }

  /** A pod that is no longer bound to this node, or whose object is gone. */
  dropDesired(uid: string): void {
    const state = this.pods.get(uid);
    if (state === undefined) return;
    state.desired = undefined;
    state.isSaved = false;
    this.interrupt(state);
    this.mark(uid);
  }

  /** Ends a pod for good; it is remembered like its exits. Nothing when it is over already. */
  evict(uid: string, failure: PodFailure): void {
    const state = this.pods.get(uid);
    if (state?.desired === undefined || isPodOver(state.desired, state.record)) return;
    this.interrupt(state);
    this.apply(state, { record: (record) => ({ ...record, failure }) });
    this.mark(uid);
  }

  /** Asks for a turn of the pod; many before it begins are one. */
  mark(uid: string): void {
    if (this.pods.has(uid)) this.queue.add(uid);
  }

  /** ConfigMaps or Secrets have changed, or with undefined may have: pods that use them get a turn. Named by Kind/namespace/name. */
  configsChanged(changed: ReadonlySet<string> | undefined): void {
    for (const [uid, state] of this.pods) {
      const { namespace } = state.record;
      const uses = configUses(state.desired?.spec);
      const isConcerned = uses.some(({ kind, name }) => changed?.has(`${kind}/${namespace}/${name}`) ?? true);
      if (!isConcerned) continue;
      state.facts = withConfigChange(state.facts);
      this.mark(uid);
    }
  }

  /** Asks for a turn of every pod that is being stopped; the cut-over may have come. */
  markStopping(): void {
    for (const [uid, { record }] of this.pods) if (record.stop !== undefined) this.mark(uid);
  }

  /** The runs that are known to run. */
  running(): readonly ContainerKey[] {
    return [...this.pods.values()].flatMap(({ record }) =>
      Object.entries(record.containers).flatMap(([container, { attempt, startedAtMs }]) =>
        startedAtMs === undefined ? [] : [{ podUid: record.uid, container, attempt }],
      ),
    );
  }

  /** The pods known now. */
  list(): readonly KnownState[] {
    return [...this.pods.values()];
  }

  /** How far the image of a container is; told now and then while its turn waits for it. */
  pulling(uid: string, container: string, progress: PullProgress): void {
    const state = this.pods.get(uid);
    const nowMs = this.options.clock.nowMs();
    if (state?.turn === undefined || nowMs - state.toldAtMs < limit("pullToldEveryMs")) return;
    state.toldAtMs = nowMs;
    state.facts = { ...state.facts, pulling: new Map(state.facts.pulling).set(container, progress) };
    this.options.onTurn({ ...state.turn, desired: state.desired, record: state.record, facts: state.facts, nowMs });
  }

  /** What is known of a pod. */
  get(uid: string): KnownState | undefined {
    return this.pods.get(uid);
  }

  /** No further turns; resolves when those under way have ended. Containers go on. */
  async stop(): Promise<void> {
    this.isStopped = true;
    this.queue.close();
    this.checks.close();
    for (const state of this.pods.values()) state.abort.abort();
    while (this.turnCount > 0) await new Promise<void>((resolve) => (this.wakeIdle = resolve));
  }

  private admit(names: { uid: string; namespace: string; name: string }, desired: Pod | undefined): PodState {
    const { clock, bootID, refusal } = this.options;
    const record = { ...newRecord(names, clock.nowMs(), bootID), failure: desired && refusal(desired) };
    const state = newState({ desired, record, facts: NO_FACTS, isSaved: false });
    this.pods.set(names.uid, state);
    return state;
  }

  private restore({ record: saved, pod: desired, configs }: SavedPod): void {
    const facts = { ...NO_FACTS, configs };
    const record = asOfBoot(saved, desired, this.options.bootID);
    this.pods.set(record.uid, newState({ desired, record, facts, isSaved: record === saved }));
  }

  private interrupt(state: PodState): void {
    state.abort.abort();
    state.abort = new AbortController();
  }

  private takeReady(): void {
    for (let uid = this.queue.take(); uid !== undefined; uid = this.queue.take()) {
      this.turnCount += 1;
      const taken = uid;
      const turn = this.slice.begin().then(() => this.turn(taken));
      void turn.then(
        (again) => this.ended(taken, again),
        (error: unknown) => this.failed(taken, error),
      );
    }
  }

  private ended(uid: string, againMs: number | undefined): void {
    this.turnCount -= 1;
    this.queue.done(uid);
    if (againMs !== undefined) this.queue.addAfter(uid, againMs);
    if (this.turnCount === 0) this.wakeIdle?.();
  }

  private failed(uid: string, error: unknown): void {
    this.turnCount -= 1;
    const delayMs = this.queue.retry(uid);
    if (!this.isStopped)
      this.options.log.warn("pod turn failed", { uid, delayMs, error: asTallshipError(error).message });
    if (this.turnCount === 0) this.wakeIdle?.();
  }

  /** One look at a pod; returns when to look again. */
  private async turn(uid: string): Promise<number | undefined> {
    const state = this.pods.get(uid);
    if (state === undefined) return undefined;
    const listed = await this.options.runtime.list(uid);
    const { desired: pod, record: known } = state;
    const turn = this.turnOf(state, withLastWords(listed, { pod, record: known, logs: this.options.logs }));
    const { record, actions, againMs, checks } = plan(turn);
    if (!this.isStopped) this.checks.set(uid, checks);
    this.apply(state, { record: () => record });
    const reportAgainMs = this.options.onTurn({ ...turn, record });
    await saveState(state, this.options.checkpoint, actions);
    if (actions.length === 0 || this.isStopped) return earlier(againMs, reportAgainMs);
    state.turn = { ...turn, record };
    await this.carryOut(state, state.turn, actions).finally(() => Object.assign(state, UNTOLD));
    return 0;
  }

  private turnOf(state: PodState, containers: PodTurn["containers"]): PodTurn {
    const { desired, facts } = state;
    const nowMs = this.options.clock.nowMs();
    const others = (): PodState[] => [...this.pods.values()].filter((one) => one !== state);
    const record = noteResize(state.record, desired, { allocatable: this.options.allocatable, others, nowMs });
    return {
      desired,
      isConfirmedSet: this.isConfirmedSet,
      containers,
      record,
      facts,
      withdrawal: this.options.withdrawal(record.uid),
      cutOverRevision: this.options.cutOverRevision(),
      nowMs,
    };
  }

  /** What a probe or hook has come to is remembered at once; what follows from it is the next turn's concern. */
  private judge(uid: string, check: Check, isPassed: boolean): void {
    const state = this.pods.get(uid);
    if (state?.desired === undefined) return;
    const nowMs = this.options.clock.nowMs();
    const record = noteVerdict(state.record, state.desired, { check, isPassed, nowMs });
    if (record === state.record) return;
    this.apply(state, { record: () => record });
    this.mark(uid);
  }

  private complain(uid: string, check: Check, message: string): void {
    const pod = this.pods.get(uid)?.desired;
    if (pod !== undefined) this.options.controlPlane.notify(noticeOfCheck(check, pod, message));
  }

  private async carryOut(state: PodState, turn: PodTurn, actions: readonly Action[]): Promise<void> {
    const signal = state.abort.signal;
    const context = { turn, signal, nowMs: () => this.options.clock.nowMs() };
    const failures = await Promise.all(actions.map((action) => this.act(state, action, context)));
    const failure = failures.find((error) => error !== undefined);
    if (failure !== undefined) throw failure;
  }

  /** Carries out one action; returns a failure that the user is not told of, so that the queue backs off. */
  private async act(state: PodState, action: Action, context: ExecuteContext): Promise<TallshipError | undefined> {
    try {
      const effect = await this.inSlot(action, context.signal, async () => {
        await this.slice.begin();
        return runAction(this.options.executors, action, context);
      });
      this.apply(state, effect);
      this.options.onAction(action, undefined);
      const notice = noticeOfAction(action, context.turn);
      if (notice !== undefined) this.options.controlPlane.notify(notice);
      if (action.do === "forget") await this.forget(state);
      return undefined;
    } catch (thrown) {
      if (context.signal.aborted) return undefined;
      return this.fail(state, action, { error: asTallshipError(thrown), turn: context.turn });
    }
  }

  private inSlot(action: Action, signal: AbortSignal, work: () => Promise<Effect>): Promise<Effect> {
    const isWaiting = action.do === "prepare" && (action.hook === "image" || action.hook === "policy");
    return isWaiting ? work() : this.slots.run(signal, work);
  }

  private apply(state: PodState, { facts, record }: Effect): void {
    if (facts !== undefined) state.facts = facts(state.facts);
    const after = record?.(state.record) ?? state.record;
    if (after === state.record) return;
    state.record = after;
    state.isSaved = false;
  }

  private fail(
    state: PodState,
    action: Action,
    { error, turn }: { readonly error: TallshipError; readonly turn: PodTurn },
  ): TallshipError | undefined {
    const { clock, rng, controlPlane, log } = this.options;
    const { namespace, name } = state.record;
    log.warn("pod action failed", { namespace, pod: name, action: action.do, code: error.code, error: error.message });
    const notice = noticeOfFailure(action, turn, error);
    if (notice !== undefined) controlPlane.notify(notice);
    this.options.onAction(action, error);
    const noted = noteFailure(state.record, action, { error, nowMs: clock.nowMs(), rng });
    if (noted === undefined) return error;
    state.record = noted;
    state.isSaved = false;
    return undefined;
  }

  private async forget(state: PodState): Promise<void> {
    await this.options.checkpoint.remove(state.record.uid);
    if (state.desired !== undefined) return;
    this.pods.delete(state.record.uid);
    this.checks.set(state.record.uid, []);
    this.options.onForgotten(state.record.uid);
  }
}
