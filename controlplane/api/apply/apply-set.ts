import { keyOf, type ObjectKey } from "../../../kinds/object.js";
import { TallshipError } from "../../../lib/errors.js";
import type { CallContext } from "../../../lib/transport/service.js";
import type { ApplyHeader, ApplyRequest, ApplyResponse, ApplyResult } from "../../../proto/gen/tallship/v1/api.js";
import type { PriorityClass } from "../../../proto/gen/tallship/v1/priorityclass.js";
import { reachOf } from "../authorize.js";
import { type ObjectsDeps, taskContext } from "../objects-deps.js";
import type { TaskContext } from "../tasks/object-task.js";
import type { Settled } from "../write/task.js";
import { TaskRun } from "../write/writer.js";
import { type ApplyOptions, type ApplyTask, applyTask } from "./apply-task.js";
import { droppedMembers, seeLatest } from "./dropped.js";
import { Journal } from "./journal.js";
import { type AppliedSet, readSet, type SetDocument } from "./read-set.js";
import { prunable, Removal } from "./removal.js";
import { type ApplyMode, type DocumentResult, responseOf } from "./results.js";
import { setNameOf } from "./revisions.js";

/** Who applies when the header does not say. */
const DEFAULT_MANAGER = "tsctl";

/**
 * Applies a set: reads all of it, decides every document, and only if none is refused writes: the revision, the contents, namespaces, the rest, and
 * that the revision is done. A set is not atomic: documents that were written stay written when others fail, and a rerun finishes it.
 */
export async function applySet(
  deps: ObjectsDeps,
  requests: AsyncIterable<ApplyRequest>,
  context: CallContext,
): Promise<ApplyResponse> {
  const set = await readSet(requests);
  const { dryRun, prune } = set.header;
  const dropped = dryRun || prune.length > 0 ? await droppedFrom(deps, set, context.signal) : [];
  const answer = await carryOut(deps, set, { context, remove: prunable(prune, dropped) });
  return dryRun ? { ...answer, dropped: [...dropped] } : answer;
}

/** Applies a set that was read, and then deletes objects that are in it no longer. When a document fails, nothing is deleted. */
export async function carryOut(
  deps: ObjectsDeps,
  set: AppliedSet,
  { context, remove }: { readonly context: CallContext; readonly remove: readonly ObjectKey[] },
): Promise<ApplyResponse> {
  const run = new SetRun(deps, set, context);
  const removal = new Removal(deps, remove, context);
  const refused = await run.decide();
  const isHeld = await removal.decide();
  const answer = (mode: ApplyMode, revisionName = ""): ApplyResponse =>
    withRemoved(responseOf(run.results(), { mode, revisionName }), removal.results(mode));
  if (refused || isHeld) return answer("refused");
  if (set.header.dryRun) return answer("dry_run");
  const revisionName = set.documents.length === 0 ? "" : await run.write();
  if (run.results().every(({ settled }) => settled !== undefined && !isFailed(settled))) await removal.commit();
  return answer("written", revisionName);
}

/** Decides a set that was read as an apply would, and writes nothing: what would become of each document. */
export async function trySet(
  deps: ObjectsDeps,
  set: AppliedSet,
  context: CallContext,
): Promise<readonly DocumentResult[]> {
  const run = new SetRun(deps, set, context);
  await run.decide();
  return run.results();
}

function withRemoved(answer: ApplyResponse, removed: readonly ApplyResult[]): ApplyResponse {
  const latest = removed.reduce((newest, { item }) => Math.max(newest, item?.revision ?? 0), answer.revision);
  return { ...answer, results: [...answer.results, ...removed], revision: latest };
}

/** What earlier applies of the set made and none of its documents is about. */
async function droppedFrom(
  deps: ObjectsDeps,
  { header, documents }: AppliedSet,
  signal: AbortSignal,
): Promise<readonly ObjectKey[]> {
  await seeLatest(deps, signal);
  const keys = documents.flatMap(({ read }) => (read.is === "object" ? [keyOf(read.typed)] : []));
  return droppedMembers(deps, { set: setNameOf(header, keys), manager: managerOf(header) }, keys);
}

/** The tasks of some documents, run together. */
interface Part {
  readonly tasks: readonly ApplyTask[];
  readonly run: TaskRun;
}

class SetRun {
  private readonly deps: ObjectsDeps;
  private readonly set: AppliedSet;
  private readonly context: CallContext;
  private readonly taskContext: TaskContext;
  private readonly tasks = new Map<SetDocument, ApplyTask>();
  private readonly outcomes = new Map<ApplyTask, Settled>();
  /** Namespaces first: what stands in them is written after them. */
  private readonly parts: readonly [Part, Part];

