import { metaOf } from "../../kinds/object.js";
import { type UsageChunk, UsageRequest } from "../../proto/gen/tallship/v1/streams.js";
import { type ClusterFlags, withCluster } from "../cluster.js";
import { EXIT } from "../exit-codes.js";
import { listObjects } from "../objects.js";
import { podsOf } from "../pods/resolve.js";
import type { Shell } from "../shell.js";
import { formatTable } from "../table.js";
import { type UsageRow, usageRounds } from "./stats.js";

/** What `top` was asked. */
export interface TopFlags extends ClusterFlags {
  readonly allNamespaces: boolean;
  readonly selector: string | undefined;
  readonly containers: boolean;
  readonly sortBy: string | undefined;
  readonly noHeaders: boolean;
}

const EVERY_MS = 1_000;

/** What pods use, as kubectl tells it: once. */
export function runTopPods(flags: TopFlags, names: readonly string[], shell: Shell): Promise<number> {
  return withCluster(shell, flags, async (cluster) => {
    const namespace = flags.allNamespaces ? undefined : cluster.namespace;
    const query = { kind: "Pod", namespace, labels: flags.selector } as const;
    const chosen = new Set(
      (await podsOf(cluster, query, shell.signal)).map((pod) => `${metaOf(pod).namespace}/${metaOf(pod).name}`),
    );
    const request = UsageRequest.fromPartial({ namespace: namespace ?? "", pods: [...names], everyMs: EVERY_MS });
    for await (const rows of usageRounds(cluster, request, shell)) {
      const shown = rows.filter(({ run }) => chosen.has(`${run.namespace}/${run.pod}`));
      await shell.stdout.write(podTable(shown, flags));
      break;
    }
    return EXIT.ok;
  });
}

interface Sum {
  readonly cells: readonly string[];
  readonly cpuMillicores: number;
  readonly memoryBytes: number;
}

function podTable(rows: readonly UsageRow[], flags: TopFlags): string {
  const sums = new Map<string, Sum>();
  for (const { run, cpuPercent } of rows) {
    const names = [
      ...(flags.allNamespaces ? [run.namespace] : []),
      run.pod,
      ...(flags.containers ? [run.container] : []),
    ];
    const key = names.join("/");
    const before = sums.get(key) ?? { cpuMillicores: 0, memoryBytes: 0 };
    sums.set(key, {
      cells: names,
      cpuMillicores: before.cpuMillicores + cpuPercent * 10,
      memoryBytes: before.memoryBytes + run.memoryBytes,
    });
  }
  const head = [
    ...(flags.allNamespaces ? ["NAMESPACE"] : []),
    ...(flags.containers ? ["POD", "NAME"] : ["NAME"]),
    "CPU(cores)",
    "MEMORY(bytes)",
  ];
  return sumTable([...sums.values()], flags, { head, more: () => [] });
}

/** What nodes use, as kubectl tells it: once. */
export function runTopNodes(flags: TopFlags, names: readonly string[], shell: Shell): Promise<number> {
  return withCluster(shell, flags, async (cluster) => {
    const query = { kind: "Node", namespace: undefined, labels: flags.selector } as const;
    const { objects } = await listObjects(cluster, query, shell.signal);
    const all = objects.map(({ object }) => metaOf(object).name);
    const wanted = new Set(names.length === 0 ? all : all.filter((name) => names.includes(name)));
    const told = new Map<string, UsageChunk>();
    // A namespace that no pod has: only the nodes themselves are asked about. Use of CPU is known from the second time on.
    const request = UsageRequest.fromPartial({ namespace: "-", everyMs: EVERY_MS });
    for await (const chunk of cluster.streams.usage(request, { signal: shell.signal })) {
      if (chunk.failure !== "") wanted.delete(chunk.node);
      if (wanted.has(chunk.node) && chunk.usedMemoryBytes > 0) told.set(chunk.node, chunk);
      if (told.size >= wanted.size) break;
    }
    await shell.stdout.write(nodeTable([...told.values()], flags));
    return EXIT.ok;
  });
}

function nodeTable(chunks: readonly UsageChunk[], flags: TopFlags): string {
  const percent = (part: number, whole: number): string => `${whole === 0 ? 0 : Math.round((100 * part) / whole)}%`;
  const of = new Map(chunks.map((chunk) => [chunk.node, chunk]));
  const sums = chunks.map(({ node, usedCpuMillicores, usedMemoryBytes }) => ({
    cells: [node],
    cpuMillicores: usedCpuMillicores,
    memoryBytes: usedMemoryBytes,
  }));
  return sumTable(sums, flags, {
    head: ["NAME", "CPU(cores)", "CPU(%)", "MEMORY(bytes)", "MEMORY(%)"],
    more: ({ cells: [node = ""], cpuMillicores, memoryBytes }) => {
      const { cpuCount = 0, memoryBytes: whole = 0 } = of.get(node) ?? {};
      return [percent(cpuMillicores, cpuCount * 1_000), percent(memoryBytes, whole)];
    },
  });
}

function sumTable(
  sums: readonly Sum[],
  { sortBy, noHeaders }: TopFlags,
  { head, more }: { readonly head: readonly string[]; readonly more: (sum: Sum) => readonly string[] },
): string {
  const sorted = [...sums].sort((left, right) => {
    if (sortBy === "cpu") return right.cpuMillicores - left.cpuMillicores;
    if (sortBy === "memory") return right.memoryBytes - left.memoryBytes;
    return left.cells.join("/") < right.cells.join("/") ? -1 : 1;
  });
  const rows = sorted.map((sum) => {
    const [cpuShare, memoryShare] = more(sum);
    return [
      ...sum.cells,
      `${Math.ceil(sum.cpuMillicores)}m`,
      ...(cpuShare === undefined ? [] : [cpuShare]),
      `${Math.ceil(sum.memoryBytes / 2 ** 20)}Mi`,
      ...(memoryShare === undefined ? [] : [memoryShare]),
    ];
  });
  return formatTable(noHeaders ? rows : [head, ...rows]);
}
