import { type TopNode, TopRequest, type TopResource } from "../../proto/gen/tallship/v1/explain.js";
import { type ClusterFlags, withCluster } from "../cluster.js";
import { EXIT } from "../exit-codes.js";
import { listObjects } from "../objects.js";
import { safeText } from "../safe-text.js";
import type { Shell } from "../shell.js";
import { formatTable } from "../table.js";
import { usageError } from "../verb.js";
import { amountCell, type SortFlags, sortedBy, TOP_MS, tellProblem } from "./cells.js";

/** What `top nodes` was asked. */
export interface TopNodesFlags extends ClusterFlags, SortFlags {
  readonly selector: string | undefined;
  readonly noHeaders: boolean;
}

/** A table of nodes: used, reserved, and how much of what is free is of any use. */
export async function runTopNodes(
  { flags, operands }: { readonly flags: TopNodesFlags; readonly operands: readonly string[] },
  shell: Shell,
): Promise<number> {
  if (operands.length > 0 && flags.selector !== undefined) throw usageError("name nodes or select them, not both");
  return withCluster(shell, flags, async (cluster) => {
    const options = { signal: shell.signal, deadlineMs: TOP_MS };
    const answer = await cluster.explain.top(TopRequest.fromPartial({}), options);
    const query = { kind: "Node" as const, namespace: undefined, labels: flags.selector };
    const { objects } = await listObjects(cluster, query, shell.signal);
    const chosen = new Set(operands.length > 0 ? operands : objects.map(({ object }) => object.metadata?.name ?? ""));
    const nodes = sortedBy(
      answer.nodes.filter(({ name }) => chosen.has(name)),
      flags.sortBy,
      (node, resource) => resourceOf(node, resource)?.used,
    );
    await tellProblem(answer, shell);
    if (nodes.length === 0) await shell.stderr.write("no nodes found\n");
    else await shell.stdout.write(safeText(formatTable(tableOf(nodes, !flags.noHeaders))));
    return EXIT.ok;
  });
}

const USUAL: readonly string[] = ["cpu", "memory", "pods", "ephemeral-storage"];
const HEADINGS = [
  "NAME",
  "CPU(cores)",
  "CPU(%)",
  "MEMORY(bytes)",
  "MEMORY(%)",
  "CPU REQUESTED",
  "MEMORY REQUESTED",
  "PODS",
];

/** kubectl's columns first. Resources beyond the usual have a column each where any node has them. */
function tableOf(nodes: readonly TopNode[], withHeadings: boolean): readonly (readonly string[])[] {
  const others = nodes.flatMap(({ resources }) => resources.map(({ name }) => name));
  const extended = [...new Set(others)].filter((name) => !USUAL.includes(name)).sort();
  const withGpus = nodes.some(({ gpus }) => gpus !== undefined);
  const rows = nodes.map((node) => [...rowOf(node, extended), ...(withGpus ? gpuCells(node) : [])]);
  const gpuHeadings = withGpus ? ["GPU ALLOCATED", "GPU FRAGMENTED"] : [];
  const headings = [...HEADINGS, ...extended.map((name) => name.toUpperCase()), "FRAGMENTED", ...gpuHeadings];
  return withHeadings ? [headings, ...rows] : rows;
}

function rowOf(node: TopNode, extended: readonly string[]): readonly string[] {
  const [cpu, memory] = [resourceOf(node, "cpu"), resourceOf(node, "memory")];
  return [
    node.name,
    amountCell("cpu", cpu?.used),
    shareOf(cpu?.used, cpu),
    amountCell("memory", memory?.used),
    shareOf(memory?.used, memory),
    requestedOf(cpu),
    requestedOf(memory),
    countOf(resourceOf(node, "pods")),
    ...extended.map((name) => countOf(resourceOf(node, name))),
    percentOf(node.fragmentation),
  ];
}

/** GPUs given out, shares as parts of one, and how much of the rest is of no use to what pods ask for. */
function gpuCells({ gpus }: TopNode): readonly string[] {
  if (gpus === undefined) return ["-", "-"];
  const allocated = Number(gpus.allocated.toFixed(2));
  return [`${allocated}/${gpus.count} (${percentOf(gpus.allocated / gpus.count)})`, percentOf(gpus.fragmentation)];
}

function percentOf(share: number | undefined): string {
  return share === undefined ? "-" : `${Math.round(share * 100)}%`;
}

function resourceOf({ resources }: TopNode, name: string): TopResource | undefined {
  return resources.find((resource) => resource.name === name);
}

function shareOf(amount: number | undefined, resource: TopResource | undefined): string {
  if (amount === undefined || resource === undefined || resource.allocatable === 0) return "-";
  return percentOf(amount / resource.allocatable);
}

function requestedOf(resource: TopResource | undefined): string {
  if (resource === undefined) return "-";
  return `${amountCell(resource.name, resource.requested)} (${shareOf(resource.requested, resource)})`;
}

function countOf(resource: TopResource | undefined): string {
  return resource === undefined ? "-" : `${resource.requested}/${resource.allocatable}`;
}
