import { toJson } from "../../kinds/encode.js";
import { metaOf } from "../../kinds/object.js";
import { KINDS, type KindName } from "../../kinds/registry.js";
import { messageSchema } from "../../kinds/schema.js";
import { TallshipError } from "../../lib/errors.js";
import { mergePatch, type Plan } from "../change/change.js";
import { type ChangeChosenFlags, changeChosen } from "../change/each.js";
import { valueAt } from "../change/pod-template.js";
import { namesFiles } from "../input/files.js";
import type { Shell } from "../shell.js";
import { objectText, readTargets } from "../targets.js";
import { usageError } from "../verb.js";

/** What `scale` was asked. */
export interface ScaleFlags extends ChangeChosenFlags {
  readonly replicas: number | undefined;
  readonly currentReplicas: number | undefined;
}

/** Scales each object; goes on after a failure. */
export async function runScale(
  call: { readonly flags: ScaleFlags; readonly operands: readonly string[] },
  shell: Shell,
): Promise<number> {
  const { replicas, currentReplicas, selector, all } = call.flags;
  if (replicas === undefined) throw usageError("say how many: --replicas=N");
  const isSelecting = selector !== undefined || all;
  for (const { kind, names } of namesFiles(call.flags) ? [] : readTargets(call.operands)) {
    refuseUnscalable(kind);
    if (names.length === 0 && !isSelecting) throw usageError(`name the ${KINDS[kind].plural} to scale`);
  }
  return changeChosen(call, shell, { plan: scaled(replicas, currentReplicas), told: () => "scaled" });
}

function scaled(replicas: number, only: number | undefined): Plan {
  return (live) => {
    refuseUnscalable(live.kind);
    const now = Number(valueAt(toJson(live), ["spec", "replicas"]) ?? 1);
    const { namespace, name } = metaOf(live.object);
    if (only !== undefined && now !== only)
      throw new TallshipError(
        "failed_precondition",
        `scale ${objectText(live.kind, namespace, name)}: ${now} replicas are wanted now, not ${only}`,
      );
    return now === replicas ? undefined : mergePatch({ spec: { replicas } });
  };
}

/** True when objects of the kind have a number of replicas. */
export function isScalable(kind: KindName): boolean {
  const spec = messageSchema(kind).byName.get("spec")?.messageName;
  return spec !== undefined && messageSchema(spec).byName.has("replicas");
}

function refuseUnscalable(kind: KindName): void {
  if (isScalable(kind)) return;
  const scalable = Object.values(KINDS)
    .filter((row) => isScalable(row.kind))
    .map(({ plural }) => plural);
  throw usageError(`${KINDS[kind].plural} cannot be scaled, only ${scalable.join(", ")}`);
}
