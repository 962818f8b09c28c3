import { hasCode, TallshipError } from "../../lib/errors.js";
import type { Cluster } from "../cluster.js";
import { getObject, keyIn } from "../objects.js";
import { containerOf, podsOf } from "../pods/resolve.js";
import { containersOf, idOf, isIdPrefix, type NamedContainer } from "./identity.js";

/** The container that a word stands for: POD, POD/CONTAINER or the beginning of an id. Throws not_found. */
export async function findContainer(cluster: Cluster, word: string, signal: AbortSignal): Promise<NamedContainer> {
  const [name = "", own] = word.split("/");
  try {
    const pod = await getObject(cluster, keyIn("Pod", cluster.namespace, name), signal);
    return { pod, container: containerOf(pod, own) };
  } catch (error) {
    if (!hasCode(error, "not_found") || !isIdPrefix(word)) throw noSuch(error, word);
  }
  return byId(cluster, word, signal);
}

async function byId(cluster: Cluster, prefix: string, signal: AbortSignal): Promise<NamedContainer> {
  const pods = await podsOf(cluster, { kind: "Pod", namespace: cluster.namespace }, signal);
  const found = pods.flatMap(containersOf).filter((one) => idOf(one).startsWith(prefix));
  const [first] = found;
  if (first !== undefined && found.length === 1) return first;
  if (first === undefined) throw noSuch(undefined, prefix);
  throw new TallshipError("invalid_argument", `${prefix} is the beginning of ${found.length} ids: give more of it`);
}

function noSuch(cause: unknown, word: string): unknown {
  if (cause !== undefined && !hasCode(cause, "not_found")) return cause;
  return new TallshipError("not_found", `no such container: ${word}`, { cause });
}

/** The containers that words stand for, in their order. */
export async function findContainers(
  cluster: Cluster,
  words: readonly string[],
  signal: AbortSignal,
): Promise<readonly NamedContainer[]> {
  const found: NamedContainer[] = [];
  for (const word of words) found.push(await findContainer(cluster, word, signal));
  return found;
}
