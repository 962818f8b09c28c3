import type { ConfigContent } from "./config-values.js";

/** Reads the ConfigMaps and Secrets that pods of this node name. */
export interface ConfigSource {
  /** The latest content; undefined when the object does not exist. Throws unavailable while no control plane can be reached. */
  get(
    kind: "ConfigMap" | "Secret",
    name: { readonly namespace: string; readonly name: string },
    signal: AbortSignal,
  ): Promise<ConfigContent | undefined>;
}
