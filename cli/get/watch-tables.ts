import { metaOf, type Typed } from "../../kinds/object.js";
import type { KindName } from "../../kinds/registry.js";
import { EXIT } from "../exit-codes.js";
import type { Query } from "../objects.js";
import { tableHeadings, tableRow } from "../print.js";
import { formatRow, widthsOf } from "../table.js";
import { type Change, watchObjects } from "../watch.js";
import { type GetRun, shapeOf } from "./run.js";

/** Prints what is there, then a line for every change, until the user interrupts. */
export async function watchTables(run: GetRun): Promise<number> {
  const { shell, cluster } = run;
  const wanted = namesOf(run);
  const printer = new ChangePrinter(run);
  let isOld = run.flags.watchOnly;
  for await (const { changes, isSynced } of watchObjects(cluster, queriesOf(run), shell)) {
    const wasOld = isOld;
    isOld &&= !isSynced;
    // What comes before all that was there has come is not a change.
    if (wasOld) continue;
    const lines = printer.lines(changes.filter((change) => isWanted(change, wanted)));
    if (lines !== "") await shell.stdout.write(lines);
  }
  return EXIT.interrupted;
}

/** A kind of which one object was named is selected by its name; the rest are sorted out here. */
function queriesOf({ targets, cluster, flags }: GetRun): readonly Query[] {
  return targets.map(({ kind, names: [first, ...others] }) => ({
    kind,
    namespace: flags.allNamespaces ? undefined : cluster.namespace,
    labels: flags.selector,
    fields: first !== undefined && others.length === 0 ? `metadata.name=${first}` : flags.fieldSelector,
  }));
}

type Names = ReadonlyMap<KindName, ReadonlySet<string>>;

function namesOf({ targets }: GetRun): Names {
  return new Map(targets.filter(({ names }) => names.length > 0).map(({ kind, names }) => [kind, new Set(names)]));
}

function isWanted(change: Change, names: Names): boolean {
  const { kind, name } =
    change.is === "put" ? { kind: change.typed.kind, name: metaOf(change.typed.object).name } : change.key;
  return names.get(kind)?.has(name) !== false;
}

/** Keeps the columns' widths, so that lines that come later stand under the first ones. */
class ChangePrinter {
  private readonly run: GetRun;
  private readonly widths = new Map<KindName, readonly number[]>();

  constructor(run: GetRun) {
    this.run = run;
  }

  /** The text of changes that came together; a deleted object shows what was last known of it. */
  lines(changes: readonly Change[]): string {
    const { print, flags } = this.run;
    const objects = changes.flatMap((change) =>
      change.is === "put" ? [change.typed] : change.last === undefined ? [] : [change.last],
    );
    if (print !== undefined) {
      const separator = flags.output === "yaml" ? "---\n" : "";
      return objects.map((typed) => `${separator}${print([typed], false)}`).join("");
    }
    return [...byKind(objects)].map(([kind, held]) => this.rows(kind, held)).join("");
  }

  private rows(kind: KindName, objects: readonly Typed[]): string {
    const shape = shapeOf(this.run, this.run.targets.length > 1);
    const rows = objects.map((typed) => tableRow(typed, shape));
    const known = this.widths.get(kind);
    const headings = known === undefined && shape.withHeadings ? [tableHeadings(kind, shape)] : [];
    const needed = widthsOf([...headings, ...rows]);
    const widths = needed.map((width, at) => Math.max(width, known?.[at] ?? 0));
    this.widths.set(kind, widths);
    return [...headings, ...rows].map((row) => formatRow(row, widths)).join("");
  }
}

function byKind(objects: readonly Typed[]): ReadonlyMap<KindName, Typed[]> {
  const kinds = new Map<KindName, Typed[]>();
  for (const typed of objects) kinds.set(typed.kind, [...(kinds.get(typed.kind) ?? []), typed]);
  return kinds;
}
