import { APPLY_MS } from "../apply/send-set.js";
import { tellResults } from "../apply/told.js";
import { type ClusterFlags, withCluster } from "../cluster.js";
import { EXIT } from "../exit-codes.js";
import type { FileFlags } from "../input/files.js";
import { safeText } from "../safe-text.js";
import type { Shell } from "../shell.js";
import { toldAlready } from "../verb.js";
import { isUnfit, ownerText, planSum, planTable } from "./plan-table.js";
import { readPlannedSet } from "./planned-set.js";

/** What `plan` was asked. */
export interface PlanFlags extends ClusterFlags, FileFlags {
  readonly force: boolean;
  readonly output: string | undefined;
}

/** Reads and checks everything as apply does, and asks where the pods would run. */
export async function runPlan({ flags }: { readonly flags: PlanFlags }, shell: Shell): Promise<number> {
  return withCluster(shell, flags, async (cluster) => {
    const { objects, requests } = await readPlannedSet(shell, flags, cluster);
    const answer = await cluster.explain.plan(requests, { signal: shell.signal, deadlineMs: APPLY_MS });
    const failed = answer.results.filter(({ outcome }) => outcome === "failed");
    if (failed.length > 0) await tellResults({ results: failed }, objects, { shell, output: "name", isDry: true });
    await shell.stdout.write(safeText(planTable(answer.pods, flags.output === "wide")));
    for (const { owner, text } of answer.notes) await shell.stdout.write(safeText(`${ownerText(owner)} ${text}\n`));
    await shell.stdout.write(`${planSum(answer)}\n`);
    if (answer.pods.some(isUnfit) || answer.notes.some(({ isRefusal }) => isRefusal))
      throw toldAlready("failed_precondition");
    return EXIT.ok;
  });
}
