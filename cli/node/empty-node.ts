import { deletionHold } from "../../kinds/deletion-hold.js";
import { keyOf, keyText, metaOf } from "../../kinds/object.js";
import { asTallshipError, hasCode, TallshipError } from "../../lib/errors.js";
import { DeleteRequest, EvictRequest } from "../../proto/gen/tallship/v1/api.js";
import type { Pod } from "../../proto/gen/tallship/v1/pod.js";
import { eachInOrder, nameOf } from "../objects.js";
import { refText } from "../targets.js";
import { toldAlready } from "../verb.js";
import { watchUntil } from "../wait/until.js";
import type { Change } from "../watch.js";
import { podText } from "./drain-plan.js";
import type { DrainRun } from "./drain-run.js";

/** Evictions under way at a time. */
const IN_FLIGHT = 16;
/** A pod that a budget protects is asked for again this often, as kubectl does. */
const RETRY_MS = 5_000;
/** Pods that are named when the time is up. */
const MOST_NAMED = 10;

/**
 * Evicts the pods and waits until they are gone, telling each. A pod that its budget protects is asked for again, and what blocks it is told
 * when it changes. Throws deadline_exceeded that names what is left when the time is up.
 */
export async function emptyNode(run: DrainRun, nodeName: string, pods: readonly Pod[]): Promise<void> {
  const { shell, changes, flags } = run;
  const leaving = new Leaving(pods);
  const { timeout = 0 } = flags;
  const untilMs = timeout > 0 ? shell.clock.monotonicMs() + timeout : Number.POSITIVE_INFINITY;
  const query = { kind: "Pod" as const, namespace: undefined, fields: `spec.nodeName=${nodeName}` };
  while (!leaving.isOver) {
    await ask(run, leaving);
    if (changes.run.dryRun !== undefined) return;
    leaving.lookAnew();
    const leftMs = untilMs - shell.clock.monotonicMs();
    const waitMs = Math.min(leftMs, leaving.waiting().length > 0 ? RETRY_MS : Number.POSITIVE_INFINITY);
    const wait = { shell, cluster: changes.cluster, timeoutMs: Number.isFinite(waitMs) ? waitMs : undefined };
    const isOver = await watchUntil(wait, [query], async (news) => {
      leaving.take(news.changes);
      for (const pod of news.isSynced ? leaving.gone() : [])
        await shell.stdout.write(`${refText("Pod", metaOf(pod).name)} evicted\n`);
      return leaving.isOver;
    });
    if (!isOver && shell.clock.monotonicMs() >= untilMs) throw timedOut(nodeName, timeout, leaving);
  }
}

function timedOut(nodeName: string, timeoutMs: number, leaving: Leaving): TallshipError {
  const left = leaving.left();
  const lines = left.slice(0, MOST_NAMED).map(({ pod, why }) => `\n  ${podText(pod)}: ${why}`);
  const more = left.length > MOST_NAMED ? `\n  and ${left.length - MOST_NAMED} more` : "";
  const pods = left.length === 1 ? "1 pod is" : `${left.length} pods are`;
  const message = `node "${nodeName}" is not drained after ${timeoutMs / 1_000} s, ${pods} left:${lines.join("")}${more}`;
  return new TallshipError("deadline_exceeded", message);
}

/** Asks for every pod that was not accepted yet. What no budget explains is a failure, told once all were asked. */
async function ask(run: DrainRun, leaving: Leaving): Promise<void> {
  const { shell, changes } = run;
  const { dryRun } = changes.run;
  const note = dryRun === undefined ? "" : ` (${dryRun} dry run)`;
  const failures = await eachInOrder(leaving.waiting(), {
    width: IN_FLIGHT,
    work: async (pod) => ({ pod, why: await evict(run, pod) }),
    take: async ({ pod, why }) => {
      if (leaving.settle(pod, why)) await shell.stdout.write(`evicting pod ${podText(pod)}${note}\n`);
      if (why !== undefined && leaving.isNews(pod, why))
        await shell.stderr.write(`pod ${podText(pod)} cannot go yet: ${why}\n`);
    },
  });
  for (const failure of failures) await shell.stderr.write(`error: ${failure.message}\n`);
  const [first] = failures;
  if (first !== undefined) throw toldAlready(first.code);
}

