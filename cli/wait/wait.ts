import { toJson } from "../../kinds/encode.js";
import { keyOf, keyText, metaOf, type ObjectKey, type Typed } from "../../kinds/object.js";
import { KINDS } from "../../kinds/registry.js";
import { TallshipError } from "../../lib/errors.js";
import { mapsIn, valueAt } from "../change/pod-template.js";
import { type ChoiceFlags, checkChoice, chosenKeys } from "../chosen.js";
import { type ClusterFlags, withCluster } from "../cluster.js";
import { queriesOf } from "../delete/gone.js";
import { EXIT } from "../exit-codes.js";
import { follow, valueText } from "../jsonpath/evaluate.js";
import { parsePath } from "../jsonpath/parse.js";
import type { Step } from "../jsonpath/template.js";
import type { Shell } from "../shell.js";
import { refText } from "../targets.js";
import { toldAlready, usageError } from "../verb.js";
import { watchUntil } from "./until.js";

/** What `wait` was asked. */
export interface WaitFlags extends ClusterFlags, ChoiceFlags {
  readonly all: boolean;
  readonly for: string | undefined;
  readonly timeout: number | undefined;
}

/** What is waited for. */
export type Goal =
  | { readonly is: "delete" }
  | { readonly is: "create" }
  | { readonly is: "condition"; readonly type: string; readonly status: string }
  | { readonly is: "field"; readonly path: readonly Step[]; readonly value: string | undefined };

const DEFAULT_MS = 30_000;

/** Waits until every object is as asked. Objects that have not come are waited for only with --for=create. */
export async function runWait(
  { flags, operands }: { readonly flags: WaitFlags; readonly operands: readonly string[] },
  shell: Shell,
): Promise<number> {
  if (flags.for === undefined)
    throw usageError(
      "say what to wait for: --for=condition=NAME, --for=jsonpath=PATH=VALUE, --for=delete, --for=create",
    );
  const goal = readGoal(flags.for);
  checkChoice(flags, operands);
  return withCluster(shell, flags, async (cluster) => {
    const keys = await chosenKeys({ shell, cluster, flags }, operands);
    if (keys.length === 0 && goal.is !== "delete")
      throw new TallshipError("not_found", "no matching objects were found");
    const tracker = new Tracker(keys, goal);
    if (keys.length === 0) return EXIT.ok;
    const timeoutMs = flags.timeout ?? DEFAULT_MS;
    // As with kubectl: 0 looks once, a negative time waits a week.
    const wait = { shell, cluster, timeoutMs: timeoutMs < 0 ? WEEK_MS : timeoutMs === 0 ? undefined : timeoutMs };
    await watchUntil(wait, queriesOf(keys), async ({ changes, isSynced }) => {
      for (const change of changes) {
        if (change.is === "put") tracker.put(change.typed);
        else tracker.remove(change.key);
      }
      if (!isSynced) return false;
      tracker.isSynced = true;
      for (const key of tracker.news()) await shell.stdout.write(`${metText(key, goal)}\n`);
      return tracker.isOver() || timeoutMs === 0;
    });
    return conclude(tracker, shell);
  });
}

const WEEK_MS = 604_800_000;

async function conclude(tracker: Tracker, shell: Shell): Promise<number> {
  const rest = tracker.unmet();
  for (const { key, isMissing } of rest) {
    const why = isMissing
      ? `${refText(key.kind, key.name)} does not exist`
      : `timed out waiting for the condition on ${KINDS[key.kind].plural}/${key.name}`;
    await shell.stderr.write(`error: ${why}\n`);
  }
  const [first] = rest;
  if (first === undefined) return EXIT.ok;
  throw toldAlready(rest.every(({ isMissing }) => isMissing) ? "not_found" : "deadline_exceeded");
}

function metText(key: ObjectKey, goal: Goal): string {
  const name = refText(key.kind, key.name);
  if (goal.is === "delete") return `${name} deleted`;
  return goal.is === "create" ? `${name} created` : `${name} condition met`;
}

