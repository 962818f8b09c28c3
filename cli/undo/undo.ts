import { ageText } from "../../kinds/age.js";
import { metaOf } from "../../kinds/object.js";
import { SET_LABEL } from "../../kinds/sets.js";
import { TallshipError } from "../../lib/errors.js";
import { UndoRequest } from "../../proto/gen/tallship/v1/api.js";
import type { Revision } from "../../proto/gen/tallship/v1/revision.js";
import { WAIT_MS } from "../apply/apply.js";
import { tellResults, writtenBy } from "../apply/told.js";
import { type Cluster, type ClusterFlags, withCluster } from "../cluster.js";
import { EXIT } from "../exit-codes.js";
import { listObjects } from "../objects.js";
import type { Shell } from "../shell.js";
import { formatTable } from "../table.js";
import { usageError } from "../verb.js";
import { waitUntilReady } from "../wait/ready.js";

/** What `undo` was asked. */
export interface UndoFlags extends ClusterFlags {
  readonly to: number | undefined;
  readonly list: boolean;
  readonly dryRun: string | undefined;
  readonly force: boolean;
  readonly output: string | undefined;
  readonly wait: boolean;
  readonly timeout: number | undefined;
}

/** Brings a whole set back to what an earlier apply made of it, or lists what there is to go back to. */
export async function runUndo(
  { flags, operands }: { readonly flags: UndoFlags; readonly operands: readonly string[] },
  shell: Shell,
): Promise<number> {
  const [named, ...others] = operands;
  if (others.length > 0) throw usageError("name one set");
  if (flags.dryRun === "client") throw usageError("only the server knows what was applied: --dry-run=server");
  if (flags.list && flags.to !== undefined) throw usageError("--list goes back to nothing: leave --to out");
  return withCluster(shell, flags, async (cluster) => {
    if (flags.list) return list(cluster, shell, named);
    const set = named ?? (await onlySet(cluster, shell));
    const isDry = flags.dryRun === "server";
    const answer = await cluster.objects.undo(
      UndoRequest.fromPartial({
        set,
        namespace: cluster.namespace,
        to: flags.to ?? 0,
        dryRun: isDry,
        force: flags.force,
      }),
      { signal: shell.signal, deadlineMs: UNDO_MS },
    );
    await tellResults(answer, [], { shell, output: flags.output, isDry });
    if (!isDry && flags.output === undefined)
      await shell.stdout.write(`set ${set} is brought back, as ${answer.revisionName}\n`);
    if (!flags.wait || isDry) return EXIT.ok;
    return waitUntilReady({ shell, cluster, timeoutMs: flags.timeout ?? WAIT_MS }, writtenBy(answer));
  });
}

const UNDO_MS = 600_000;

/** The namespace's only set. With several, undoing the wrong one would be dear. */
async function onlySet(cluster: Cluster, shell: Shell): Promise<string> {
  const sets = [...new Set((await revisions(cluster, shell, undefined)).map(({ spec }) => spec?.set ?? ""))];
  const [only, second] = sets;
  if (only === undefined) throw new TallshipError("not_found", `no set was applied in namespace ${cluster.namespace}`);
  if (second === undefined) return only;
  throw usageError(`namespace ${cluster.namespace} has ${sets.length} sets, name one: ${sets.sort().join(", ")}`);
}

/** Revisions in order of set and number. */
async function revisions(cluster: Cluster, shell: Shell, set: string | undefined): Promise<readonly Revision[]> {
  const query = { kind: "Revision" as const, namespace: cluster.namespace, labels: set && `${SET_LABEL}=${set}` };
  const { objects } = await listObjects(cluster, query, shell.signal);
  return objects
    .flatMap((typed) => (typed.kind === "Revision" ? [typed.object] : []))
    .sort((a, b) => compare(a.spec?.set ?? "", b.spec?.set ?? "") || (a.spec?.number ?? 0) - (b.spec?.number ?? 0));
}

function compare(left: string, right: string): number {
  return left < right ? -1 : left > right ? 1 : 0;
}

async function list(cluster: Cluster, shell: Shell, set: string | undefined): Promise<number> {
  const found = await revisions(cluster, shell, set);
  if (found.length === 0) {
    await shell.stderr.write(
      `no ${set === undefined ? "set" : `set ${set}`} was applied in namespace ${cluster.namespace}\n`,
    );
    return EXIT.ok;
  }
  const nowMs = shell.clock.nowMs();
  const rows = found.map(({ metadata, spec, status }) => [
    spec?.set ?? "",
    String(spec?.number ?? 0),
    // Large sets have their members elsewhere.
    spec?.memberChunks.length === 0 ? String(spec.members.length) : "many",
    status?.phase ?? "",
    spec?.user ?? "",
    spec?.manager ?? "",
    ageText(metadata === undefined ? "" : metaOf({ metadata }).creationTimestamp, nowMs),
  ]);
  await shell.stdout.write(formatTable([["SET", "REVISION", "OBJECTS", "STATUS", "USER", "MANAGER", "AGE"], ...rows]));
  return EXIT.ok;
}
