import type { ObjectKey } from "../../kinds/object.js";
import type { Cluster } from "../cluster.js";
import { getObject, keyIn, listObjects } from "../objects.js";
import type { Shell } from "../shell.js";
import { readTargets } from "../targets.js";
import { usageError } from "../verb.js";

/** The flags that choose nodes beside names. */
export interface NodeChoice {
  readonly selector: string | undefined;
  readonly all?: boolean;
}

/** The names of nodes on a command line: NAME…, node/NAME… or node NAME…. Throws usage errors; it must name nodes or select them. */
export function readNodeNames(operands: readonly string[], flags: NodeChoice): readonly string[] {
  const [first = "", ...rest] = operands;
  const isTyped = TYPE_WORDS.has(first) || operands.some((operand) => operand.includes("/"));
  const targets = operands.length === 0 ? [] : readTargets(isTyped ? operands : ["node", ...operands]);
  const other = targets.find(({ kind }) => kind !== "Node");
  if (other !== undefined) throw usageError(`${first} ${rest.join(" ")}: name nodes, not objects of another type`);
  const names = targets.flatMap((target) => target.names);
  const isSelected = flags.selector !== undefined || flags.all === true;
  if (names.length > 0 && isSelected) throw usageError("name nodes or select them, not both");
  if (names.length === 0 && !isSelected) throw usageError("name the nodes, or select them with -l");
  return names;
}

const TYPE_WORDS: ReadonlySet<string> = new Set(["node", "nodes", "no"]);

/** The keys of the nodes that are named, which must exist, or of all that the selector lets through. */
export async function chosenNodes(
  { shell, cluster, flags }: { readonly shell: Shell; readonly cluster: Cluster; readonly flags: NodeChoice },
  names: readonly string[],
): Promise<readonly ObjectKey<"Node">[]> {
  const keys = names.map((name) => keyIn("Node", "", name));
  for (const key of keys) await getObject(cluster, key, shell.signal);
  if (keys.length > 0) return keys;
  const query = { kind: "Node" as const, namespace: undefined, labels: flags.selector };
  const { objects } = await listObjects(cluster, query, shell.signal);
  if (objects.length === 0) await shell.stderr.write("no nodes found\n");
  return objects.map(({ object }) => keyIn("Node", "", object.metadata?.name ?? ""));
}