  constructor(deps: ObjectsDeps, set: AppliedSet, context: CallContext) {
    this.deps = deps;
    this.set = set;
    this.context = context;
    this.taskContext = taskContext(deps);
    const options = {
      manager: managerOf(set.header),
      isForced: set.header.force,
      sealer: deps.sealer,
      comingNamespaces: namespacesIn(set),
      comingPriorities: prioritiesIn(set),
    };
    for (const document of set.documents) this.prepare(document, options);
    const tasks = [...this.tasks.values()];
    const part = (chosen: readonly ApplyTask[]): Part => ({ tasks: chosen, run: new TaskRun(deps, chosen) });
    this.parts = [
      part(tasks.filter(({ document }) => document.kind === "Namespace")),
      part(tasks.filter(({ document }) => document.kind !== "Namespace")),
    ];
  }

  /** Decides everything; true when any document is refused. */
  async decide(): Promise<boolean> {
    for (const { tasks, run } of this.parts) {
      const refusals = await run.decide(this.context.signal);
      for (const [at, error] of refusals) this.settle(tasks[at], { is: "failed", error });
    }
    return this.outcomes.size > 0 || this.tasks.size < this.set.documents.length;
  }

  /** Writes everything that was decided; returns the name of the revision. */
  async write(): Promise<string> {
    const { identity, signal } = this.context;
    const { header } = this.set;
    const tasks = [...this.tasks.values()];
    const name = setNameOf(
      header,
      tasks.map(({ document }) => keyOf(document)),
    );
    const owner = { set: name, user: identity.name, manager: managerOf(header) };
    const journal = new Journal(this.deps, owner, this.taskContext, signal);
    const atOnce = await journal.writeAtOnce(tasks);
    if (atOnce === undefined) return this.writeStepwise(journal, tasks);
    tasks.forEach((task, at) => {
      const settled = atOnce.settled[at];
      if (settled !== undefined) this.settle(task, settled);
    });
    return atOnce.revisionName;
  }

  private async writeStepwise(journal: Journal, tasks: readonly ApplyTask[]): Promise<string> {
    const opened = await journal.open(tasks);
    for (const part of this.parts) if (![...this.outcomes.values()].some(isFailed)) await this.commit(part);
    const isWritten = [...this.outcomes.values()].some(({ is }) => is === "written");
    // The cache was behind: what looked unchanged was not, and there is no revision that says so yet.
    const revision = isWritten && !opened.isOpen ? await journal.open(tasks) : opened;
    if (revision.isOpen && ![...this.outcomes.values()].some(isFailed)) await journal.close(revision);
    return revision.name;
  }

  /** One result per document, in their order. */
  results(): readonly DocumentResult[] {
    return this.set.documents.map((document) => {
      const task = this.tasks.get(document);
      return { document, task, settled: task === undefined ? undefined : this.outcomes.get(task) };
    });
  }

  private prepare(document: SetDocument, options: ApplyOptions): void {
    if (document.read.is === "failed") return;
    reachOf(this.context.identity, "write", document.read.typed.kind);
    this.tasks.set(document, applyTask(document.read, options, this.taskContext));
  }

  private async commit({ tasks, run }: Part): Promise<void> {
    const settled = await run.commit(this.context.signal);
    settled.forEach((outcome, at) => {
      this.settle(tasks[at], outcome);
    });
  }

  private settle(task: ApplyTask | undefined, outcome: Settled): void {
    if (task !== undefined) this.outcomes.set(task, outcome);
  }
}

function isFailed({ is }: Settled): boolean {
  return is === "failed";
}

function managerOf({ manager }: ApplyHeader): string {
  if (manager === "") return DEFAULT_MANAGER;
  if (/^[A-Za-z0-9][-A-Za-z0-9_./]{0,127}$/.test(manager)) return manager;
  throw new TallshipError("invalid_argument", `manager "${manager.slice(0, 80)}": want letters, digits and -_./`);
}

function prioritiesIn({ documents }: AppliedSet): readonly PriorityClass[] {
  return documents.flatMap(({ read }) =>
    read.is === "object" && read.typed.kind === "PriorityClass" ? [read.typed.object] : [],
  );
}

function namespacesIn({ documents }: AppliedSet): ReadonlySet<string> {
  const keys = documents.flatMap(({ read }) => (read.is === "object" ? [keyOf(read.typed)] : []));
  return new Set(keys.filter(({ kind }) => kind === "Namespace").map(({ name }) => name));
}
