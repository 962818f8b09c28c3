import { metaOf } from "../../kinds/object.js";
import { conditionOf, isPodFinished, isPodReady } from "../../kinds/pod-state.js";
import { podSummary } from "../../kinds/pod-summary.js";
import { hasCode } from "../../lib/errors.js";
import type { Event } from "../../proto/gen/tallship/v1/event.js";
import { WhyRequest } from "../../proto/gen/tallship/v1/explain.js";
import type { Node } from "../../proto/gen/tallship/v1/node.js";
import type { Pod } from "../../proto/gen/tallship/v1/pod.js";
import { type Cluster, type ClusterFlags, withCluster } from "../cluster.js";
import { eventsAbout } from "../events/about.js";
import { EXIT } from "../exit-codes.js";
import { getObject, keyIn } from "../objects.js";
import { type PodTarget, podQuery, podsOf } from "../pods/resolve.js";
import { safeText } from "../safe-text.js";
import type { Shell } from "../shell.js";
import { readTarget, refText } from "../targets.js";
import { ownerWaits, wantedPods } from "./owner-waits.js";
import { waitsOf } from "./pod-waits.js";
import { scoreLines, whyLines } from "./why-page.js";

/** A question that is being answered. */
interface WhyRun {
  readonly shell: Shell;
  readonly cluster: Cluster;
}

/** A pod that is not as it should be, and what it says of itself: equal texts are told once. */
interface Trouble {
  readonly pod: Pod;
  readonly key: string;
}

/** Pods of a workload that are explained one by one. */
const MOST_PODS = 10;

/** Tells why a pod does not run, or of a workload why each kind of its pods does not. */
export async function runWhy(
  { flags, operands }: { readonly flags: ClusterFlags; readonly operands: readonly string[] },
  shell: Shell,
): Promise<number> {
  const target = readTarget(operands, "Pod");
  return withCluster(shell, flags, async (cluster) => {
    const run: WhyRun = { shell, cluster };
    const texts = target.kind === "Pod" ? [await ofPod(run, target.name)] : await ofWorkload(run, target);
    await shell.stdout.write(safeText(texts.join("\n")));
    return EXIT.ok;
  });
}

async function ofPod(run: WhyRun, name: string): Promise<string> {
  const pod = await getObject(run.cluster, keyIn("Pod", run.cluster.namespace, name), run.shell.signal);
  const place = await placeLines(run, pod);
  return pageOf(pod, await linesOf(run, pod), 0) + place.map((line) => `${line}\n`).join("");
}

async function ofWorkload(run: WhyRun, target: PodTarget): Promise<readonly string[]> {
  const { cluster, shell } = run;
  const pods = await podsOf(cluster, await podQuery(cluster, target, shell.signal), shell.signal);
  const groups = new Map<string, Trouble[]>();
  for (const pod of pods.filter(isTroubled)) {
    const key = troubleKey(pod);
    groups.set(key, [...(groups.get(key) ?? []), { pod, key }]);
  }
  const name = refText(target.kind, target.name);
  const ready = pods.filter(isPodReady).length;
  const done = pods.filter(({ status }) => status?.phase === "Succeeded").length;
  const wanted = (await wantedPods(cluster, target, shell.signal)) ?? 0;
  const finished = done === 0 ? "" : `, ${done} ${done === 1 ? "has" : "have"} finished`;
  const texts = [`${name}: ${ready} of ${Math.max(wanted, pods.length - done)} pods are ready${finished}\n`];
  const owner = await ownerWaits(cluster, target, shell.signal);
  if (owner.length > 0) texts.push(owner.map((line) => `${line}\n`).join(""));
  for (const [first, ...others] of [...groups.values()].slice(0, MOST_PODS))
    if (first !== undefined) texts.push(pageOf(first.pod, await linesOf(run, first.pod), others.length));
  return texts;
}

/** A job's pod that has done its work is as it should be. */
function isTroubled(pod: Pod): boolean {
  return pod.status?.phase !== "Succeeded" && !isPodReady(pod);
}

/** Equal for pods that wait for the same, as far as their own statuses say. */
function troubleKey(pod: Pod): string {
  const scheduled = conditionOf(pod.status?.conditions, "PodScheduled");
  const states = (pod.status?.containerStatuses ?? []).map(({ state }) => state?.waiting?.reason ?? "");
  const { nodeName = "" } = pod.spec ?? {};
  return [nodeName === "" ? "" : podSummary(pod).status, scheduled?.message ?? "", ...states].join("|");
}

function pageOf(pod: Pod, lines: readonly string[], otherCount: number): string {
  const { status } = podSummary(pod);
  const others = otherCount === 0 ? "" : ` (as ${otherCount} more)`;
  const head = `${refText("Pod", metaOf(pod).name)}${others}: ${status}`;
  return [lines.length === 0 ? `${head}: nothing is known to be wrong` : head, ...lines]
    .map((line) => `${line}\n`)
    .join("");
}

async function linesOf(run: WhyRun, pod: Pod): Promise<readonly string[]> {
  const { nodeName = "" } = pod.spec ?? {};
  if (nodeName === "" && !isPodFinished(pod)) return unboundLines(run, pod);
  const { cluster, shell } = run;
  const node = await nodeNamed(cluster, nodeName, shell.signal);
  return waitsOf(pod, { node, events: await podEvents(run, pod), nowMs: shell.clock.nowMs() });
}

async function unboundLines({ cluster, shell }: WhyRun, pod: Pod): Promise<readonly string[]> {
  const { namespace, name } = metaOf(pod);
  const request = WhyRequest.fromPartial({ namespace, name });
  return whyLines(await cluster.explain.why(request, { signal: shell.signal }));
}

/** How the pod's node compares with others. */
async function placeLines({ cluster, shell }: WhyRun, pod: Pod): Promise<readonly string[]> {
  const { nodeName = "" } = pod.spec ?? {};
  if (nodeName === "") return [];
  const { namespace, name } = metaOf(pod);
  const { scores } = await cluster.explain.why(WhyRequest.fromPartial({ namespace, name }), { signal: shell.signal });
  if (scores.length === 0) return [];
  return ["", "Were it placed now, nodes would come in this order:", ...scoreLines(scores, nodeName).slice(1)];
}

async function nodeNamed(cluster: Cluster, name: string, signal: AbortSignal): Promise<Node | undefined> {
  try {
    return await getObject(cluster, keyIn("Node", "", name), signal);
  } catch (error) {
    if (hasCode(error, "not_found")) return undefined;
    throw error;
  }
}

function podEvents({ cluster, shell }: WhyRun, pod: Pod): Promise<readonly Event[]> {
  return eventsAbout(cluster, { kind: "Pod", object: pod }, shell.signal);
}
