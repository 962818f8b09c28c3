import { bySeen } from "../../kinds/columns/event.js";
import { metaOf, type Typed } from "../../kinds/object.js";
import { type Cluster, type ClusterFlags, withCluster } from "../cluster.js";
import { EXIT } from "../exit-codes.js";
import { listObjects, type Query } from "../objects.js";
import { formatOf, printObjects, type TableShape, tableHeadings, tableRow } from "../print.js";
import type { Shell } from "../shell.js";
import { formatRow, widthsOf } from "../table.js";
import { readTarget } from "../targets.js";
import { usageError } from "../verb.js";
import { watchObjects } from "../watch.js";

/** What `events` was asked. */
export interface EventFlags extends ClusterFlags {
  readonly for: string | undefined;
  readonly types: string | undefined;
  readonly watch: boolean;
  readonly allNamespaces: boolean;
  readonly output: string | undefined;
  readonly noHeaders: boolean;
}

/** Prints events, the oldest first. */
export async function runEvents({ flags }: { readonly flags: EventFlags }, shell: Shell): Promise<number> {
  const types = typesOf(flags.types);
  const about = flags.for === undefined ? undefined : readTarget([flags.for]);
  return withCluster(shell, flags, async (cluster) => {
    const query: Query = {
      kind: "Event",
      namespace: flags.allNamespaces ? undefined : cluster.namespace,
      fields: about === undefined ? undefined : `involvedObject.kind=${about.kind},involvedObject.name=${about.name}`,
    };
    const printer = new EventPrinter(shell, flags, types);
    if (flags.watch) return follow(cluster, shell, query, printer);
    const { objects } = await listObjects(cluster, query, shell.signal);
    if (!(await printer.print(objects)) && printer.isTable)
      await shell.stderr.write(`no events found${flags.allNamespaces ? "" : ` in namespace ${cluster.namespace}`}\n`);
    return EXIT.ok;
  });
}

async function follow(cluster: Cluster, shell: Shell, query: Query, printer: EventPrinter): Promise<number> {
  for await (const { changes } of watchObjects(cluster, [query], shell)) {
    await printer.print(changes.flatMap((change) => (change.is === "put" ? [change.typed] : [])));
  }
  return EXIT.interrupted;
}

function typesOf(text: string | undefined): ReadonlySet<string> | undefined {
  if (text === undefined) return undefined;
  const types = text.split(",");
  const wrong = types.find((type) => type !== "Normal" && type !== "Warning");
  if (wrong !== undefined) throw usageError(`--types takes Normal and Warning, not "${wrong}"`);
  return new Set(types);
}

/** Sorts, and keeps the columns of lines that come later under the first ones. */
class EventPrinter {
  readonly isTable: boolean;
  private readonly shell: Shell;
  private readonly flags: EventFlags;
  private readonly types: ReadonlySet<string> | undefined;
  private widths: readonly number[] | undefined;

  constructor(shell: Shell, flags: EventFlags, types: ReadonlySet<string> | undefined) {
    this.shell = shell;
    this.flags = flags;
    this.types = types;
    this.isTable = flags.output === undefined || flags.output === "wide";
  }

  /** Returns false when nothing was left to print. */
  async print(found: readonly Typed[]): Promise<boolean> {
    const events = found
      .filter(({ kind, object }) => kind === "Event" && this.types?.has(object.type) !== false)
      .sort(asTheyCame);
    const format = formatOf(this.flags.output);
    if (events.length === 0 && this.isTable) return false;
    const text = format === "table" || format === "wide" ? this.table(events) : printObjects(events, format, true);
    await this.shell.stdout.write(text);
    return true;
  }

  private table(events: readonly Typed[]): string {
    const shape: TableShape = {
      isWide: this.flags.output === "wide",
      nowMs: this.shell.clock.nowMs(),
      withNamespace: this.flags.allNamespaces,
      withType: false,
      withLabels: false,
      withHeadings: this.widths === undefined && !this.flags.noHeaders,
    };
    const rows = events.map((typed) => tableRow(typed, shape));
    const whole = shape.withHeadings ? [tableHeadings("Event", shape), ...rows] : rows;
    this.widths ??= widthsOf(whole);
    const { widths } = this;
    return whole.map((row) => formatRow(row, widths)).join("");
  }
}

function asTheyCame(left: Typed, right: Typed): number {
  const order = left.kind === "Event" && right.kind === "Event" ? bySeen(left.object, right.object) : 0;
  return order !== 0 ? order : metaOf(left.object).name.localeCompare(metaOf(right.object).name);
}
