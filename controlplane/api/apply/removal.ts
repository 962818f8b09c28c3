import { keyText, type ObjectKey } from "../../../kinds/object.js";
import { TallshipError } from "../../../lib/errors.js";
import type { CallContext } from "../../../lib/transport/service.js";
import type { ApplyResult, ObjectName } from "../../../proto/gen/tallship/v1/api.js";
import { type ObjectsDeps, taskContext } from "../objects-deps.js";
import { itemOf } from "../read.js";
import { requestedKey } from "../requests.js";
import { deleteTask } from "../tasks/delete.js";
import { keptRevision, type ObjectTask } from "../tasks/object-task.js";
import type { Settled } from "../write/task.js";
import { TaskRun } from "../write/writer.js";
import type { ApplyMode } from "./results.js";

/** The objects that an apply asks to be deleted. Throws when one is not what the set has dropped: the caller shows them first, and they may have changed since. */
export function prunable(asked: readonly ObjectName[], dropped: readonly ObjectKey[]): readonly ObjectKey[] {
  const known = new Set(dropped.map(keyText));
  return asked.map((name) => {
    const key = requestedKey(name);
    if (known.has(keyText(key))) return key;
    const message = `prune ${keyText(key)}: it is none of the objects that the set has dropped`;
    throw new TallshipError("failed_precondition", message);
  });
}

/** Deletes the objects that a set has no more, each for itself. One that is gone already counts as deleted. */
export class Removal {
  private readonly keys: readonly ObjectKey[];
  private readonly tasks: readonly ObjectTask[];
  private readonly run: TaskRun;
  private readonly signal: AbortSignal;
  private readonly refusals = new Map<number, TallshipError>();
  private settled: readonly Settled[] = [];

  constructor(deps: ObjectsDeps, keys: readonly ObjectKey[], { identity, signal }: CallContext) {
    this.keys = keys;
    this.signal = signal;
    const context = taskContext(deps);
    this.tasks = keys.map((key) =>
      deleteTask({ key, uid: "", graceSeconds: undefined, propagation: undefined }, identity, context),
    );
    this.run = new TaskRun(deps, this.tasks);
  }

  /** True when any object may not be deleted. */
  async decide(): Promise<boolean> {
    for (const [at, error] of await this.run.decide(this.signal))
      if (error.code !== "not_found") this.refusals.set(at, error);
    return this.refusals.size > 0;
  }

  async commit(): Promise<void> {
    this.settled = await this.run.commit(this.signal);
  }

  /** One result per object. */
  results(mode: ApplyMode): readonly ApplyResult[] {
    return this.keys.map((name, at) => {
      const settled = this.settled[at];
      const failure = this.refusals.get(at) ?? (settled?.is === "failed" ? settled.error : undefined);
      if (failure !== undefined && failure.code !== "not_found")
        return { name, outcome: "failed", code: failure.code, message: failure.message, item: undefined };
      const isDeleted = mode === "dry_run" || settled !== undefined;
      return {
        name,
        outcome: isDeleted ? "deleted" : "skipped",
        code: "",
        message: "",
        item: this.itemOf(at, settled),
      };
    });
  }

  private itemOf(at: number, settled: Settled | undefined): ApplyResult["item"] {
    const stored = this.tasks[at]?.stored();
    if (stored === undefined) return undefined;
    return itemOf({
      bytes: stored.bytes,
      revision: settled?.is === "written" ? settled.revision : keptRevision(this.tasks[at]),
    });
  }
}
