import { keyOf, keyText, metaOf, type ObjectKey, type Typed } from "../../kinds/object.js";
import { isControlledBy } from "../../kinds/owners.js";
import { podTrouble, unreadyText } from "../../kinds/pod-trouble.js";
import type { KindName } from "../../kinds/registry.js";
import { EXIT } from "../exit-codes.js";
import type { Query } from "../objects.js";
import { refText } from "../targets.js";
import type { Change } from "../watch.js";
import { type Readiness, readinessOf } from "./readiness.js";
import { type Wait, watchUntil } from "./until.js";

/**
 * Waits until every object is ready and tells, on standard error, whenever one has moved. Returns 0, or 8 when the time is up or one has
 * failed for good, then with the reasons that its pods give.
 */
export async function waitUntilReady(wait: Wait, written: readonly Written[]): Promise<number> {
  const { shell } = wait;
  const watched = written.filter(({ key }) => WATCHED.has(key.kind));
  if (watched.length === 0) return EXIT.ok;
  const progress = new Progress(watched);
  await watchUntil(wait, queriesFor(watched.map(({ key }) => key)), async ({ changes, isSynced }) => {
    progress.take(changes);
    if (!isSynced) return false;
    for (const line of progress.news()) await shell.stderr.write(`${line}\n`);
    return progress.isSettled();
  });
  return conclude(wait, progress);
}

async function conclude({ shell, timeoutMs }: Wait, progress: Progress): Promise<number> {
  if (progress.isReady()) return EXIT.ok;
  const isFailed = progress.isSettled();
  await shell.stderr.write(
    isFailed ? "error: not all objects became ready\n" : `error: not ready after ${(timeoutMs ?? 0) / 1_000} s\n`,
  );
  for (const line of progress.reasons()) await shell.stderr.write(`  ${line}\n`);
  return isFailed ? EXIT.failed : EXIT.timedOut;
}

const WATCHED: ReadonlySet<KindName> = new Set(["DaemonSet", "Deployment", "Job", "ReplicaSet", "StatefulSet", "Pod"]);

/** The kinds themselves, and the pods and replica sets between, for their reasons. */
export function queriesFor(keys: readonly ObjectKey[]): readonly Query[] {
  const namespaces = new Set(keys.map(({ namespace }) => namespace));
  const kinds = new Set<KindName>([...keys.map(({ kind }) => kind), "Pod", "ReplicaSet"]);
  return [...namespaces].flatMap((namespace) => [...kinds].map((kind) => ({ kind, namespace })));
}

/** An object that was written, and the revision that it had then: what is older says nothing about it. */
export interface Written {
  readonly key: ObjectKey;
  readonly revision: number;
}

/** What is known of the objects waited for and of the pods below them. */
export class Progress {
  private readonly keys: readonly ObjectKey[];
  private readonly revisions: ReadonlyMap<string, number>;
  private readonly known = new Map<string, Typed>();
  private readonly gone = new Set<string>();
  private readonly told = new Map<string, string>();

  constructor(written: readonly Written[]) {
    this.keys = written.map(({ key }) => key);
    this.revisions = new Map(written.map(({ key, revision }) => [keyText(key), revision]));
  }

  take(changes: readonly Change[]): void {
    for (const change of changes) {
      if (change.is === "put") this.known.set(keyText(keyOf(change.typed)), change.typed);
      else if (this.known.delete(keyText(change.key))) this.gone.add(keyText(change.key));
    }
  }

  isReady(): boolean {
    return this.keys.every((key) => this.stateOf(key).is === "ready");
  }

  /** Nothing is waited for any more: each object is ready or will never be. */
  isSettled(): boolean {
    return this.keys.every((key) => this.stateOf(key).is !== "waiting");
  }

  /** A line for each object whose state has changed since the last call. */
  news(): readonly string[] {
    return this.keys.flatMap((key) => {
      const line = `${refText(key.kind, key.name)} ${textOf(this.stateOf(key))}`;
      const isNew = this.told.get(keyText(key)) !== line;
      this.told.set(keyText(key), line);
      return isNew ? [line] : [];
    });
  }

  /** For each object that is not ready: why, with what its pods say; equal words are counted. */
  reasons(): readonly string[] {
    return this.keys
      .filter((key) => this.stateOf(key).is !== "ready")
      .flatMap((key) => [`${refText(key.kind, key.name)} ${textOf(this.stateOf(key))}`, ...this.podReasons(key)]);
  }

  private stateOf(key: ObjectKey): Readiness {
    const typed = this.known.get(keyText(key));
    if (typed === undefined && this.gone.has(keyText(key))) return { is: "waiting", why: "it is gone" };
    const seen = typed === undefined ? -1 : Number(metaOf(typed.object).resourceVersion);
    if (typed === undefined || seen < (this.revisions.get(keyText(key)) ?? 0))
      return { is: "waiting", why: "the change has not been seen yet" };
    return readinessOf(typed);
  }

  private podReasons(key: ObjectKey): readonly string[] {
    const counts = new Map<string, number>();
    for (const pod of this.known.values()) {
      if (pod.kind !== "Pod" || key.kind === "Pod" || !this.isBelow(pod, key)) continue;
      const trouble = podTrouble(pod.object) ?? unreadyText(pod.object);
      if (trouble !== undefined) counts.set(trouble, (counts.get(trouble) ?? 0) + 1);
    }
    return [...counts].map(([trouble, count]) => `  ${count} pod${count === 1 ? "" : "s"}: ${trouble}`);
  }

  private isBelow(typed: Typed, key: ObjectKey): boolean {
    const top = this.known.get(keyText(key));
    if (top === undefined) return false;
    if (isControlledBy(typed.object, top.object)) return true;
    return [...this.known.values()].some(
      (middle) =>
        middle.kind === "ReplicaSet" &&
        isControlledBy(middle.object, top.object) &&
        isControlledBy(typed.object, middle.object),
    );
  }
}

function textOf(state: Readiness): string {
  return state.is === "ready" ? "ready" : state.is === "failed" ? `failed: ${state.why}` : `not ready: ${state.why}`;
}
