import type { Cluster, ClusterFlags } from "../cluster.js";
import type { FileFlags } from "../input/files.js";
import type { Format, TableShape } from "../print.js";
import type { Shell } from "../shell.js";
import type { Target } from "../targets.js";

/** What `get` was asked. */
export interface GetFlags extends ClusterFlags, FileFlags {
  readonly output: string | undefined;
  readonly watch: boolean;
  readonly allNamespaces: boolean;
  readonly selector: string | undefined;
  readonly fieldSelector: string | undefined;
  readonly ignoreNotFound: boolean;
  readonly noHeaders: boolean;
  readonly showLabels: boolean;
}

/** A get that runs. */
export interface GetRun {
  readonly shell: Shell;
  readonly cluster: Cluster;
  readonly flags: GetFlags;
  readonly format: Format;
  readonly targets: readonly Target[];
}

/** How the tables of a get look. */
export function shapeOf({ format, flags, shell }: GetRun, isSeveral: boolean): TableShape {
  return {
    isWide: format === "wide",
    nowMs: shell.clock.nowMs(),
    withNamespace: flags.allNamespaces,
    withType: isSeveral,
    withLabels: flags.showLabels,
    withHeadings: !flags.noHeaders,
  };
}
