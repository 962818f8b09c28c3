import type { Typed } from "../../kinds/object.js";
import { KINDS, type KindName } from "../../kinds/registry.js";
import type { TallshipError } from "../../lib/errors.js";
import { keysInFiles } from "../chosen.js";
import { type Cluster, withCluster } from "../cluster.js";
import { EXIT } from "../exit-codes.js";
import { namesFiles } from "../input/files.js";
import { eachOf, getObject, keyIn, listObjects } from "../objects.js";
import { outputOf, printerOf } from "../output/printer.js";
import { printTable } from "../print.js";
import type { Shell } from "../shell.js";
import { readTargets, type Target } from "../targets.js";
import { toldAlready, usageError } from "../verb.js";
import { asksForEndpoints, getEndpoints } from "./endpoints.js";
import { type GetFlags, type GetRun, shapeOf } from "./run.js";
import { watchTables } from "./watch-tables.js";

/** Prints the objects that were asked for, and with `--watch` their changes. */
export async function runGet(
  call: { readonly flags: GetFlags; readonly operands: readonly string[] },
  shell: Shell,
): Promise<number> {
  const { flags, operands } = call;
  if (asksForEndpoints(operands)) return getEndpoints(call, shell);
  const isByFile = namesFiles(flags);
  if (isByFile && operands.length > 0) throw usageError("name objects or files, not both");
  const isWatching = flags.watch || flags.watchOnly;
  if (isByFile && isWatching) throw usageError("--watch takes types and names, no files");
  const given = isByFile ? [] : readTargets(operands);
  refuseNamesWithSelector(given, flags);
  const print = await printerOf(shell, outputOf(flags), { withHeadings: !flags.noHeaders });
  return withCluster(shell, flags, async (cluster) => {
    const targets = isByFile ? await targetsOfFiles(shell, flags, cluster) : given;
    const run: GetRun = { shell, cluster, flags, print, targets };
    return isWatching ? watchTables(run) : getOnce(run);
  });
}

function refuseNamesWithSelector(targets: readonly Target[], flags: GetFlags): void {
  const hasNames = targets.some(({ names }) => names.length > 0);
  if (hasNames && (flags.selector !== undefined || flags.fieldSelector !== undefined))
    throw usageError("name objects or select them, not both");
  if (hasNames && flags.allNamespaces)
    throw usageError("an object named by name is of one namespace: use -n instead of -A");
}

async function targetsOfFiles(shell: Shell, flags: GetFlags, cluster: Cluster): Promise<readonly Target[]> {
  const targets = new Map<string, Target>();
  for (const { kind, namespace, name } of await keysInFiles(shell, flags, cluster)) {
    const held = targets.get(`${kind}/${namespace}`);
    targets.set(`${kind}/${namespace}`, { kind, namespace, names: [...(held?.names ?? []), name] });
  }
  return [...targets.values()];
}

async function getOnce(run: GetRun): Promise<number> {
  const { shell, targets, flags } = run;
  const found = await Promise.all(targets.map((target) => fetchTarget(run, target)));
  const answers = flags.sortBy === undefined ? found : await sorted(found, flags.sortBy, run);
  const [only, ...others] = targets;
  await printAll(run, answers, others.length === 0 && only?.names.length === 1);
  const told = answers
    .flatMap(({ failures }) => failures)
    .filter(({ code }) => code !== "not_found" || !flags.ignoreNotFound);
  for (const failure of told) await shell.stderr.write(`error: ${failure.message}\n`);
  const [first] = told;
  if (first !== undefined) throw toldAlready(first.code);
  return EXIT.ok;
}

/** Tables are sorted each for itself; whole objects of several types are one list. */
async function sorted(answers: readonly Answer[], field: string, { print }: GetRun): Promise<readonly Answer[]> {
  const { sortBy } = await import("./sort.js");
  const [first] = answers;
  if (print === undefined || first === undefined)
    return answers.map((answer) => ({ ...answer, objects: sortBy(answer.objects, field) }));
  const all = sortBy(
    answers.flatMap(({ objects }) => objects),
    field,
  );
  return [{ ...first, objects: all, failures: answers.flatMap(({ failures }) => failures) }];
}

interface Answer extends Table {
  /** What was named and is not there. */
  readonly failures: readonly TallshipError[];
}

async function fetchTarget(run: GetRun, { kind, names, namespace = run.cluster.namespace }: Target): Promise<Answer> {
  if (names.length === 0) return { kind, objects: await listOf(run, kind), failures: [] };
  const objects: Typed[] = [];
  const failures = await eachOf(names, async (name) => {
    const object = await getObject(run.cluster, keyIn(kind, namespace, name), run.shell.signal);
    // The object is of the kind that was asked for.
    objects.push({ kind, object } as Typed);
  });
  return { kind, objects, failures };
}

async function listOf({ cluster, flags, shell }: GetRun, kind: KindName): Promise<readonly Typed[]> {
  const query = {
    kind,
    namespace: flags.allNamespaces ? undefined : cluster.namespace,
    labels: flags.selector,
    fields: flags.fieldSelector,
  };
  const { objects } = await listObjects(cluster, query, shell.signal);
  return objects;
}

interface Table {
  readonly kind: KindName;
  readonly objects: readonly Typed[];
}

async function printAll(run: GetRun, tables: readonly Table[], isSingle: boolean): Promise<void> {
  const { shell, print } = run;
  const all = tables.flatMap(({ objects }) => objects);
  if (print !== undefined) {
    if (all.length > 0 || !isSingle) await shell.stdout.write(print(all, !isSingle));
    return;
  }
  const shown = tables.filter(({ objects }) => objects.length > 0);
  if (shown.length === 0 && !isSingle) await shell.stderr.write(nothingText(run));
  const shape = shapeOf(run, tables.length > 1);
  const texts = shown.map(({ kind, objects }) => printTable(kind, objects, shape));
  if (texts.length > 0) await shell.stdout.write(texts.join("\n"));
}

function nothingText({ targets, flags, cluster }: GetRun): string {
  if (targets.some(({ names }) => names.length > 0)) return "";
  const isNamespaced = targets.some(({ kind }) => KINDS[kind].isNamespaced);
  return flags.allNamespaces || !isNamespaced
    ? "no objects found\n"
    : `no objects found in namespace ${cluster.namespace}\n`;
}
