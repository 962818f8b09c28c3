import type { Cluster, ClusterFlags } from "../cluster.js";
import type { FileFlags } from "../input/files.js";
import type { Printer } from "../output/printer.js";
import type { TableShape } from "../print.js";
import type { Shell } from "../shell.js";
import type { Target } from "../targets.js";

/** What `get` was asked. */
export interface GetFlags extends ClusterFlags, FileFlags {
  readonly output: string | undefined;
  readonly template: string | undefined;
  readonly watch: boolean;
  readonly watchOnly: boolean;
  readonly allNamespaces: boolean;
  readonly selector: string | undefined;
  readonly fieldSelector: string | undefined;
  readonly ignoreNotFound: boolean;
  readonly noHeaders: boolean;
  readonly showLabels: boolean;
  readonly labelColumns: readonly string[];
  readonly showKind: boolean;
  readonly sortBy: string | undefined;
}

/** A get that runs. */
export interface GetRun {
  readonly shell: Shell;
  readonly cluster: Cluster;
  readonly flags: GetFlags;
  /** Undefined: tables. */
  readonly print: Printer | undefined;
  readonly targets: readonly Target[];
}

/** How the tables of a get look. */
export function shapeOf({ flags, shell }: GetRun, isSeveral: boolean): TableShape {
  return {
    isWide: flags.output === "wide",
    nowMs: shell.clock.nowMs(),
    withNamespace: flags.allNamespaces,
    withType: isSeveral || flags.showKind,
    labelColumns: flags.labelColumns.flatMap((labels) => labels.split(",")).filter((label) => label !== ""),
    withLabels: flags.showLabels,
    withHeadings: !flags.noHeaders,
  };
}
