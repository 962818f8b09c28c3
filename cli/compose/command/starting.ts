import { jobEnd } from "../../../kinds/job-state.js";
import { keyOf, keyText, metaOf, type ObjectKey, type Typed } from "../../../kinds/object.js";
import { isPodFinished } from "../../../kinds/pod-state.js";
import { startWaits, startWaitText } from "../../../kinds/start-after.js";
import type { Pod } from "../../../proto/gen/tallship/v1/pod.js";
import { startsOf } from "../../containers/power.js";
import { healthOf, statusOf } from "../../containers/state.js";
import { startedState } from "../../run/started.js";
import { readinessOf } from "../../wait/readiness.js";
import type { Written } from "../../wait/ready.js";
import type { Change } from "../../watch.js";
import { dnsName } from "../translate/names.js";
import { currentPods } from "./current-pods.js";
import { isWorkload, serviceOf } from "./live.js";

/** Why a service does not start. */
export interface StartFailure {
  /** In DNS' form, which is the name of its container. */
  readonly service: string;
  readonly why: string;
  /** It is the image that cannot be had. */
  readonly isImage: boolean;
}

/** What an `up` has written, and what says nothing of its start. */
export interface BroughtUp {
  readonly written: readonly Written[];
  /** Uids of pods that could not start before: they go, or are waited for no more. */
  readonly stuck: ReadonlySet<string>;
  /** Of pods that were switched on again, by uid: the starts that their containers had before, which do not count. */
  readonly before: ReadonlyMap<string, readonly string[]>;
}

/** How far the start of a container is. `held`: it waits for room in the cluster, which may come whenever it will. */
type Start =
  | { readonly is: "started" }
  | { readonly is: "waiting"; readonly what: string }
  | { readonly is: "held"; readonly why: string }
  | { readonly is: "failed"; readonly why: string; readonly isImage: boolean };

/**
 * What is known of the start of a project's services after an `up`: which have started, what the others wait for, and what will not start.
 * Docker's `up -d` returns when containers have started, whatever they do then; so what has run and ended counts as started.
 */
export class Starting {
  private readonly brought: BroughtUp;
  private readonly known = new Map<string, Typed>();
  private readonly told = new Map<string, string>();

  constructor(brought: BroughtUp) {
    this.brought = brought;
  }

  /** What is there comes anew. */
  begin(): void {
    this.known.clear();
  }

  take(changes: readonly Change[]): void {
    for (const change of changes) {
      if (change.is === "put") this.known.set(keyText(keyOf(change.typed)), change.typed);
      else this.known.delete(keyText(change.key));
    }
  }

  /** True once all services have started or wait for room, or one of them will not start. */
  isSettled(): boolean {
    return this.failures().length > 0 || this.brought.written.every((each) => this.hasSettled(each));
  }

  /** What will not start, each reason once. */
  failures(): readonly StartFailure[] {
    const found = this.workloads().flatMap((typed) => [
      ...this.podsOf(typed).flatMap((pod) => [...failuresIn(pod), ...this.brokenWaits(pod)]),
      ...failureOf(typed),
    ]);
    return [...new Map(found.map((failure) => [failure.why, failure])).values()];
  }

  /** Lines on what has moved since the last call, in docker's manner: what, its name, what became of it. */
  news(): readonly string[] {
    const lines = this.workloads().flatMap((typed) =>
      this.podsOf(typed).flatMap((pod) => linesOf(pod, this.startsIn(pod))),
    );
    return lines.flatMap(({ about, what, step = what }) => {
      const isNew = this.told.get(about) !== step;
      this.told.set(about, step);
      return isNew ? [` ${about}  ${what}`] : [];
    });
  }

  /** What services that have not started wait for, a line each. */
  waits(): readonly string[] {
    return this.brought.written
      .filter((each) => !this.hasSettled(each))
      .map(({ key }) => {
        const typed = this.known.get(keyText(key));
        const starts = typed === undefined ? [] : this.podsOf(typed).flatMap((pod) => this.startsIn(pod));
        const what = starts.flatMap((start) => (start.is === "waiting" && start.what !== "" ? [start.what] : []));
        return `${key.kind} ${key.name}: ${what[0] ?? "its containers have not started"}`;
      });
  }

  private workloads(): readonly Typed[] {
    return this.brought.written.flatMap(({ key }) => this.known.get(keyText(key)) ?? []);
  }

  private hasSettled({ key, revision }: { readonly key: ObjectKey; readonly revision: number }): boolean {
    const typed = this.known.get(keyText(key));
    if (typed === undefined || Number(metaOf(typed.object).resourceVersion) < revision) return false;
    const pods = this.podsOf(typed);
    const isAwaited = pods.some((pod) => this.brought.before.has(metaOf(pod).uid));
    if (!isAwaited && readinessOf(typed).is !== "waiting") return true;
    return (
      hasItsPods(typed, pods.length) && pods.every((pod) => this.startsIn(pod).every(({ is }) => is !== "waiting"))
    );
  }

  private startsIn(pod: Pod): readonly Start[] {
    const before = this.brought.before.get(metaOf(pod).uid);
    if (before !== undefined && !startsOf(pod).some((start) => !before.includes(start)))
      return [{ is: "waiting", what: "" }];
    return startsInPod(pod);
  }

