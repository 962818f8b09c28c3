import type { ObjectKey } from "../../kinds/object.js";
import { TallshipError } from "../../lib/errors.js";
import { withChanges } from "../change/each.js";
import { EXIT } from "../exit-codes.js";
import { eachOf } from "../objects.js";
import { podsOf } from "../pods/resolve.js";
import type { Shell } from "../shell.js";
import { refText } from "../targets.js";
import { toldAlready } from "../verb.js";
import { chosenNodes, readNodeNames } from "./chosen-nodes.js";
import { cordonChange } from "./cordon.js";
import { type DrainPlan, drainPlan } from "./drain-plan.js";
import type { DrainFlags, DrainRun } from "./drain-run.js";
import { emptyNode } from "./empty-node.js";

/**
 * Cordons nodes and evicts their pods, within disruption budgets, until none is left that has to go. All nodes are cordoned before the first
 * pod is evicted, so that none moves twice. Goes on with the other nodes after a failure; a second call takes up where the first ended.
 */
export async function runDrain(
  { flags, operands }: { readonly flags: DrainFlags; readonly operands: readonly string[] },
  shell: Shell,
): Promise<number> {
  const names = readNodeNames(operands, flags);
  return withChanges({ ...flags, output: undefined }, shell, async (changes) => {
    const keys = await chosenNodes({ shell, cluster: changes.cluster, flags }, names);
    await changes.each(keys, () => cordonChange(true));
    const run: DrainRun = { shell, changes, flags };
    const failures = await eachOf(keys, (key) => drainNode(run, key));
    for (const failure of failures) await shell.stderr.write(`error: ${failure.message}\n`);
    const [first] = failures;
    if (first !== undefined) throw toldAlready(first.code);
    return EXIT.ok;
  });
}

async function drainNode(run: DrainRun, { name }: ObjectKey): Promise<void> {
  const { shell, changes } = run;
  const query = { kind: "Pod", namespace: undefined, fields: `spec.nodeName=${name}`, labels: run.flags.podSelector };
  const pods = await podsOf(changes.cluster, { ...query, kind: "Pod" }, shell.signal);
  const plan = drainPlan(pods, rulesOf(run.flags), shell.clock.nowMs());
  for (const warning of plan.warnings) await shell.stderr.write(`warning: ${warning}\n`);
  refuse(name, plan);
  await emptyNode(run, name, plan.evict);
  const note = changes.run.dryRun === undefined ? "" : ` (${changes.run.dryRun} dry run)`;
  await shell.stdout.write(`${refText("Node", name)} drained${note}\n`);
}

function rulesOf(flags: DrainFlags): Parameters<typeof drainPlan>[1] {
  return {
    force: flags.force,
    ignoreDaemonSets: flags.ignoreDaemonsets,
    deleteEmptyDirData: flags.deleteEmptydirData,
    skipDeletedAfterMs: flags.skipWaitForDeleteTimeout ?? 0,
  };
}

function refuse(name: string, { refusals }: DrainPlan): void {
  if (refusals.length === 0) return;
  const lines = refusals.map((refusal) => `\n  ${refusal}`).join("");
  const message = `node "${name}" stays cordoned, but cannot be drained; on it are${lines}`;
  throw new TallshipError("failed_precondition", message);
}
