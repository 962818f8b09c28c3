import { hasCode } from "../../lib/errors.js";
import { EvictRequest } from "../../proto/gen/tallship/v1/api.js";
import { type PodMove, RebalanceRequest } from "../../proto/gen/tallship/v1/explain.js";
import { type Cluster, type ClusterFlags, withCluster } from "../cluster.js";
import { EXIT } from "../exit-codes.js";
import { eachOf } from "../objects.js";
import { safeText } from "../safe-text.js";
import type { Shell } from "../shell.js";
import { formatTable } from "../table.js";
import { refText } from "../targets.js";
import { toldAlready } from "../verb.js";

/** What `rebalance` was asked. */
export interface RebalanceFlags extends ClusterFlags {
  readonly most: number | undefined;
  readonly allNamespaces: boolean;
  readonly dryRun: string | undefined;
}

/** Shows which pods would be better off elsewhere, and, unless it only tries, evicts them within their budgets. */
export async function runRebalance({ flags }: { readonly flags: RebalanceFlags }, shell: Shell): Promise<number> {
  return withCluster(shell, flags, async (cluster) => {
    const namespace = flags.allNamespaces ? "" : cluster.namespace;
    const request = RebalanceRequest.fromPartial({ namespace, most: flags.most ?? 0 });
    const { moves, movableCount, protectedCount } = await cluster.explain.rebalance(request, { signal: shell.signal });
    const rows = moves.map(({ namespace: of, name, from, to, why }) => [of, name, from, to, why]);
    if (rows.length > 0)
      await shell.stdout.write(safeText(formatTable([["NAMESPACE", "POD", "FROM", "TO", "WHY"], ...rows])));
    const kept = protectedCount === 0 ? "" : `, ${protectedCount} more if budgets allowed it`;
    const isDry = flags.dryRun === "client" || flags.dryRun === "server";
    const end = isDry || moves.length === 0 ? "; nothing was moved" : "";
    await shell.stdout.write(
      `${moves.length} of ${movableCount} movable pods would be better off elsewhere${kept}${end}\n`,
    );
    return isDry ? EXIT.ok : move(moves, { cluster, shell });
  });
}

/** A pod whose budget has been used up meanwhile stays; the others go. */
async function move(
  moves: readonly PodMove[],
  { cluster, shell }: { readonly cluster: Cluster; readonly shell: Shell },
): Promise<number> {
  const failures = await eachOf(moves, async ({ namespace, name, uid }) => {
    try {
      await cluster.objects.evict(EvictRequest.fromPartial({ namespace, name, uid }), { signal: shell.signal });
      await shell.stdout.write(`${refText("Pod", name)} evicted\n`);
    } catch (error) {
      if (!hasCode(error, "not_found")) throw error;
    }
  });
  for (const failure of failures) await shell.stderr.write(`error: ${failure.message}\n`);
  const [first] = failures;
  if (first !== undefined) throw toldAlready(first.code);
  return EXIT.ok;
}
