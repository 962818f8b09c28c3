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
import { fieldsAbout } from "./about.js";
import { type EventChoice, type EventChoiceFlags, formatEvents, readEventChoice } from "./choice.js";

/** What `events` was asked. */
export interface EventFlags extends ClusterFlags, EventChoiceFlags {
  readonly for: string | undefined;
  /** Docker's template, or json; goes before the output. */
  readonly format?: string | undefined;
  readonly watch: boolean;
  readonly allNamespaces: boolean;
  readonly output: string | undefined;
  readonly noHeaders: boolean;
}

/** Prints events, the oldest first. */
export async function runEvents({ flags }: { readonly flags: EventFlags }, shell: Shell): Promise<number> {
  if (flags.format !== undefined && flags.output !== undefined)
    throw usageError("--format and --output are two answers to one question");
  const nowMs = shell.clock.nowMs();
  const choice = readEventChoice(flags, nowMs);
  const isComing = choice.untilMs !== undefined && choice.untilMs > nowMs;
  const about = flags.for === undefined ? undefined : readTarget([flags.for]);
  return withCluster(shell, flags, async (cluster) => {
    const query: Query = {
      kind: "Event",
      namespace: flags.allNamespaces ? undefined : cluster.namespace,
      fields: about === undefined ? undefined : fieldsAbout(about),
    };
    const printer = new EventPrinter(shell, flags, choice);
    const following = { cluster, query, printer };
    if (isComing) return followUntil(choice.untilMs ?? 0, shell, following);
    if (flags.watch) return follow(shell, following);
    const { objects } = await listObjects(cluster, query, shell.signal);
    if (!(await printer.print(objects)) && printer.isTable)
      await shell.stderr.write(`no events found${flags.allNamespaces ? "" : ` in namespace ${cluster.namespace}`}\n`);
    return EXIT.ok;
  });
}

/** What is followed, and how it is told. */
interface Following {
  readonly cluster: Cluster;
  readonly query: Query;
  readonly printer: EventPrinter;
}

/** Goes on until that moment has come. */
async function followUntil(untilMs: number, { clock, signal }: Shell, following: Following): Promise<number> {
  const over = new AbortController();
  const cancel = clock.after(untilMs - clock.nowMs(), () => over.abort());
  try {
    await follow({ clock, signal: AbortSignal.any([signal, over.signal]) }, following);
  } finally {
    cancel();
  }
  return over.signal.aborted ? EXIT.ok : EXIT.interrupted;
}

async function follow(at: Pick<Shell, "clock" | "signal">, { cluster, query, printer }: Following): Promise<number> {
  for await (const { changes } of watchObjects(cluster, [query], at)) {
    await printer.print(changes.flatMap((change) => (change.is === "put" ? [change.typed] : [])));
  }
  return EXIT.interrupted;
}

/** Sorts, and keeps the columns of lines that come later under the first ones. */
class EventPrinter {
  readonly isTable: boolean;
  private readonly shell: Shell;
  private readonly flags: EventFlags;
  private readonly choice: EventChoice;
  private widths: readonly number[] | undefined;

  constructor(shell: Shell, flags: EventFlags, choice: EventChoice) {
    this.shell = shell;
    this.flags = flags;
    this.choice = choice;
    this.isTable = flags.format === undefined && (flags.output === undefined || flags.output === "wide");
  }

  /** Returns false when nothing was left to print. */
  async print(found: readonly Typed[]): Promise<boolean> {
    const events = found
      .filter((typed) => typed.kind === "Event" && this.choice.isShown(typed.object))
      .sort(asTheyCame);
    if (this.flags.format !== undefined) return this.lines(events, this.flags.format);
    const format = formatOf(this.flags.output);
    if (events.length === 0 && this.isTable) return false;
    const text = format === "table" || format === "wide" ? this.table(events) : printObjects(events, format, true);
    await this.shell.stdout.write(text);
    return true;
  }

  private async lines(events: readonly Typed[], format: string): Promise<boolean> {
    const all = events.flatMap((typed) => (typed.kind === "Event" ? [typed.object] : []));
    await this.shell.stdout.write(formatEvents(all, format));
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
