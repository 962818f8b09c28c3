import type { Container } from "../proto/gen/tallship/v1/container.js";
import type { PodSpec } from "../proto/gen/tallship/v1/pod.js";
import type { Volume } from "../proto/gen/tallship/v1/volume.js";

/** A kind whose objects hold values that pods take. */
export type ConfigKind = "ConfigMap" | "Secret";

/** One place where a pod names a ConfigMap or Secret of its namespace. */
export interface ConfigUse {
  readonly kind: ConfigKind;
  readonly name: string;
  /** How the values come in. A container that runs sees a change only in a volume that is mounted whole. */
  readonly how: "environment" | "subPath" | "volume";
  /** The keys that are taken; undefined: all. */
  readonly keys: readonly string[] | undefined;
  /** The pod starts without it. */
  readonly optional: boolean;
}

/** Names a config as the index of users and the pins write it: ConfigMap/web. */
export function configKey(kind: ConfigKind, name: string): string {
  return `${kind}/${name}`;
}

const known = new WeakMap<PodSpec, readonly ConfigUse[]>();

/** Every use that a pod makes of ConfigMaps and Secrets, in the order in which they stand; worked out once per spec. */
export function configUses(spec: PodSpec | undefined): readonly ConfigUse[] {
  if (spec === undefined) return [];
  const before = known.get(spec);
  if (before !== undefined) return before;
  const containers = containersOf(spec);
  const inPart = volumesInPart(spec);
  const uses = [
    ...containers.flatMap(usesOfContainer),
    ...spec.volumes.flatMap((volume) => usesOfVolume(volume, inPart.has(volume.name) ? "subPath" : "volume")),
  ].filter(({ name }) => name !== "");
  known.set(spec, uses);
  return uses;
}

/** Names of the volumes of which a container mounts a path alone: such a mount never changes. */
export function volumesInPart(spec: PodSpec): ReadonlySet<string> {
  const mounts = containersOf(spec).flatMap(({ volumeMounts }) => volumeMounts);
  return new Set(
    mounts.filter(({ subPath, subPathExpr }) => subPath !== "" || subPathExpr !== "").map(({ name }) => name),
  );
}

function containersOf(spec: PodSpec): readonly Container[] {
  return [...spec.initContainers, ...spec.containers, ...spec.ephemeralContainers];
}

function usesOfContainer({ env, envFrom }: Container): readonly ConfigUse[] {
  const use = (kind: ConfigKind, source: Named | undefined, keys: readonly string[] | undefined) =>
    usesOf({ kind, source, how: "environment", keys });
  const single = env.flatMap(({ valueFrom: { configMapKeyRef: config, secretKeyRef: secret } = {} }) => [
    ...use("ConfigMap", config, [config?.key ?? ""]),
    ...use("Secret", secret, [secret?.key ?? ""]),
  ]);
  const whole = envFrom.flatMap(({ configMapRef: config, secretRef: secret }) => [
    ...use("ConfigMap", config, undefined),
    ...use("Secret", secret, undefined),
  ]);
  return [...single, ...whole];
}

function usesOfVolume({ configMap, secret, projected }: Volume, how: "subPath" | "volume"): readonly ConfigUse[] {
  const use = (kind: ConfigKind, source: Mounted | undefined) =>
    usesOf({ kind, source, how, keys: source?.items.length ? source.items.map(({ key }) => key) : undefined });
  return [
    ...use("ConfigMap", configMap),
    ...use("Secret", secret && { ...secret, name: secret.secretName }),
    ...(projected?.sources ?? []).flatMap((source) => [
      ...use("ConfigMap", source.configMap),
      ...use("Secret", source.secret),
    ]),
  ];
}

interface Named {
  readonly name: string;
  readonly optional?: boolean | undefined;
}

interface Mounted extends Named {
  readonly items: readonly { readonly key: string }[];
}

/** One use, or none without a source. */
function usesOf({
  source,
  ...use
}: Pick<ConfigUse, "kind" | "how" | "keys"> & { readonly source: Named | undefined }): readonly ConfigUse[] {
  return source === undefined ? [] : [{ ...use, name: source.name, optional: source.optional === true }];
}