  private podsOf(typed: Typed): readonly Pod[] {
    const { stuck } = this.brought;
    return currentPods(typed, [...this.known.values()]).filter((pod) => !stuck.has(metaOf(pod).uid));
  }

  /** Dependencies that will never be there. */
  private brokenWaits(pod: Pod): readonly StartFailure[] {
    return startWaits(pod)
      .filter(({ isOptional }) => !isOptional)
      .flatMap(({ name, condition }) => {
        const why = condition === "completed" ? this.failedTask(name) : this.unhealthy(name);
        return why === undefined
          ? []
          : [{ service: serviceOf(pod), why: `dependency failed to start: ${why}`, isImage: false }];
      });
  }

  private failedTask(name: string): string | undefined {
    const job = this.workloads().find(({ kind, object }) => kind === "Job" && metaOf(object).name === name);
    const end = job?.kind === "Job" ? jobEnd(job.object) : undefined;
    return end?.type === "Failed" ? `service ${name} did not complete successfully: ${end.message}` : undefined;
  }

  private unhealthy(name: string): string | undefined {
    const typed = this.workloads().find(({ object }) => metaOf(object).name === name);
    const pods = typed === undefined ? [] : this.podsOf(typed);
    const sick = pods.find((pod) => healthOf(pod, dnsName(name)) === "unhealthy");
    return sick === undefined ? undefined : `container ${metaOf(sick).name} is unhealthy`;
  }
}

/** Whether the pods of what was written are there: of a roll-out under way, which may take its time, at least one. */
function hasItsPods(typed: Typed, count: number): boolean {
  if (!isWorkload(typed)) return true;
  if (typed.kind === "Job") return count > 0;
  const { observedGeneration = 0 } = typed.object.status ?? {};
  if (observedGeneration < metaOf(typed.object).generation) return false;
  if (typed.kind === "DaemonSet") {
    const { updatedNumberScheduled = 0, desiredNumberScheduled = 0 } = typed.object.status ?? {};
    return count >= updatedNumberScheduled && (updatedNumberScheduled > 0 || desiredNumberScheduled === 0);
  }
  const { updatedReplicas = 0, replicas = 0 } = typed.object.status ?? {};
  const isRolling = updatedReplicas > 0 && replicas > updatedReplicas;
  return count >= updatedReplicas && (isRolling || updatedReplicas >= (typed.object.spec?.replicas ?? 1));
}

/** A task that has failed has run: what it ended with is told by `ps`. */
function failureOf(typed: Typed): readonly StartFailure[] {
  const state = readinessOf(typed);
  if (state.is !== "failed" || typed.kind === "Job") return [];
  return [{ service: serviceOf(typed.object), why: state.why, isImage: false }];
}

function startsInPod(pod: Pod): readonly Start[] {
  return (pod.spec?.containers ?? []).map(({ name }) => startOf(pod, name));
}

function startOf(pod: Pod, container: string): Start {
  if (isPodFinished(pod)) return { is: "started" };
  const state = startedState(pod, container);
  const { reason = "", message = "" } = statusOf(pod, container)?.state?.waiting ?? {};
  switch (state.is) {
    case "started":
      return state;
    case "failed":
      return { is: "failed", why: state.why, isImage: reason.includes("Image") };
    case "waiting":
      return state.why === "" ? { is: "waiting", what: waitingText(pod, message) } : { is: "held", why: state.why };
  }
}

function waitingText(pod: Pod, message: string): string {
  return startWaitText(startWaits(pod)) || message;
}

/** Where all containers of a pod say the same, it is that one's failure whose image is named. */
function failuresIn(pod: Pod): readonly StartFailure[] {
  const found = (pod.spec?.containers ?? []).flatMap(({ name: service, image }) => {
    const start = startOf(pod, service);
    return start.is === "failed" ? [{ service, why: start.why, isImage: start.isImage, image }] : [];
  });
  const named = found.filter(({ why, image }) => why.includes(image));
  return (named.length > 0 ? named : found).map(({ service, why, isImage }) => ({ service, why, isImage }));
}

interface Line {
  /** What moved. */
  readonly about: string;
  readonly what: string;
  /** Only another step is worth a line; what it says, when absent. */
  readonly step?: string;
}

function linesOf(pod: Pod, starts: readonly Start[]): readonly Line[] {
  const about = `Pod ${metaOf(pod).name}`;
  const held = starts.find((start) => start.is === "held");
  if (held?.is === "held") return [{ about, what: `Waiting: ${held.why}` }];
  if (starts.every(({ is }) => is === "started")) return [{ about, what: "Started" }];
  if (starts.some(({ is }) => is === "failed")) return [{ about, what: "Error" }];
  return starts.flatMap((start): readonly Line[] => {
    if (start.is !== "waiting" || start.what === "") return [];
    const [, image, percent, amount] = /^pulling (\S+): (\d+)%, ([^,]+)/.exec(start.what) ?? [];
    if (image === undefined) return [{ about, what: `Waiting: ${start.what.replace(/^waiting for /, "")}` }];
    const step = `pulling ${Math.floor(Number(percent) / TENTH)}`;
    return [{ about: `Image ${image}`, what: `Pulling ${percent}%, ${amount}`, step }];
  });
}

/** A line for each tenth of an image. */
const TENTH = 10;