/** Returns why the pod may not go yet; undefined once it goes. */
async function evict({ shell, changes, flags }: DrainRun, pod: Pod): Promise<string | undefined> {
  const { cluster, run } = changes;
  const { namespace, name, uid } = metaOf(pod);
  if (run.dryRun === "client") return undefined;
  const { gracePeriod = -1 } = flags;
  const how = { uid, gracePeriodSeconds: gracePeriod < 0 ? undefined : gracePeriod, dryRun: run.dryRun === "server" };
  const { signal } = shell;
  try {
    if (flags.disableEviction)
      await cluster.objects.delete(DeleteRequest.fromPartial({ name: nameOf(keyOfPod(pod)), ...how }), { signal });
    else await cluster.objects.evict(EvictRequest.fromPartial({ namespace, name, ...how }), { signal });
    return undefined;
  } catch (error) {
    if (hasCode(error, "not_found")) return undefined;
    if (hasCode(error, "budget_exceeded")) return sentenceOf(asTallshipError(error).message, pod);
    throw error;
  }
}

/** The server names the operation and the pod first; both stand in the line already. */
function sentenceOf(message: string, pod: Pod): string {
  const prefix = `evict ${keyText(keyOfPod(pod))}: `;
  return message.startsWith(prefix) ? message.slice(prefix.length) : message;
}

function keyOfPod(pod: Pod): ReturnType<typeof keyOf> {
  return keyOf({ kind: "Pod", object: pod });
}

/** The pods that have to go: which were accepted, what keeps the others, and which are still there. */
class Leaving {
  private readonly pods: Map<string, Pod>;
  private readonly accepted = new Set<string>();
  private readonly told = new Map<string, string>();
  private readonly there = new Map<string, string>();

  constructor(pods: readonly Pod[]) {
    this.pods = new Map(pods.map((pod) => [metaOf(pod).uid, pod]));
  }

  get isOver(): boolean {
    return this.pods.size === 0;
  }

  /** Pods that were not accepted yet. */
  waiting(): readonly Pod[] {
    return [...this.pods].filter(([uid]) => !this.accepted.has(uid)).map(([, pod]) => pod);
  }

  /** Notes an answer; true when the pod goes and did not before. */
  settle(pod: Pod, why: string | undefined): boolean {
    const { uid } = metaOf(pod);
    if (why !== undefined || this.accepted.has(uid)) return false;
    this.accepted.add(uid);
    return true;
  }

  /** True when something else kept the pod before. */
  isNews(pod: Pod, why: string): boolean {
    const { uid } = metaOf(pod);
    const isNews = this.told.get(uid) !== why;
    this.told.set(uid, why);
    return isNews;
  }

  /** A new watch tells of everything that is there once more. */
  lookAnew(): void {
    this.there.clear();
  }

  take(changes: readonly Change[]): void {
    for (const change of changes) {
      if (change.is === "put") this.there.set(metaOf(change.typed.object).uid, deletionHold(change.typed));
      else this.there.delete(change.last?.object.metadata?.uid ?? this.uidOf(keyText(change.key)));
    }
  }

  /** Pods that have gone since this was last asked. All that is there must have been taken. */
  gone(): readonly Pod[] {
    const gone = [...this.pods].filter(([uid]) => !this.there.has(uid));
    for (const [uid] of gone) this.pods.delete(uid);
    return gone.map(([, pod]) => pod);
  }

  /** What is left, and why. */
  left(): readonly { readonly pod: Pod; readonly why: string }[] {
    return [...this.pods].map(([uid, pod]) => {
      const hold = this.there.get(uid) ?? "is still there";
      return { pod, why: this.accepted.has(uid) ? hold : (this.told.get(uid) ?? hold) };
    });
  }

  private uidOf(key: string): string {
    for (const [uid, pod] of this.pods) if (keyText(keyOfPod(pod)) === key) return uid;
    return "";
  }
}
