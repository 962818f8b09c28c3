import type { Container } from "../../proto/gen/tallship/v1/container.js";
import type { Pod } from "../../proto/gen/tallship/v1/pod.js";
import type { Volume } from "../../proto/gen/tallship/v1/volume.js";

/** The ConfigMaps and Secrets, in its own namespace, that a pod names. */
export interface NamedByPod {
  readonly configMaps: ReadonlySet<string>;
  readonly secrets: ReadonlySet<string>;
}

/** Every ConfigMap and Secret that a pod names: in volumes, environment and registry credentials. */
export function namedByPod(pod: Pod): NamedByPod {
  const spec = pod.spec;
  if (spec === undefined) return { configMaps: new Set(), secrets: new Set() };
  const containers = [...spec.initContainers, ...spec.containers, ...spec.ephemeralContainers];
  return {
    configMaps: words([...containers.flatMap(configMapsOfContainer), ...spec.volumes.flatMap(configMapsOfVolume)]),
    secrets: words([
      ...containers.flatMap(secretsOfContainer),
      ...spec.volumes.flatMap(secretsOfVolume),
      ...spec.imagePullSecrets.map(({ name }) => name),
    ]),
  };
}

type MaybeName = string | undefined;

function words(names: readonly MaybeName[]): ReadonlySet<string> {
  return new Set(names.filter((name): name is string => name !== undefined && name !== ""));
}

function configMapsOfContainer({ env, envFrom }: Container): readonly MaybeName[] {
  return [
    ...env.map(({ valueFrom }) => valueFrom?.configMapKeyRef?.name),
    ...envFrom.map(({ configMapRef }) => configMapRef?.name),
  ];
}

function secretsOfContainer({ env, envFrom }: Container): readonly MaybeName[] {
  return [
    ...env.map(({ valueFrom }) => valueFrom?.secretKeyRef?.name),
    ...envFrom.map(({ secretRef }) => secretRef?.name),
  ];
}

function configMapsOfVolume({ configMap, projected }: Volume): readonly MaybeName[] {
  return [configMap?.name, ...(projected?.sources ?? []).map((source) => source.configMap?.name)];
}

function secretsOfVolume({ secret, projected }: Volume): readonly MaybeName[] {
  return [secret?.secretName, ...(projected?.sources ?? []).map((source) => source.secret?.name)];
}
