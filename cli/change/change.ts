import type { Json } from "../../kinds/encode.js";
import { encodeObject, keyOf, metaOf, type ObjectKey, type Typed, withMeta } from "../../kinds/object.js";
import { treeOfJson } from "../../kinds/patch/json-tree.js";
import { type ObjectPatch, patchObject } from "../../kinds/patch/patch-object.js";
import { type Problem, problemText } from "../../kinds/problem.js";
import { hasCode, isErrorCode, TallshipError } from "../../lib/errors.js";
import { UpdateRequest } from "../../proto/gen/tallship/v1/api.js";
import type { Cluster } from "../cluster.js";
import { getObject, getTyped, objectOf } from "../objects.js";
import type { Shell } from "../shell.js";
import { objectText } from "../targets.js";

/** Where a change is tried out instead of made. */
export type DryRun = "client" | "server" | undefined;

/** A command that changes objects. */
export interface ChangeRun {
  readonly shell: Shell;
  readonly cluster: Cluster;
  readonly dryRun: DryRun;
  /** With "status": what is written is the object's status alone, as controllers of one's own do. */
  readonly part?: "status" | undefined;
}

/** An object after a change, and what it was before. */
export interface Changed {
  readonly before: Typed;
  readonly after: Typed;
  /** False when the object was already as it was to be. */
  readonly isChanged: boolean;
}

/** Says how an object is to be changed; undefined when it is so already. Asked again, on what is there by then, when a write lost a race. */
export type Plan = (live: Typed) => ObjectPatch | undefined;

/** Tries a write that lost a race again, on what is there by then. */
const TRIES = 5;
const AGAIN_MS = 50;

/** Reads an object, changes it and writes it. What the server accepts without effect since the change is told. */
export async function changeObject(run: ChangeRun, key: ObjectKey, plan: Plan): Promise<Changed> {
  for (let attempt = 1; ; attempt += 1) {
    // getObject checks the kind.
    const before = { kind: key.kind, object: await getObject(run.cluster, key, run.shell.signal) } as Typed;
    const patch = plan(before);
    if (patch === undefined) return { before, after: before, isChanged: false };
    const wanted = patched(before, patch);
    await tellWithoutEffect(run.shell, before, wanted);
    try {
      const after = await writeObject(run, wanted);
      return { before, after, isChanged: isOtherVersion(before, after, run.dryRun) };
    } catch (error) {
      if (!hasCode(error, "version_conflict") || attempt === TRIES) throw error;
      // The replica that is asked next may not have seen the other write yet.
      await run.shell.clock.sleep(AGAIN_MS * attempt, run.shell.signal);
    }
  }
}

/** Changes an object that no cluster has: nothing is read or written. */
export async function changeHere(shell: Shell, before: Typed, plan: Plan): Promise<Changed> {
  const patch = plan(before);
  if (patch === undefined) return { before, after: before, isChanged: false };
  const after = patched(before, patch);
  await tellWithoutEffect(shell, before, after);
  return { before, after, isChanged: isOtherVersion(before, after, "client") };
}

/** Writes an object as it is; with a resourceVersion only if nobody has changed it since. */
export async function writeObject(run: ChangeRun, typed: Typed): Promise<Typed> {
  const { shell, cluster, dryRun, part } = run;
  if (dryRun === "client") return typed;
  if (part === "status") return writeStatus(run, typed);
  const request = { object: Buffer.from(encodeObject(typed)), dryRun: dryRun === "server" };
  const item = await cluster.objects.update(UpdateRequest.fromPartial(request), { signal: shell.signal });
  return objectOf(item);
}

async function writeStatus({ shell, cluster }: ChangeRun, typed: Typed): Promise<Typed> {
  const request = { objects: [Buffer.from(encodeObject(typed))] };
  const { results } = await cluster.objects.updateStatus(request, { signal: shell.signal });
  const [result] = results;
  const { code = "", message = "" } = result ?? {};
  if (code !== "") throw new TallshipError(isErrorCode(code) ? code : "internal", message);
  return getTyped(cluster, keyOf(typed), shell.signal);
}

/** A patch that a command has made up, in the strategic form: lists are merged by their elements' names. */
export function strategicPatch(value: Json): ObjectPatch {
  return { form: "strategic", tree: treeOfJson(value, 0), source: { name: "change", text: "" } };
}

/** A patch that a command has made up, in the merge form: null removes, lists are replaced. */
export function mergePatch(value: Json): ObjectPatch {
  return { ...strategicPatch(value), form: "merge" };
}

function patched(live: Typed, patch: ObjectPatch): Typed {
  const result = patchObject(live, patch);
  if (result.is === "refused") {
    const { kind, object } = live;
    const { namespace, name } = metaOf(object);
    const why = result.problems.map((problem) => placedText(problem)).join("; ");
    throw new TallshipError("invalid_argument", `change ${objectText(kind, namespace, name)}: ${why}`);
  }
  return result.typed;
}

/** Names the fields without effect that a change brings; those that stood there before were named when they came. */
export async function tellWithoutEffect(shell: Shell, before: Typed, after: Typed): Promise<void> {
  const known = new Set(withoutEffect(before));
  for (const text of withoutEffect(after)) if (!known.has(text)) await shell.stderr.write(`warning: ${text}\n`);
}

function withoutEffect(typed: Typed): readonly string[] {
  const same = patchObject(typed, mergePatch({}));
  return same.is === "patched" ? same.warnings.map(pathAndMessage) : [];
}

function pathAndMessage({ path, message }: Problem): string {
  return path === "" ? message : `${path}: ${message}`;
}

/** What a command made up has no place worth telling. */
function placedText(problem: Problem): string {
  return problem.source.text === "" ? pathAndMessage(problem) : problemText(problem);
}

/** A dry run writes nothing, so its answer has the version that was there. */
function isOtherVersion(before: Typed, after: Typed, dryRun: DryRun): boolean {
  if (dryRun === undefined) return metaOf(before.object).resourceVersion !== metaOf(after.object).resourceVersion;
  return !Buffer.from(encodeObject(unversioned(before))).equals(encodeObject(unversioned(after)));
}

function unversioned(typed: Typed): Typed {
  return withMeta(typed, { ...metaOf(typed.object), resourceVersion: "", generation: 0 });
}
