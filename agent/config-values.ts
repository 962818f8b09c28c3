/** Contents of one ConfigMap or Secret. */
export interface ConfigContent {
  readonly revision: number;
  readonly values: Readonly<Record<string, Uint8Array>>;
}

/** The ConfigMaps and Secrets that a pod names, by name; undefined stands for one that does not exist. */
export interface ConfigValues {
  readonly configMaps: Readonly<Record<string, ConfigContent | undefined>>;
  readonly secrets: Readonly<Record<string, ConfigContent | undefined>>;
}
