import { type ConfigUse, configKey, configUses } from "../../kinds/config-uses.js";
import { hasCode } from "../../lib/errors.js";
import type { Pod } from "../../proto/gen/tallship/v1/pod.js";
import type { ConfigSource } from "../config-source.js";
import type { ConfigContent, ConfigValues } from "../config-values.js";
import { contentOf } from "../oci/environment.js";
import type { Hook } from "./hook.js";

/** A ConfigMap or Secret that a pod names. */
export type ConfigReference = Pick<ConfigUse, "kind" | "name" | "optional">;

/**
 * Reads the ConfigMaps and Secrets that the pod names; config_missing when one that is not optional does not exist. While no control plane
 * can be reached, what the pod had before, as from the checkpoint, stands in.
 */
export function configHook(configs: ConfigSource): Hook {
  return {
    name: "config",
    up: async ({ pod, facts }, signal) => {
      const references = configReferences(pod);
      const values = await read(pod, references, configs, signal).catch((error: unknown) => {
        if (hasCode(error, "unavailable") && facts.configs !== undefined) return facts.configs;
        throw error;
      });
      for (const { kind, name, optional } of references) contentOf(kind, { name, optional }, values);
      return { configs: values };
    },
    down: async () => undefined,
  };
}

async function read(
  pod: Pod,
  references: readonly ConfigReference[],
  configs: ConfigSource,
  signal: AbortSignal,
): Promise<ConfigValues> {
  const namespace = pod.metadata?.namespace ?? "";
  return collect(
    references,
    await Promise.all(references.map(({ kind, name }) => configs.get(kind, { namespace, name }, signal))),
  );
}

function collect(references: readonly ConfigReference[], found: readonly (ConfigContent | undefined)[]): ConfigValues {
  const of = (kind: string): Record<string, ConfigContent | undefined> =>
    Object.fromEntries(references.flatMap((one, at) => (one.kind === kind ? [[one.name, found[at]] as const] : [])));
  return { configMaps: of("ConfigMap"), secrets: of("Secret") };
}

/**
 * Every ConfigMap and Secret that the pod's environment and volumes name, each once; optional only when every use is. Containers that come to
 * a running pod hold up none of the others.
 */
export function configReferences({ spec }: Pod): readonly ConfigReference[] {
  const hasLater = (spec?.ephemeralContainers.length ?? 0) > 0;
  const byKey = new Map<string, ConfigReference>();
  for (const { kind, name, optional } of configUses(hasLater && spec ? { ...spec, ephemeralContainers: [] } : spec)) {
    const key = configKey(kind, name);
    byKey.set(key, { kind, name, optional: optional && byKey.get(key)?.optional !== false });
  }
  return [...byKey.values()];
}
