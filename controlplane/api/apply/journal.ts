import { keyOf, metaOf, type Typed } from "../../../kinds/object.js";
import { assert, hasCode } from "../../../lib/errors.js";
import { limit } from "../../../lib/limits.js";
import { type RevisionMember, RevisionSpec } from "../../../proto/gen/tallship/v1/revision.js";
import type { Cached } from "../../cache/view.js";
import { admitNew } from "../admission/admit.js";
import type { ObjectsDeps } from "../objects-deps.js";
import { type ObjectTask, objectTask, put, type TaskContext } from "../tasks/object-task.js";
import { typedOf } from "../write/reads.js";
import { runTask, runTasks } from "../write/writer.js";
import type { ApplyTask } from "./apply-task.js";
import { type AtOnce, atOnceTask } from "./at-once.js";
import { collectContents, membersIn, type Noted, noteContents } from "./collect.js";
import { type Content, contentOf, contentWrite } from "./contents.js";
import {
  appliesSame,
  doneRevision,
  memberOf,
  numberOf,
  revisionObject,
  revisionsOf,
  type SetName,
} from "./revisions.js";

/** Whose apply is recorded. */
export interface JournalOwner {
  readonly set: SetName;
  readonly user: string;
  readonly manager: string;
}

/** The revision of an apply. `isOpen` while it says pending. */
export interface OpenRevision {
  readonly name: string;
  readonly isOpen: boolean;
}

/** What the set's last apply was. */
interface Survey {
  readonly last: Cached<"Revision"> | undefined;
  readonly members: readonly RevisionMember[];
  /** It carried out this very set; nothing is to be recorded if no document changes. */
  readonly isRepeated: boolean;
  readonly isDone: boolean;
}

/**
 * Records an apply before anything of it is written: first the revision, which names what will be referred to, then the contents, then (not
 * here) the objects, and done at the end. An apply that was cut leaves its revision pending; applying the same again takes it up. A
 * small set is one transaction with its revision and contents, and never pending.
 */
export class Journal {
  private readonly deps: ObjectsDeps;
  private readonly owner: JournalOwner;
  private readonly context: TaskContext;
  private readonly signal: AbortSignal;

  constructor(deps: ObjectsDeps, owner: JournalOwner, context: TaskContext, signal: AbortSignal) {
    this.deps = deps;
    this.owner = owner;
    this.context = context;
    this.signal = signal;
  }

  /** Writes the revision and the contents, unless the set's last revision is this very apply and done, and no document changes. */
  async open(tasks: readonly ApplyTask[]): Promise<OpenRevision> {
    const survey = await this.survey(tasks);
    const { last, isRepeated, isDone } = survey;
    if (last !== undefined && isRepeated && isDone && isUnchanged(tasks))
      return { name: metaOf(last.object).name, isOpen: false };
    const contents = newContents(tasks, survey);
    const isResumed = last !== undefined && isRepeated && !isDone;
    const name = isResumed ? metaOf(last.object).name : await this.begin(tasks.map(memberOf), last);
    await this.writeContents(contents);
    return { name, isOpen: true };
  }

  /** Says that the apply was carried out, and forgets the revisions that lie too far back. */
  async close({ name }: OpenRevision): Promise<void> {
    const key = { kind: "Revision", namespace: this.owner.set.namespace, name } as const;
    const noted = await noteContents(this.deps.store, this.tooOld(name));
    const task = objectTask((reads) => {
      const live = reads.standing(key);
      const typed = live === undefined ? undefined : typedOf(live);
      if (live === undefined || typed?.kind !== "Revision") return { decision: { is: "keep", checks: [] } };
      return put(doneRevision(typed.object), live, reads, this.context);
    });
    await this.collect(noted, await runTask(this.deps, task, this.signal));
  }

  /**
   * Writes a small set, its revision and its contents in one transaction: one wait for the store's disk instead of four. Undefined when that is not
   * possible, with nothing written: the caller goes step by step.
   */
  async writeAtOnce(tasks: readonly ApplyTask[]): Promise<AtOnce | undefined> {
    const survey = await this.survey(tasks);
    const isStepwise = tasks.length > limit("applyAtOnceDocuments") || isUnchanged(tasks);
    if (isStepwise || (survey.isRepeated && !survey.isDone)) return undefined;
    const noted = await noteContents(this.deps.store, this.tooOld(""));
    const task = atOnceTask(tasks, {
      revision: this.numbered(survey.last, (number) =>
        revisionObject({ ...this.owner, number, members: tasks.map(memberOf), memberChunks: [], phase: "done" }),
      ),
      contents: () => newContents(tasks, survey),
    });
    const [settled] = await runTasks(this.deps, [task], this.signal);
    if (settled === undefined || settled.is === "kept") return undefined;
    if (settled.is === "failed") return settled.error.retry === "backoff" ? task.failed(settled.error) : undefined;
    await this.collect(noted, settled.revision);
    return task.written(settled.revision);
  }

