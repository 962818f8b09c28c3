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
import { collectContents, membersIn, noteContents } from "./collect.js";
import { type Content, contentKey, contentOf } from "./contents.js";
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

/**
 * Records an apply before anything of it is written: first the revision, which names what will be referred to, then the contents, then (not
 * here) the objects, and done at the end. An apply that was cut leaves its revision pending; applying the same again takes it up.
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
    const last = revisionsOf(this.deps.cache.view, this.owner.set).at(-1);
    const lastMembers = last === undefined ? [] : await membersIn(this.deps.store, last.object);
    const members = tasks.map(memberOf);
    const isRepeated = last !== undefined && appliesSame(lastMembers, members);
    const isDone = last?.object.status?.phase === "done";
    if (isRepeated && isDone && tasks.every((task) => task.change()?.outcome === "unchanged"))
      return { name: metaOf(last.object).name, isOpen: false };
    const contents = contentsOf(tasks);
    // Contents of a revision that is done are there; of one that was cut, nobody knows which are.
    if (isDone)
      for (const member of lastMembers) for (const digest of [member.before, member.after]) contents.delete(digest);
    const name = isRepeated && !isDone ? metaOf(last.object).name : await this.begin(members, last);
    await this.writeContents([...contents.values()]);
    return { name, isOpen: true };
  }

  /** Says that the apply was carried out, and forgets the revisions that lie too far back. */
  async close({ name }: OpenRevision): Promise<void> {
    const key = { kind: "Revision", namespace: this.owner.set.namespace, name } as const;
    const noted = await noteContents(this.deps.store, this.tooOld());
    const task = objectTask((reads) => {
      const live = reads.standing(key);
      const typed = live === undefined ? undefined : typedOf(live);
      if (live === undefined || typed?.kind !== "Revision") return { decision: { is: "keep", checks: [] } };
      return put(doneRevision(typed.object), live, reads, this.context);
    });
    const doneAt = await runTask(this.deps, task, this.signal);
    if (doneAt === undefined || noted.old.length === 0) return;
    if (await this.hasSeen(doneAt)) await collectContents(this.deps, noted);
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

  private tooOld(): readonly Cached<"Revision">[] {
    const revisions = revisionsOf(this.deps.cache.view, this.owner.set);
    return revisions.slice(0, Math.max(0, revisions.length - limit("revisionsKept")));
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
    const first = last === undefined ? 1 : numberOf(last) + 1;
    const task = this.beginTask((number) => revisionObject({ ...parts, number }), first);
    await runTask(this.deps, task, this.signal);
    await this.writeContents(chunks);
    const written = task.stored();
    assert(written !== undefined, "a revision that was written is known");
    return metaOf(written.typed.object).name;
  }

  /** Takes the next number that is free: another apply of the set may be under way. */
  private beginTask(revision: (number: number) => Typed, first: number): ObjectTask {
    const uid = this.context.rng.uuid();
    return objectTask((reads) => {
      let number = first;
      while (reads.standing(keyOf(revision(number))) !== undefined) number += 1;
      const { typed } = admitNew(revision(number), { nowMs: this.context.nowMs, uid });
      return put(typed, undefined, reads, this.context);
    });
  }

  /** Always puts, whether or not the content is there: whoever collects contents sees by the revision that it is wanted again. */
  private async writeContents(contents: readonly Content[]): Promise<void> {
    const tasks = contents.map(({ digest, bytes }) => ({
      decide: () =>
        ({ is: "write", checks: [], writes: [{ op: "put", key: contentKey(digest), value: bytes }] }) as const,
    }));
    for (const settled of await runTasks(this.deps, tasks, this.signal))
      if (settled.is === "failed") throw settled.error;
  }
}

/** What the set's members held before and hold after, once each. */
function contentsOf(tasks: readonly ApplyTask[]): Map<string, Content> {
  const contents = new Map<string, Content>();
  for (const task of tasks) {
    const { before, after } = task.change() ?? {};
    for (const content of [before, after]) if (content !== undefined) contents.set(content.digest, content);
  }
  return contents;
}

function chunksOf(members: readonly RevisionMember[]): readonly Uint8Array[] {
  const chunks: Uint8Array[] = [];
  for (let at = 0; at < members.length; at += limit("revisionMembers")) {
    const part = members.slice(at, at + limit("revisionMembers"));
    chunks.push(RevisionSpec.encode(RevisionSpec.fromPartial({ members: part })).finish());
  }
  return chunks;
}
