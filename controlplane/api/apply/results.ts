import { keyOf } from "../../../kinds/object.js";
import type { TallshipError } from "../../../lib/errors.js";
import { limit } from "../../../lib/limits.js";
import type { ApplyResponse, ApplyResult, Item } from "../../../proto/gen/tallship/v1/api.js";
import { errorLines } from "../admission/admit.js";
import { itemOf } from "../read.js";
import { keptRevision } from "../tasks/object-task.js";
import type { Settled } from "../write/task.js";
import type { ApplyTask } from "./apply-task.js";
import type { SetDocument } from "./read-set.js";

/** What became of one document: no task when it could not be read, not settled when nothing was sent. */
export interface DocumentResult {
  readonly document: SetDocument;
  readonly task: ApplyTask | undefined;
  readonly settled: Settled | undefined;
}

/** How far the apply went: nothing was written because a document was refused, or was to be, or it was sent. */
export type ApplyMode = "refused" | "dry_run" | "written";

/** The answer to an apply. */
export function responseOf(
  results: readonly DocumentResult[],
  { mode, revisionName }: { readonly mode: ApplyMode; readonly revisionName: string },
): ApplyResponse {
  const bytes = results.reduce((sum, { task }) => sum + (task?.stored()?.bytes.length ?? 0), 0);
  const isBare = bytes > limit("applyResponseBytes");
  const revisions = results.map(({ settled }) => (settled?.is === "written" ? settled.revision : 0));
  return {
    results: results.map((result) => resultOf(result, mode, isBare)),
    revisionName,
    revision: revisions.reduce((latest, revision) => Math.max(latest, revision), 0),
    dropped: [],
  };
}

function resultOf({ document, task, settled }: DocumentResult, mode: ApplyMode, isBare: boolean): ApplyResult {
  const name = task === undefined ? undefined : keyOf(task.document);
  if (document.read.is === "failed") return failed(name, document, document.read.error);
  if (settled?.is === "failed") return failed(name, document, settled.error);
  const isSkipped = mode === "refused" || (mode === "written" && settled === undefined);
  const outcome = isSkipped ? "skipped" : (task?.change()?.outcome ?? "skipped");
  const item = task === undefined || isSkipped ? undefined : itemAfter(task, settled, isBare);
  return { name, outcome, code: "", message: "", item };
}

function failed(name: ApplyResult["name"], { source }: SetDocument, error: TallshipError): ApplyResult {
  const message = errorLines(error)
    .map((line) => (source === "" ? line : `${source}: ${line}`))
    .join("\n");
  return { name, outcome: "failed", code: error.code, message, item: undefined };
}

function itemAfter(task: ApplyTask, settled: Settled | undefined, isBare: boolean): Item | undefined {
  const stored = task.stored();
  if (stored === undefined) return undefined;
  const revision = settled?.is === "written" ? settled.revision : keptRevision(task);
  return itemOf({ bytes: isBare ? new Uint8Array() : stored.bytes, revision });
}
