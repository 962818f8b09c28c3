import { metaOf } from "../../kinds/object.js";
import { type RunStats, type StatsChunk, StatsRequest } from "../../proto/gen/tallship/v1/streams.js";
import { type Cluster, type ClusterFlags, withCluster } from "../cluster.js";
import { EXIT } from "../exit-codes.js";
import { formatRows } from "../output/row-format.js";
import { podsOf } from "../pods/resolve.js";
import type { Shell } from "../shell.js";
import { findContainers } from "./find.js";
import { idOf, SHORT_ID } from "./identity.js";

/** What `stats` was asked. */
export interface StatsFlags extends ClusterFlags {
  readonly noStream: boolean;
  readonly noTrunc: boolean;
  readonly allNamespaces: boolean;
  readonly format: string | undefined;
}

/** What one container used between two readings of its node. */
export interface UsageRow {
  readonly node: string;
  readonly run: RunStats;
  /** Of one core: 250 is two and a half. */
  readonly cpuPercent: number;
  /** Of the time that it wanted to run it was held back by its limit. */
  readonly throttledPercent: number;
  readonly memoryLimitBytes: number;
}

const EVERY_MS = 1_000;

/** Shows what containers use, of the whole cluster, again and again; with --no-stream once. */
export function runStats(
  { flags, operands }: { readonly flags: StatsFlags; readonly operands: readonly string[] },
  shell: Shell,
): Promise<number> {
  return withCluster(shell, flags, async (cluster) => {
    const wanted = await findContainers(cluster, operands, shell.signal);
    const ids = await idsOf(cluster, flags, shell.signal);
    const request = StatsRequest.fromPartial({
      namespace: flags.allNamespaces ? "" : cluster.namespace,
      pods: [...new Set(wanted.map(({ pod }) => metaOf(pod).name))],
      everyMs: EVERY_MS,
    });
    const isWanted = (run: RunStats): boolean =>
      wanted.length === 0 ||
      wanted.some(({ pod, container }) => metaOf(pod).name === run.pod && container === run.container);
    const screen = new Screen(shell);
    for await (const rows of usageRounds(cluster, request, shell)) {
      const shown = rows.filter(({ run }) => isWanted(run));
      const cells = cellsOf(shown, (run) => ids.get(`${run.namespace}/${run.pod}/${run.container}`) ?? "");
      await screen.show(formatRows(cells, { format: flags.format, columns: COLUMNS }));
      if (flags.noStream) break;
    }
    return shell.signal.aborted ? EXIT.interrupted : EXIT.ok;
  });
}

