import { keyOf, type ObjectKey } from "../kinds/object.js";
import type { Cluster } from "./cluster.js";
import type { FileFlags } from "./input/files.js";
import { keyIn, listObjects } from "./objects.js";
import type { Shell } from "./shell.js";
import { readTargets } from "./targets.js";

/** The flags that choose objects beside names. */
export interface ChoiceFlags extends FileFlags {
  readonly selector: string | undefined;
  readonly fieldSelector: string | undefined;
  readonly allNamespaces: boolean;
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
  if (flags.filename.length > 0) return keysInFiles(shell, flags, cluster);
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
