import type { ObjectKey, Typed } from "../../kinds/object.js";
import { type ChoiceFlags, checkChoice, chosenKeys } from "../chosen.js";
import { type Cluster, type ClusterFlags, withCluster } from "../cluster.js";
import { EXIT } from "../exit-codes.js";
import { namesFiles } from "../input/files.js";
import { eachOf } from "../objects.js";
import { type Printer, printerOf } from "../output/printer.js";
import type { Shell } from "../shell.js";
import { refText } from "../targets.js";
import { toldAlready, usageError } from "../verb.js";
import { type Changed, type ChangeRun, changeHere, changeObject, type Plan } from "./change.js";

/** What every verb that changes objects was asked. */
export interface ChangeFlags extends ClusterFlags {
  readonly dryRun: string | undefined;
  readonly output: string | undefined;
  /** The part of the object that alone is written; "status" has a writer of its own. */
  readonly subresource?: string | undefined;
}

/** The same for verbs that take selectors and files. */
export interface ChangeChosenFlags extends ChangeFlags, ChoiceFlags {
  readonly all: boolean;
  readonly local?: boolean;
}

/** How a verb changes each object and what it says of it. */
export interface Change {
  /** Throws when the object cannot be changed so. */
  readonly plan: Plan;
  /** The words after the object's name, such as "scaled"; undefined says nothing. */
  readonly told: (changed: Changed) => string | undefined;
}

/** Changes every object that a command names or selects, goes on after failures, and tells each. */
export async function changeChosen(
  { flags, operands }: { readonly flags: ChangeChosenFlags; readonly operands: readonly string[] },
  shell: Shell,
  change: Change,
): Promise<number> {
  checkChoice(flags, operands);
  if (flags.local === true) return changeInFiles(flags, shell, change);
  return withChanges(flags, shell, async (changes) => {
    const keys = await chosenKeys({ shell, cluster: changes.cluster, flags }, operands);
    if (keys.length === 0) await shell.stderr.write("no objects found\n");
    return changes.each(keys, () => change);
  });
}

/** Changes the objects as files have them and prints them; no cluster is asked. */
async function changeInFiles(flags: ChangeChosenFlags, shell: Shell, { plan, told }: Change): Promise<number> {
  if (!namesFiles(flags)) throw usageError("--local changes what files hold: name them with -f or -k");
  const print = await printerOf(shell, flags.output);
  const { readInput } = await import("../input/objects.js");
  const home = { namespace: flags.namespace ?? "default", isNamespaceAsked: flags.namespace !== undefined };
  const changed: Changed[] = [];
  for (const { typed } of await readInput(shell, flags, home)) changed.push(await changeHere(shell, typed, plan));
  await tellWritten(
    { shell, dryRun: undefined },
    print,
    changed.map((one) => ({ typed: one.after, told: told(one) })),
  );
  return EXIT.ok;
}

/** A cluster, and the way to change objects in it as the flags say. */
export interface Changes {
  readonly cluster: Cluster;
  readonly run: ChangeRun;
  /** Changes each object and tells it. Returns the exit code; a failure of any object is thrown after all were tried. */
  each(keys: readonly ObjectKey[], changeOf: (key: ObjectKey) => Change | Promise<Change>): Promise<number>;
  /** Tells what became of objects that the verb has written itself. */
  tell(written: readonly { readonly typed: Typed; readonly told: string | undefined }[]): Promise<void>;
}

/** Opens a cluster for a verb that changes objects. */
export async function withChanges(
  flags: ChangeFlags,
  shell: Shell,
  use: (changes: Changes) => Promise<number>,
): Promise<number> {
  const print = await printerOf(shell, flags.output);
  const dryRun = flags.dryRun === "client" || flags.dryRun === "server" ? flags.dryRun : undefined;
  const part = flags.subresource === "status" ? "status" : undefined;
  if (part !== undefined && dryRun === "server") throw usageError("a change of a status cannot be tried on the server");
  return withCluster(shell, flags, (cluster) => {
    const run: ChangeRun = { shell, cluster, dryRun, part };
    const tell: Changes["tell"] = (written) => tellWritten(run, print, written);
    return use({ cluster, run, tell, each: (keys, changeOf) => changeAll(run, { print, tell }, keys, changeOf) });
  });
}

async function changeAll(
  run: ChangeRun,
  { print, tell }: { readonly print: Printer | undefined; readonly tell: Changes["tell"] },
  keys: readonly ObjectKey[],
  changeOf: (key: ObjectKey) => Change | Promise<Change>,
): Promise<number> {
  const written: { readonly typed: Typed; readonly told: string | undefined }[] = [];
  const failures = await eachOf(keys, async (key) => {
    const change = await changeOf(key);
    const changed = await changeObject(run, key, change.plan);
    const one = { typed: changed.after, told: change.told(changed) };
    // Whole objects are printed at the end, as one list.
    if (print === undefined) await tell([one]);
    else written.push(one);
  });
  if (written.length > 0) await tell(written);
  const [first, ...others] = failures;
  if (first === undefined) return EXIT.ok;
  if (others.length === 0) throw first;
  for (const failure of failures) await run.shell.stderr.write(`error: ${failure.message}\n`);
  throw toldAlready(first.code);
}

async function tellWritten(
  { shell, dryRun }: Pick<ChangeRun, "shell" | "dryRun">,
  print: Printer | undefined,
  written: readonly { readonly typed: Typed; readonly told: string | undefined }[],
): Promise<void> {
  if (print !== undefined) {
    const objects = written.map(({ typed }) => typed);
    return shell.stdout.write(print(objects, objects.length > 1));
  }
  const note = dryRun === undefined ? "" : ` (${dryRun} dry run)`;
  const lines = written.flatMap(({ typed, told }) =>
    told === undefined ? [] : [`${refText(typed.kind, typed.object.metadata?.name ?? "")} ${told}${note}\n`],
  );
  await shell.stdout.write(lines.join(""));
}
