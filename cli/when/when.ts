import { metaOf } from "../../kinds/object.js";
import { isPodFinished } from "../../kinds/pod-state.js";
import { WhenRequest, WhenResponse } from "../../proto/gen/tallship/v1/explain.js";
import { APPLY_MS } from "../apply/send-set.js";
import { tellResults } from "../apply/told.js";
import { type Cluster, type ClusterFlags, withCluster } from "../cluster.js";
import { EXIT } from "../exit-codes.js";
import { type FileFlags, namesFiles } from "../input/files.js";
import { getObject, keyIn } from "../objects.js";
import { readPlannedSet } from "../plan/planned-set.js";
import { type PodTarget, podQuery, podsOf } from "../pods/resolve.js";
import { safeText } from "../safe-text.js";
import type { Shell } from "../shell.js";
import { readTarget, refText } from "../targets.js";
import { usageError } from "../verb.js";
import { ownerWaits, wantedPods } from "../why/owner-waits.js";
import { whenLines } from "./when-page.js";

/** What `when` was asked. */
export interface WhenFlags extends ClusterFlags, FileFlags {}

/** Tells when pods that wait, or that files would make, get a node. */
export async function runWhen(
  { flags, operands }: { readonly flags: WhenFlags; readonly operands: readonly string[] },
  shell: Shell,
): Promise<number> {
  const isByFile = namesFiles(flags);
  if (isByFile === operands.length > 0) throw usageError("name a pod or a workload, or files with -f");
  const target = isByFile ? undefined : readTarget(operands, "Pod");
  return withCluster(shell, flags, async (cluster) => {
    const answer =
      target === undefined ? await askForFiles(cluster, flags, shell) : await askFor(cluster, target, shell);
    const texts = answer.pods.map((pod) =>
      whenLines(pod, answer)
        .map((line) => `${line}\n`)
        .join(""),
    );
    const text = texts.length === 0 ? await whyNobody(cluster, target, shell) : texts.join("");
    await shell.stdout.write(safeText(text));
    return EXIT.ok;
  });
}

/** Pods of a workload that are yet to be made are not told of as if there were none. */
async function whyNobody(cluster: Cluster, target: PodTarget | undefined, { signal }: Shell): Promise<string> {
  if (target === undefined) return "no pod waits, and none would\n";
  if (target.kind === "Pod") {
    const { spec } = await getObject(cluster, keyIn("Pod", cluster.namespace, target.name), signal);
    const gates = (spec?.schedulingGates ?? []).map(({ name }) => name).join(", ");
    const why = gates === "" ? "" : `: it waits for its scheduling gates to be removed: ${gates}`;
    return `pod/${target.name} does not wait for a node${why}\n`;
  }
  const pods = await podsOf(cluster, await podQuery(cluster, target, signal), signal);
  const wanted = (await wantedPods(cluster, target, signal)) ?? 0;
  const missing = wanted - pods.filter((pod) => !isPodFinished(pod)).length;
  const coming = missing <= 0 ? "" : `, ${missing} ${missing === 1 ? "is" : "are"} yet to be made`;
  const lines = [`${refText(target.kind, target.name)}: no pod waits for a node${coming}`];
  lines.push(...(await ownerWaits(cluster, target, signal)).map((why) => `  ${why}`));
  return lines.map((line) => `${line}\n`).join("");
}

/** Of a workload, about all its pods without a node at once. */
async function askFor(cluster: Cluster, target: PodTarget, shell: Shell): Promise<WhenResponse> {
  const { namespace } = cluster;
  const pods =
    target.kind === "Pod" ? [] : await podsOf(cluster, await podQuery(cluster, target, shell.signal), shell.signal);
  const waiting = pods.filter((pod) => (pod.spec?.nodeName ?? "") === "" && !isPodFinished(pod));
  const [name, ...others] = target.kind === "Pod" ? [target.name] : waiting.map((pod) => metaOf(pod).name);
  if (name === undefined) return WhenResponse.fromPartial({});
  return cluster.explain.when(WhenRequest.fromPartial({ namespace, name, others }), { signal: shell.signal });
}

async function askForFiles(cluster: Cluster, flags: WhenFlags, shell: Shell): Promise<WhenResponse> {
  const { objects, requests } = await readPlannedSet(shell, flags, cluster);
  const answer = await cluster.explain.whenSet(requests, { signal: shell.signal, deadlineMs: APPLY_MS });
  const failed = answer.results.filter(({ outcome }) => outcome === "failed");
  if (failed.length > 0) await tellResults({ results: failed }, objects, { shell, output: "name", isDry: true });
  return answer;
}
