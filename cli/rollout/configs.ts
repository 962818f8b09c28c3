import { configChangeOf, configContent, type Pins, UNDONE_TO } from "../../kinds/config-copies.js";
import { configKey, configUses } from "../../kinds/config-uses.js";
import type { ObjectKey, Typed } from "../../kinds/object.js";
import type { KindMap } from "../../kinds/registry.js";
import { deepEqual } from "../../lib/deep-equal.js";
import { hasCode } from "../../lib/errors.js";
import type { ObjectMeta } from "../../proto/gen/tallship/v1/meta.js";
import type { PodTemplateSpec } from "../../proto/gen/tallship/v1/pod.js";
import type { Cluster } from "../cluster.js";
import { getObject, keyIn } from "../objects.js";
import { refText } from "../targets.js";

/** A ConfigMap or Secret. */
export type Config = Extract<Typed, { readonly kind: "ConfigMap" | "Secret" }>;

/** A config that a revision's pods take values from, and the copy that holds what they take. */
export interface PinnedConfig {
  readonly kind: Config["kind"];
  readonly name: string;
  readonly copy: string;
}

/** The configs that pins name, by their names. */
export function pinnedConfigs(pins: Pins): readonly PinnedConfig[] {
  return Object.entries(pins).flatMap(([key, copy]) => {
    const [kind = "", name = ""] = key.replace(/^volume:/, "").split("/");
    return kind === "ConfigMap" || kind === "Secret" ? [{ kind, name, copy }] : [];
  });
}

/** The configs whose content differs between two revisions, as kubectl names objects. */
export function changedConfigs(before: Pins, after: Pins): readonly string[] {
  const changed = pinnedConfigs(after).filter(({ kind, name, copy }) => {
    const known = before[configKey(kind, name)];
    return known !== undefined && known !== copy;
  });
  return changed.map(({ kind, name }) => refText(kind, name));
}

/**
 * The first config that is rolled out no further than to what it held before: its change has been written, and the newest revision was made without it. Configs that
 * may not be read, and those that are not rolled out, count as seen.
 */
export async function unseenConfig(
  cluster: Cluster,
  owner: ObjectMeta,
  newest: { readonly pins: Pins; readonly template: PodTemplateSpec | undefined },
  signal: AbortSignal,
): Promise<string | undefined> {
  if (configChangeOf(owner) !== "roll" || owner.annotations[UNDONE_TO] !== undefined) return undefined;
  for (const { kind, name, copy } of pinnedConfigs(newest.pins)) {
    const [original, pinned] = await Promise.all([
      configOf(cluster, keyIn(kind, owner.namespace, name), signal),
      configOf(cluster, keyIn(kind, owner.namespace, copy), signal),
    ]);
    if (original === undefined || pinned === undefined) continue;
    const keys = usedKeys(newest.template, { kind, name });
    if (!deepEqual(configContent(original, keys), configContent(pinned, undefined))) return refText(kind, name);
  }
  return undefined;
}

/** A config; undefined when it is not there or may not be read. */
export async function configOf<K extends Config["kind"]>(
  cluster: Cluster,
  key: ObjectKey<K>,
  signal: AbortSignal,
): Promise<KindMap[K] | undefined> {
  try {
    return await getObject(cluster, key, signal);
  } catch (error) {
    if (hasCode(error, "not_found") || hasCode(error, "forbidden")) return undefined;
    throw error;
  }
}

/** The keys of a config that pods take by environment and subPath; undefined: all. */
function usedKeys(
  template: PodTemplateSpec | undefined,
  { kind, name }: Pick<PinnedConfig, "kind" | "name">,
): ReadonlySet<string> | undefined {
  const uses = configUses(template?.spec).filter(
    (use) => use.kind === kind && use.name === name && use.how !== "volume",
  );
  if (uses.some(({ keys }) => keys === undefined)) return undefined;
  return new Set(uses.flatMap(({ keys }) => keys ?? []));
}
