import { WhenRequest, type WhenResponse } from "../../proto/gen/tallship/v1/explain.js";
import { APPLY_MS } from "../apply/send-set.js";
import { tellResults } from "../apply/told.js";
import { type Cluster, type ClusterFlags, withCluster } from "../cluster.js";
import { EXIT } from "../exit-codes.js";
import { type FileFlags, namesFiles } from "../input/files.js";
import { readPlannedSet } from "../plan/planned-set.js";
import { safeText } from "../safe-text.js";
import type { Shell } from "../shell.js";
import { usageError } from "../verb.js";
import { whenLines } from "./when-page.js";

/** What `when` was asked. */
export interface WhenFlags extends ClusterFlags, FileFlags {}

/** Tells when pods that wait, or that files would make, get a node. */
export async function runWhen(
  { flags, operands }: { readonly flags: WhenFlags; readonly operands: readonly string[] },
  shell: Shell,
): Promise<number> {
  const isByFile = namesFiles(flags);
  const [first, ...others] = operands;
  if (isByFile === (first !== undefined)) throw usageError("name one pod, or files with -f");
  if (others.length > 0) throw usageError(`unexpected "${others[0]}": name one pod`);
  return withCluster(shell, flags, async (cluster) => {
    const name = first?.replace(/^(pod|pods|po)\//, "") ?? "";
    const request = WhenRequest.fromPartial({ namespace: cluster.namespace, name });
    const answer = isByFile
      ? await askForFiles(cluster, flags, shell)
      : await cluster.explain.when(request, { signal: shell.signal });
    const texts = answer.pods.map((pod) =>
      whenLines(pod, answer)
        .map((line) => `${line}\n`)
        .join(""),
    );
    await shell.stdout.write(safeText(texts.length === 0 ? "no pod waits, and none would\n" : texts.join("")));
    return EXIT.ok;
  });
}

async function askForFiles(cluster: Cluster, flags: WhenFlags, shell: Shell): Promise<WhenResponse> {
  const { objects, requests } = await readPlannedSet(shell, flags, cluster);
  const answer = await cluster.explain.whenSet(requests, { signal: shell.signal, deadlineMs: APPLY_MS });
  const failed = answer.results.filter(({ outcome }) => outcome === "failed");
  if (failed.length > 0) await tellResults({ results: failed }, objects, { shell, output: "name", isDry: true });
  return answer;
}