  private async survey(tasks: readonly ApplyTask[]): Promise<Survey> {
    const last = revisionsOf(this.deps.cache.view, this.owner.set).at(-1);
    const members = last === undefined ? [] : await membersIn(this.deps.store, last.object);
    const isRepeated = last !== undefined && appliesSame(members, tasks.map(memberOf));
    return { last, members, isRepeated, isDone: last?.object.status?.phase === "done" };
  }

  private async collect(noted: Noted, writtenAt: number | undefined): Promise<void> {
    if (writtenAt === undefined || noted.old.length === 0) return;
    if (await this.hasSeen(writtenAt)) await collectContents(this.deps, noted);
  }

  /** False when the cache is too far behind: the set's next apply finds what was not collected. */
  private async hasSeen(revision: number): Promise<boolean> {
    try {
      await this.deps.cache.waitFor(revision, this.signal);
      return true;
    } catch (error) {
      if (hasCode(error, "too_new")) return false;
      throw error;
    }
  }

  /** The revisions that lie too far back once this apply's own, which the cache may not show yet, is there. */
  private tooOld(own: string): readonly Cached<"Revision">[] {
    const others = revisionsOf(this.deps.cache.view, this.owner.set).filter(
      ({ object }) => metaOf(object).name !== own,
    );
    return others.slice(0, Math.max(0, others.length + 1 - limit("revisionsKept")));
  }

  private async begin(members: readonly RevisionMember[], last: Cached<"Revision"> | undefined): Promise<string> {
    const isLarge = members.length > limit("revisionMembers");
    const chunks = isLarge ? chunksOf(members).map((bytes) => contentOf(bytes, undefined, this.deps.sealer)) : [];
    const parts = {
      ...this.owner,
      members: isLarge ? [] : members,
      memberChunks: chunks.map(({ digest }) => digest),
      phase: "pending",
    } as const;
    const task = this.numbered(last, (number) => revisionObject({ ...parts, number }));
    await runTask(this.deps, task, this.signal);
    await this.writeContents(chunks);
    const written = task.stored();
    assert(written !== undefined, "a revision that was written is known");
    return metaOf(written.typed.object).name;
  }

  /** Takes the next number that is free: another apply of the set may be under way. */
  private numbered(last: Cached<"Revision"> | undefined, revision: (number: number) => Typed): ObjectTask {
    const uid = this.context.rng.uuid();
    const first = last === undefined ? 1 : numberOf(last) + 1;
    return objectTask((reads) => {
      let number = first;
      while (reads.standing(keyOf(revision(number))) !== undefined) number += 1;
      const { typed } = admitNew(revision(number), { nowMs: this.context.nowMs, uid });
      return put(typed, undefined, reads, this.context);
    });
  }

  /** Always puts, whether or not the content is there: whoever collects contents sees by the revision that it is wanted again. */
  private async writeContents(contents: readonly Content[]): Promise<void> {
    const tasks = contents.map((content) => ({
      decide: () => ({ is: "write", checks: [], writes: [contentWrite(content)] }) as const,
    }));
    for (const settled of await runTasks(this.deps, tasks, this.signal))
      if (settled.is === "failed") throw settled.error;
  }
}

function isUnchanged(tasks: readonly ApplyTask[]): boolean {
  return tasks.every((task) => task.change()?.outcome === "unchanged");
}

/** What the set's members held before and hold after, once each, without what a revision that is done has put already. */
function newContents(tasks: readonly ApplyTask[], { members, isDone }: Survey): readonly Content[] {
  const contents = new Map<string, Content>();
  for (const task of tasks) {
    const { before, after } = task.change() ?? {};
    for (const content of [before, after]) if (content !== undefined) contents.set(content.digest, content);
  }
  // Of a revision that was cut, nobody knows which contents are there.
  const known = isDone ? members.flatMap(({ before, after }) => [before, after]) : [];
  for (const digest of known) contents.delete(digest);
  return [...contents.values()];
}

function chunksOf(members: readonly RevisionMember[]): readonly Uint8Array[] {
  const chunks: Uint8Array[] = [];
  for (let at = 0; at < members.length; at += limit("revisionMembers")) {
    const part = members.slice(at, at + limit("revisionMembers"));
    chunks.push(RevisionSpec.encode(RevisionSpec.fromPartial({ members: part })).finish());
  }
  return chunks;
}
