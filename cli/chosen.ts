import { keyOf, type ObjectKey } from "../kinds/object.js";
import type { Cluster } from "./cluster.js";
import { type FileFlags, namesFiles } from "./input/files.js";
import { keyIn, listObjects } from "./objects.js";
import type { Shell } from "./shell.js";
import { readTargets } from "./targets.js";
import { usageError } from "./verb.js";

/** The flags that choose objects beside names. */
export interface ChoiceFlags extends FileFlags {
  readonly selector: string | undefined;
  readonly fieldSelector: string | undefined;
  readonly allNamespaces: boolean;
}

/** Refuses a command line that is not clear about its objects: it names them, or files, or selects them on purpose. */
export function checkChoice(flags: ChoiceFlags & { readonly all: boolean }, operands: readonly string[]): void {
  const isByFile = namesFiles(flags);
  const selects = flags.selector !== undefined || flags.fieldSelector !== undefined || flags.all;
  if (isByFile && (operands.length > 0 || selects)) throw usageError("name files, or objects, not both");
  if (isByFile) return;
  const targets = readTargets(operands);
  const hasNames = targets.some(({ names }) => names.length > 0);
  if (hasNames && selects) throw usageError("name objects or select them, not both");
  if (hasNames && flags.allNamespaces)
    throw usageError("an object named by name is of one namespace: use -n instead of -A");
  if (!hasNames && !selects) throw usageError("name the objects, or select them with -l, --field-selector or --all");
}

/** The keys of all objects in the files. The reader of files is loaded only here: most commands name objects. */
export async function keysInFiles(shell: Shell, flags: FileFlags, cluster: Cluster): Promise<readonly ObjectKey[]> {
  const { readInput } = await import("./input/objects.js");
  return (await readInput(shell, flags, cluster)).map(({ typed }) => keyOf(typed));
}

/** The keys of the objects that a command is about: those in files, those named, or all of a type that the selectors let through. */
export async function chosenKeys(
  { shell, cluster, flags }: { readonly shell: Shell; readonly cluster: Cluster; readonly flags: ChoiceFlags },
  operands: readonly string[],
): Promise<readonly ObjectKey[]> {
  if (namesFiles(flags)) return keysInFiles(shell, flags, cluster);
  const keys: ObjectKey[] = [];
  for (const { kind, names } of readTargets(operands)) {
    keys.push(...names.map((name) => keyIn(kind, cluster.namespace, name)));
    if (names.length > 0) continue;
    const namespace = flags.allNamespaces ? undefined : cluster.namespace;
    const query = { kind, namespace, labels: flags.selector, fields: flags.fieldSelector };
    keys.push(...(await listObjects(cluster, query, shell.signal)).objects.map(keyOf));
  }
  return keys;
}