/** Reads the value of --for. */
export function readGoal(text: string): Goal {
  if (text === "delete" || text === "create") return { is: text };
  const condition = /^condition=([^=]+)(?:=(.+))?$/.exec(text);
  if (condition !== null) return { is: "condition", type: condition[1] ?? "", status: condition[2] ?? "True" };
  const field = /^jsonpath=(.+)$/s.exec(text)?.[1];
  if (field === undefined)
    throw usageError(`--for is condition=NAME[=VALUE], jsonpath=PATH[=VALUE], delete or create, not "${text}"`);
  // A path in braces may hold equal signs itself.
  const parts = /^(['"]?)(\{.*\}|[^=]+)\1(?:=(.*))?$/s.exec(field);
  const value = parts?.[3]?.replace(/^(['"])(.*)\1$/s, "$2");
  return { is: "field", path: parsePath(parts?.[2] ?? field), value };
}

/** True when the object is as asked. What a status says of an older spec does not count. */
export function isMet(typed: Typed, goal: Goal): boolean {
  if (goal.is === "delete") return false;
  if (goal.is === "create") return true;
  const json = toJson(typed);
  if (goal.is === "field") {
    const values = follow(goal.path, json).map(valueText);
    return goal.value === undefined
      ? values.some((text) => text !== "")
      : values.length === 1 && values[0] === goal.value;
  }
  const generation = Number(valueAt(json, ["metadata", "generation"]) ?? 0);
  return mapsIn(valueAt(json, ["status", "conditions"])).some(
    ({ type, status, observedGeneration }) =>
      String(type).toLowerCase() === goal.type.toLowerCase() &&
      String(status).toLowerCase() === goal.status.toLowerCase() &&
      Number(observedGeneration ?? generation) >= generation,
  );
}

/** Which of the objects are as asked. */
class Tracker {
  /** Everything that was there at the start has come: what has not come is not there. */
  isSynced = false;
  private readonly keys: readonly ObjectKey[];
  private readonly goal: Goal;
  private readonly uids = new Map<string, string>();
  private readonly present = new Set<string>();
  private readonly met = new Set<string>();
  private readonly told = new Set<string>();

  constructor(keys: readonly ObjectKey[], goal: Goal) {
    this.keys = keys;
    this.goal = goal;
  }

  put(typed: Typed): void {
    const text = keyText(keyOf(typed));
    const { uid } = metaOf(typed.object);
    this.present.add(text);
    // An object that took the name meanwhile is not the one that is to go.
    const first = this.uids.get(text) ?? uid;
    this.uids.set(text, first);
    if (this.goal.is === "delete") {
      if (first !== uid) this.met.add(text);
    } else if (isMet(typed, this.goal)) this.met.add(text);
    else this.met.delete(text);
  }

  remove(key: ObjectKey): void {
    const text = keyText(key);
    this.present.delete(text);
    if (this.goal.is === "delete") this.met.add(text);
  }

  /** Objects that are as asked and were not told. */
  news(): readonly ObjectKey[] {
    const found = this.keys.filter((key) => this.isMetNow(key) && !this.told.has(keyText(key)));
    for (const key of found) this.told.add(keyText(key));
    return found;
  }

  /** Each was as asked once, or cannot become so because it is not there. */
  isOver(): boolean {
    return this.keys.every((key) => this.told.has(keyText(key)) || this.isMissing(key));
  }

  unmet(): readonly { readonly key: ObjectKey; readonly isMissing: boolean }[] {
    return this.keys
      .filter((key) => !this.told.has(keyText(key)))
      .map((key) => ({ key, isMissing: this.isMissing(key) }));
  }

  private isMetNow(key: ObjectKey): boolean {
    const text = keyText(key);
    return this.met.has(text) || (this.goal.is === "delete" && this.isSynced && !this.present.has(text));
  }

  private isMissing(key: ObjectKey): boolean {
    return this.goal.is !== "create" && this.goal.is !== "delete" && this.isSynced && !this.present.has(keyText(key));
  }
}
