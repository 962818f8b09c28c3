import { decodeObject, type ObjectKey, type Typed } from "../kinds/object.js";
import { KINDS, type KindMap, type KindName } from "../kinds/registry.js";
import { asTallshipError, hasCode, TallshipError } from "../lib/errors.js";
import { GetRequest, type Item, ListRequest, ObjectName, Selection } from "../proto/gen/tallship/v1/api.js";
import type { Cluster } from "./cluster.js";
import { inOrder } from "./in-order.js";
import { objectText } from "./targets.js";

/** The objects of one kind that a command is about. */
export interface Query {
  readonly kind: KindName;
  /** Undefined: all namespaces. */
  readonly namespace: string | undefined;
  readonly labels?: string | undefined;
  readonly fields?: string | undefined;
}

/** The object in an item, its resourceVersion as the server says. */
export function objectOf(item: Item): Typed {
  const typed = decodeObject(item.object);
  const { metadata } = typed.object;
  if (metadata === undefined) return typed;
  const stamped = { ...metadata, resourceVersion: String(item.revision) };
  // Of the same kind: only the version differs.
  return { ...typed, object: { ...typed.object, metadata: stamped } } as Typed;
}

/** The query as the server takes it. A kind without namespaces has none to select by. */
export function selectionOf(query: Query): Selection {
  const namespace = KINDS[query.kind].isNamespaced ? (query.namespace ?? "") : "";
  return Selection.fromPartial({ kind: query.kind, namespace, labels: query.labels ?? "", fields: query.fields ?? "" });
}

/** All objects that match, in order of namespace and name, and the revision they are of. */
export async function listObjects(
  { objects }: Cluster,
  query: Query,
  signal: AbortSignal,
): Promise<{ readonly objects: readonly Typed[]; readonly revision: number }> {
  const found: Typed[] = [];
  let revision = 0;
  for await (const part of objects.list(ListRequest.fromPartial({ selection: selectionOf(query) }), { signal })) {
    for (const item of part.items) found.push(objectOf(item));
    revision = part.revision;
  }
  return { objects: found, revision };
}

/** Reads one object with its kind; not_found as kubectl's users know it. */
export async function getTyped({ objects }: Cluster, key: ObjectKey, signal: AbortSignal): Promise<Typed> {
  try {
    return objectOf(await objects.get(GetRequest.fromPartial({ name: nameOf(key) }), { signal }));
  } catch (error) {
    throw hasCode(error, "not_found") ? missing(key, error) : error;
  }
}

/** One object; throws not_found that names it. */
export async function getObject<K extends KindName>(
  cluster: Cluster,
  key: ObjectKey<K>,
  signal: AbortSignal,
): Promise<KindMap[K]> {
  const typed = await getTyped(cluster, key, signal);
  if (typed.kind === key.kind) return typed.object as KindMap[K]; // The kinds agree.
  throw new TallshipError("internal", `get ${key.kind}: the server sent a ${typed.kind}`);
}

/** The failure of a command that names an object that is not there. */
export function missing(key: ObjectKey, cause?: unknown): TallshipError {
  return new TallshipError("not_found", `${objectText(key.kind, key.namespace, key.name)} does not exist`, { cause });
}

/** The key of an object named in a namespace, which counts only for kinds that have one. */
export function keyIn<K extends KindName>(kind: K, namespace: string, name: string): ObjectKey<K> {
  return { kind, namespace: KINDS[kind].isNamespaced ? namespace : "", name };
}

/** The key as the API takes it. */
export function nameOf(key: ObjectKey): ObjectName {
  return ObjectName.fromPartial({ kind: key.kind, namespace: key.namespace, name: key.name });
}

/** Runs a step for each and goes on after failures; returns them in order. */
export async function eachOf<T>(
  values: readonly T[],
  step: (value: T) => Promise<void>,
): Promise<readonly TallshipError[]> {
  return eachInOrder(values, { width: 1, work: step, take: async () => undefined });
}

/** As eachOf, with several under way at a time; what comes of each is taken in order. */
export async function eachInOrder<T, R>(
  values: readonly T[],
  {
    width,
    work,
    take,
  }: { readonly width: number; readonly work: (value: T) => Promise<R>; readonly take: (result: R) => Promise<void> },
): Promise<readonly TallshipError[]> {
  const failures: TallshipError[] = [];
  await inOrder(values, width, {
    work: (value) =>
      work(value).then(
        (result) => ({ result }),
        (failure: unknown) => ({ failure: asTallshipError(failure) }),
      ),
    take: async (outcome) => {
      if ("result" in outcome) await take(outcome.result);
      else if (outcome.failure.code === "unavailable" || outcome.failure.code === "cancelled") throw outcome.failure;
      else failures.push(outcome.failure);
    },
  });
  return failures;
}
