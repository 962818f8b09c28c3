import { Selection } from "../../proto/gen/tallship/v1/api.js";
import { type TopPod, TopRequest } from "../../proto/gen/tallship/v1/explain.js";
import { type ClusterFlags, withCluster } from "../cluster.js";
import { EXIT } from "../exit-codes.js";
import { keyIn, missing } from "../objects.js";
import { safeText } from "../safe-text.js";
import type { Shell } from "../shell.js";
import { formatTable } from "../table.js";
import { usageError } from "../verb.js";
import { amountCell, type SortFlags, sortedBy, TOP_MS, tellProblem } from "./cells.js";

/** What `top pods` was asked. */
export interface TopPodsFlags extends ClusterFlags, SortFlags {
  readonly selector: string | undefined;
  readonly fieldSelector: string | undefined;
  readonly allNamespaces: boolean;
  readonly containers: boolean;
  readonly noHeaders: boolean;
  readonly sum: boolean;
}

/** A table of pods, or of their containers: what they use, and what they have reserved. */
export async function runTopPods(
  { flags, operands }: { readonly flags: TopPodsFlags; readonly operands: readonly string[] },
  shell: Shell,
): Promise<number> {
  const [name, ...others] = operands;
  if (others.length > 0) throw usageError(`unexpected "${others[0]}": name one pod, or select them with -l`);
  if (name !== undefined && flags.selector !== undefined) throw usageError("name a pod or select them, not both");
  return withCluster(shell, flags, async (cluster) => {
    const fields = [name === undefined ? undefined : `metadata.name=${name}`, flags.fieldSelector];
    const pods = Selection.fromPartial({
      kind: "Pod",
      namespace: flags.allNamespaces ? "" : cluster.namespace,
      labels: flags.selector ?? "",
      fields: fields.filter((field) => field !== undefined).join(","),
    });
    const options = { signal: shell.signal, deadlineMs: TOP_MS };
    const answer = await cluster.explain.top(TopRequest.fromPartial({ pods }), options);
    if (name !== undefined && answer.pods.length === 0) throw missing(keyIn("Pod", cluster.namespace, name));
    const sorted = sortedBy(answer.pods, flags.sortBy, (pod, resource) => usedBy(pod, resource));
    await tellProblem(answer, shell);
    if (sorted.length === 0) await shell.stderr.write(`no pods found in namespace ${cluster.namespace}\n`);
    else await shell.stdout.write(safeText(formatTable(tableOf(sorted, flags))));
    return EXIT.ok;
  });
}

const HEADINGS = ["CPU(cores)", "MEMORY(bytes)", "CPU REQUESTED", "MEMORY REQUESTED", "NODE"];

function tableOf(pods: readonly TopPod[], flags: TopPodsFlags): readonly (readonly string[])[] {
  const namespaced = (pod: TopPod, cells: readonly string[]): readonly string[] =>
    flags.allNamespaces ? [pod.namespace, ...cells] : cells;
  const first = flags.allNamespaces ? ["NAMESPACE"] : [];
  if (flags.containers) {
    const rows = pods.flatMap((pod) =>
      pod.containers.map(({ name, cpuMillicores, memoryBytes }) =>
        namespaced(pod, [pod.name, name, amountCell("cpu", cpuMillicores), amountCell("memory", memoryBytes)]),
      ),
    );
    return flags.noHeaders ? rows : [[...first, "POD", "NAME", "CPU(cores)", "MEMORY(bytes)"], ...rows];
  }
  const rows = pods.map((pod) => namespaced(pod, rowOf(pod)));
  const sum = flags.sum ? [[...first.map(() => ""), "", ...sumOf(pods)]] : [];
  return [...(flags.noHeaders ? [] : [[...first, "NAME", ...HEADINGS]]), ...rows, ...sum];
}

function rowOf(pod: TopPod): readonly string[] {
  return [
    pod.name,
    amountCell("cpu", usedBy(pod, "cpu")),
    amountCell("memory", usedBy(pod, "memory")),
    amountCell("cpu", pod.cpuMillicoresRequested),
    amountCell("memory", pod.memoryBytesRequested),
    pod.node === "" ? "<none>" : pod.node,
  ];
}

function sumOf(pods: readonly TopPod[]): readonly string[] {
  const total = (of: (pod: TopPod) => number | undefined): number => pods.reduce((sum, pod) => sum + (of(pod) ?? 0), 0);
  return [
    amountCell(
      "cpu",
      total((pod) => usedBy(pod, "cpu")),
    ),
    amountCell(
      "memory",
      total((pod) => usedBy(pod, "memory")),
    ),
    amountCell(
      "cpu",
      total((pod) => pod.cpuMillicoresRequested),
    ),
    amountCell(
      "memory",
      total((pod) => pod.memoryBytesRequested),
    ),
  ];
}

/** What all containers together use; undefined when nothing was measured. */
function usedBy({ containers }: TopPod, resource: "cpu" | "memory"): number | undefined {
  const amounts = containers.flatMap(({ cpuMillicores, memoryBytes }) =>
    resource === "memory" ? [memoryBytes] : cpuMillicores === undefined ? [] : [cpuMillicores],
  );
  return amounts.length === 0 ? undefined : amounts.reduce((sum, amount) => sum + amount, 0);
}
