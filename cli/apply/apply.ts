import { type ClusterFlags, withCluster } from "../cluster.js";
import { projectSet } from "../compose/project-set.js";
import { chooseContext } from "../context.js";
import { EXIT } from "../exit-codes.js";
import type { FileFlags } from "../input/files.js";
import { readInput } from "../input/objects.js";
import { formatOf, printObjects } from "../print.js";
import type { Shell } from "../shell.js";
import { toldAlready } from "../verb.js";
import { waitUntilReady } from "../wait/ready.js";
import { agreeToPrune, PRUNE_WORDS, refusePartialPrune, tellDropped } from "./prune.js";
import { nameOfSet, sendSet } from "./send-set.js";
import { refOf, tellResults, writtenBy } from "./told.js";

/** What `apply` was asked. */
export interface ApplyFlags extends ClusterFlags, FileFlags {
  readonly dryRun: string | undefined;
  readonly strict: boolean;
  readonly force: boolean;
  readonly fieldManager: string | undefined;
  readonly set: string | undefined;
  readonly wait: boolean;
  readonly timeout: number | undefined;
  readonly output: string | undefined;
  readonly prune: boolean;
  readonly yes: boolean;
  readonly selector: string | undefined;
}

/** Reads and checks everything, sends it as one set and tells what came of each object. */
export async function runApply({ flags }: { readonly flags: ApplyFlags }, shell: Shell): Promise<number> {
  refusePartialPrune(flags);
  if (flags.dryRun === "client") return checkOnly(flags, shell);
  return withCluster(shell, flags, async (cluster) => {
    const objects = await readInput(shell, { ...flags, warn: true }, cluster);
    if (objects.length === 0) return nothingToDo(shell);
    const isDry = flags.dryRun === "server";
    const project = projectSet(objects);
    const set = flags.set ?? project?.set ?? (await nameOfSet(flags, shell));
    const home = { ...cluster, namespace: project?.namespace ?? cluster.namespace };
    const sending = { cluster: home, shell, set, force: flags.force, manager: flags.fieldManager };
    const prune = flags.prune && !isDry ? await agreeToPrune(objects, sending, flags) : [];
    const answer = await sendSet(objects, { ...sending, isDry, prune });
    await tellResults(answer, objects, { shell, output: flags.output, isDry, words: PRUNE_WORDS });
    if (flags.prune && isDry) await tellDropped(answer.dropped, shell);
    if (!flags.wait || isDry) return EXIT.ok;
    return waitUntilReady({ shell, cluster, timeoutMs: flags.timeout ?? WAIT_MS }, writtenBy(answer));
  });
}

/** How long objects are waited for when nobody says. */
export const WAIT_MS = 300_000;

/** Needs no cluster, only the context's namespace; without a context file it is "default". */
async function checkOnly(flags: ApplyFlags, shell: Shell): Promise<number> {
  const namespace = flags.namespace ?? (await contextNamespace(flags, shell)) ?? "default";
  const home = { namespace, isNamespaceAsked: flags.namespace !== undefined };
  const objects = await readInput(shell, { ...flags, warn: true }, home);
  if (objects.length === 0) return nothingToDo(shell);
  const format = formatOf(flags.output);
  const all = objects.map(({ typed }) => typed);
  if (format === "yaml" || format === "json" || format === "name")
    await shell.stdout.write(printObjects(all, format, all.length > 1));
  else await shell.stdout.write(all.map((typed) => `${refOf(typed)} valid (client dry run)\n`).join(""));
  return EXIT.ok;
}

async function contextNamespace(flags: ApplyFlags, shell: Shell): Promise<string | undefined> {
  try {
    return (await chooseContext(shell, flags)).namespace;
  } catch (error) {
    // A check needs no cluster unless one was named.
    if (flags.context !== undefined || flags.config !== undefined) throw error;
    return undefined;
  }
}

async function nothingToDo(shell: Shell): Promise<number> {
  await shell.stderr.write("error: the files hold no objects\n");
  throw toldAlready("invalid_argument");
}