async function idsOf(
  cluster: Cluster,
  { allNamespaces, noTrunc }: StatsFlags,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, string>> {
  const namespace = allNamespaces ? undefined : cluster.namespace;
  const pods = await podsOf(cluster, { kind: "Pod", namespace }, signal);
  return new Map(
    pods.flatMap((pod) =>
      (pod.spec?.containers ?? []).map(({ name: container }) => {
        const { namespace: where, name } = metaOf(pod);
        return [`${where}/${name}/${container}`, idOf({ pod, container }).slice(0, noTrunc ? undefined : SHORT_ID)];
      }),
    ),
  );
}

/**
 * What every container uses, each time that every node which answers has told twice: use of CPU is between two readings. Nodes that fail are told of once.
 */
export async function* usageRounds(
  cluster: Cluster,
  request: StatsRequest,
  shell: Shell,
): AsyncGenerator<readonly UsageRow[]> {
  const book = new UsageRows();
  const failed = new Set<string>();
  for await (const chunk of cluster.streams.stats(request, { signal: shell.signal })) {
    if (chunk.failure !== "") {
      if (!failed.has(chunk.node)) await shell.stderr.write(`warning: node ${chunk.node}: ${chunk.failure}\n`);
      failed.add(chunk.node);
    } else book.take(chunk);
    const rows = book.round();
    if (rows !== undefined) yield rows;
  }
}

/** The last two readings of each node. */
export class UsageRows {
  private readonly before = new Map<string, StatsChunk>();
  private readonly latest = new Map<string, StatsChunk>();
  private fresh = new Set<string>();

  take(chunk: StatsChunk): void {
    const last = this.latest.get(chunk.node);
    if (last !== undefined) {
      this.before.set(chunk.node, last);
      this.fresh.add(chunk.node);
    }
    this.latest.set(chunk.node, chunk);
  }

  /** Of all nodes, once each has told something new since the last round; undefined before. */
  round(): readonly UsageRow[] | undefined {
    if (this.fresh.size === 0 || this.fresh.size < this.latest.size) return undefined;
    this.fresh = new Set();
    return [...this.latest.values()]
      .flatMap((chunk) => chunk.runs.map((run) => rowOf(run, chunk, this.before.get(chunk.node))))
      .sort((left, right) => (keyOf(left) < keyOf(right) ? -1 : 1));
  }
}

function keyOf({ run }: UsageRow): string {
  return `${run.namespace}/${run.pod}/${run.container}`;
}

function rowOf(run: RunStats, chunk: StatsChunk, before: StatsChunk | undefined): UsageRow {
  const last = before?.runs.find(
    (other) => other.namespace === run.namespace && other.pod === run.pod && other.container === run.container,
  );
  const elapsedMicroseconds = before === undefined ? 0 : (chunk.readAtMs - before.readAtMs) * 1_000;
  const percent = (now: number, then: number | undefined): number =>
    then === undefined || elapsedMicroseconds <= 0 ? 0 : Math.max(0, (100 * (now - then)) / elapsedMicroseconds);
  return {
    node: chunk.node,
    run,
    cpuPercent: percent(run.cpuMicroseconds, last?.cpuMicroseconds),
    throttledPercent: percent(run.throttledMicroseconds, last?.throttledMicroseconds),
    memoryLimitBytes: run.memoryLimitBytes === 0 ? chunk.memoryBytes : run.memoryLimitBytes,
  };
}

const COLUMNS = [
  ["ID", "CONTAINER ID"],
  ["Name", "NAME"],
  ["CPUPerc", "CPU %"],
  ["Throttled", "THROTTLED"],
  ["MemUsage", "MEM USAGE / LIMIT"],
  ["MemPerc", "MEM %"],
  ["NetIO", "NET I/O"],
  ["BlockIO", "BLOCK I/O"],
  ["PIDs", "PIDS"],
  ["Node", "NODE"],
] as const;

/** Docker's fields, and what a cluster has beside them. */
function cellsOf(rows: readonly UsageRow[], id: (run: RunStats) => string) {
  const counts = new Map<string, number>();
  for (const { run } of rows) counts.set(run.pod, (counts.get(run.pod) ?? 0) + 1);
  return rows.map(({ node, run, cpuPercent, throttledPercent, memoryLimitBytes }) => {
    const name = (counts.get(run.pod) ?? 0) > 1 ? `${run.pod}/${run.container}` : run.pod;
    const memoryPercent = memoryLimitBytes === 0 ? 0 : (100 * run.memoryBytes) / memoryLimitBytes;
    return {
      ...{ ID: id(run), Container: id(run), Name: name, Namespace: run.namespace },
      ...{ CPUPerc: `${cpuPercent.toFixed(2)}%`, Throttled: `${throttledPercent.toFixed(2)}%` },
      MemUsage: `${binary(run.memoryBytes)} / ${binary(memoryLimitBytes)}`,
      MemPerc: `${memoryPercent.toFixed(2)}%`,
      NetIO: `${decimal(run.receivedBytes)} / ${decimal(run.sentBytes)}`,
      BlockIO: `${decimal(run.readBytes)} / ${decimal(run.writtenBytes)}`,
      ...{ PIDs: String(run.pidCount), Node: node },
    };
  });
}

/** Bytes in the units in which Docker tells memory. */
export function binary(bytes: number): string {
  return scaled(bytes, 1_024, ["B", "KiB", "MiB", "GiB", "TiB"]);
}

/** Bytes in the units in which Docker tells traffic. */
export function decimal(bytes: number): string {
  return scaled(bytes, 1_000, ["B", "kB", "MB", "GB", "TB"]);
}

function scaled(bytes: number, base: number, units: readonly string[]): string {
  const unit = Math.min(units.length - 1, bytes < 1 ? 0 : Math.floor(Math.log(bytes) / Math.log(base)));
  const value = bytes / base ** unit;
  return `${unit === 0 ? value : Number(value.toPrecision(4))}${units[unit]}`;
}

/** A table that replaces the one before it where there is a terminal; else one follows the other. */
class Screen {
  private readonly shell: Shell;

  constructor(shell: Shell) {
    this.shell = shell;
  }

  async show(text: string): Promise<void> {
    const { stdout } = this.shell;
    // To the upper left corner, every line and what is below it cleared.
    if (stdout.isTerminal) await stdout.write(`\u001b[H${text.replaceAll("\n", "\u001b[K\n")}\u001b[J`);
    else await stdout.write(text);
  }
}
