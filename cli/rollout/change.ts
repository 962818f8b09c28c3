import { UNDONE_FROM, UNDONE_TO } from "../../kinds/config-copies.js";
import { type Json, messageToJson, toJson } from "../../kinds/encode.js";
import { metaOf, type ObjectKey, type Typed } from "../../kinds/object.js";
import type { ObjectPatch } from "../../kinds/patch/patch-object.js";
import { KINDS } from "../../kinds/registry.js";
import { rfc3339 } from "../../lib/clock.js";
import { deepEqual } from "../../lib/deep-equal.js";
import { TallshipError } from "../../lib/errors.js";
import { mergePatch } from "../change/change.js";
import { type Change, type ChangeFlags, type Changes, withChanges } from "../change/each.js";
import { valueAt } from "../change/pod-template.js";
import type { FileFlags } from "../input/files.js";
import type { Shell } from "../shell.js";
import { CHANGE_CAUSE, type Rollout, rolloutOf, rolloutsOf } from "./history.js";
import { checkRolloutKind, rolloutKeys } from "./targets.js";

/** What a verb that changes roll-outs was asked. */
export interface RolloutFlags extends ChangeFlags, FileFlags {
  readonly selector: string | undefined;
}

type RolloutCall = { readonly flags: RolloutFlags; readonly operands: readonly string[] };

/** Stops and takes up roll-outs: while paused, a changed template waits. */
export async function runPause(call: RolloutCall, shell: Shell, action: "pause" | "resume"): Promise<number> {
  const wanted = action === "pause";
  return changeRollouts(call, shell, action, () => ({
    plan: (live) => {
      if (isPaused(live) === wanted) throw failed(live, wanted ? "is already paused" : "is not paused");
      return mergePatch({ spec: { paused: wanted } });
    },
    told: () => (wanted ? "paused" : "resumed"),
  }));
}

/** Replaces all pods by new ones of the same template, as a roll-out. */
export async function runRestart(call: RolloutCall, shell: Shell): Promise<number> {
  const restartedAt = rfc3339(shell.clock.nowMs());
  return changeRollouts(call, shell, "restart", () => ({
    plan: (live) => {
      if (isPaused(live)) throw failed(live, "can't restart paused deployment (run rollout resume first)");
      const annotations = { "kubectl.kubernetes.io/restartedAt": restartedAt };
      return mergePatch({ spec: { template: { metadata: { annotations } } } });
    },
    told: () => "restarted",
  }));
}

/** Goes back to the template and content of an earlier revision, the one before the newest when none is named. */
export async function runUndo(
  call: {
    readonly flags: RolloutFlags & { readonly toRevision: number | undefined };
    readonly operands: readonly string[];
  },
  shell: Shell,
): Promise<number> {
  const { toRevision = 0 } = call.flags;
  return changeRollouts(call, shell, "undo", async (key, { cluster }) => {
    const rollouts = await rolloutsOf(cluster, key, shell.signal);
    const target = chosenRollout(key, rollouts, toRevision);
    const newest = rollouts.at(-1);
    return {
      plan: (live) => {
        if (isPaused(live))
          throw failed(live, "you cannot rollback a paused deployment; resume it first with 'tsctl rollout resume'");
        return undoPatch(live, target, newest?.pins === target.pins);
      },
      told: ({ isChanged }) =>
        isChanged ? "rolled back" : `skipped rollback (current template already matches revision ${target.revision})`,
    };
  });
}

async function changeRollouts(
  { flags, operands }: RolloutCall,
  shell: Shell,
  action: string,
  changeOf: (key: ObjectKey, changes: Changes) => Change | Promise<Change>,
): Promise<number> {
  return withChanges(flags, shell, async (changes) => {
    const keys = await rolloutKeys({ shell, cluster: changes.cluster, flags }, operands);
    for (const { kind } of keys) checkRolloutKind(kind, action);
    return changes.each(keys, (key) => changeOf(key, changes));
  });
}

function chosenRollout(key: ObjectKey, rollouts: readonly Rollout[], revision: number): Rollout {
  if (revision > 0) return rolloutOf(key, rollouts, revision);
  const before = rollouts.at(-2);
  if (before !== undefined) return before;
  throw new TallshipError(
    "failed_precondition",
    `no rollout history found for ${KINDS[key.kind].plural} "${key.name}"`,
  );
}

/** The template goes whole, and with it why it was once chosen; the content that it had, the controller brings back. */
function undoPatch(live: Typed, target: Rollout, hasContent: boolean): ObjectPatch | undefined {
  const { template, cause, name, pins } = target;
  const wanted = template === undefined ? {} : messageToJson("PodTemplateSpec", template);
  const json = toJson(live);
  if (hasContent && deepEqual(valueAt(json, ["spec", "template"]), wanted)) return undefined;
  const { [CHANGE_CAUSE]: _cause, [UNDONE_TO]: _to, [UNDONE_FROM]: _from, ...others } = metaOf(live.object).annotations;
  const told = {
    ...others,
    ...(cause === "" ? {} : { [CHANGE_CAUSE]: cause }),
    ...(Object.keys(pins).length === 0 ? {} : { [UNDONE_TO]: name }),
  };
  const operations: Json = [
    { op: "replace", path: "/spec/template", value: wanted },
    { op: "add", path: "/metadata/annotations", value: told },
  ];
  return { ...mergePatch(operations), form: "json" };
}

function isPaused(live: Typed): boolean {
  return live.kind === "Deployment" && live.object.spec?.paused === true;
}

function failed(live: Typed, why: string): TallshipError {
  const { plural, group } = KINDS[live.kind];
  return new TallshipError("failed_precondition", `${plural}.${group} "${metaOf(live.object).name}" ${why}`);
}
