import { withoutOwnSelector } from "../../../kinds/job-selector.js";
import { keyOf, metaOf, type Typed } from "../../../kinds/object.js";
import { STOPPED } from "../../../kinds/power.js";
import { mergePatch } from "../../change/change.js";
import { createObject } from "../../create/write.js";
import { waitUntilGone } from "../../delete/gone.js";
import type { Written } from "../../wait/ready.js";
import { askDelete, GONE_MS, hasEnded, type LiveProject, told } from "./live.js";

/** A service that ends: it runs to completion, and is not kept running. */
export type Task = Extract<Typed, { readonly kind: "Job" }>;

/** True for a service that ends. */
export function isTask(typed: Typed): typed is Task {
  return typed.kind === "Job";
}

type Patch = ReturnType<typeof mergePatch>;

/**
 * Suspends a task, so that its pods go within the grace that the user names, else within their own; undefined when nothing is to change. Asked again it may
 * shorten what a stop before it has granted.
 */
export function stopTask(task: Task, graceSeconds: number | undefined): Patch | undefined {
  if (hasEnded(task)) return undefined;
  const { metadata, spec } = task.object;
  const value = graceSeconds === undefined ? "" : String(graceSeconds);
  if (spec?.suspend === true && (value === "" || metadata?.annotations[STOPPED] === value)) return undefined;
  return mergePatch({ metadata: { annotations: { [STOPPED]: value } }, spec: { suspend: true } });
}

/** Lets a task begin anew that was stopped; undefined when it was not. */
export function resumeTask({ object }: Task): Patch | undefined {
  if (object.spec?.suspend !== true) return undefined;
  return mergePatch({ metadata: { annotations: { [STOPPED]: null } }, spec: { suspend: false } });
}

/**
 * Has a task that has ended run again, as docker starts containers that have exited. It is made anew, since what a job has counted stays counted; its pods of before
 * go, and what they wrote.
 */
export async function runAgain(live: LiveProject, task: Task): Promise<Written> {
  const { cluster } = live;
  // An interrupt between the two would lose the task.
  const shell = { ...live.shell, signal: new AbortController().signal };
  const key = keyOf(task);
  await askDelete({ shell, cluster }, key, undefined);
  await waitUntilGone({ shell, cluster, timeoutMs: GONE_MS }, [{ key, uid: metaOf(task.object).uid }]);
  const { metadata, ...rest } = withoutOwnSelector(task.object);
  const object = { ...rest, metadata: { ...metaOf({ metadata }), uid: "", resourceVersion: "" }, status: undefined };
  const made = await createObject({ shell, cluster, dryRun: undefined }, { kind: "Job", object });
  await told(shell, key, "Starting");
  return { key, revision: Number(metaOf(made.object).resourceVersion) };
}
