import type { Pins } from "../../../kinds/config-copies.js";
import { type ConfigKind, volumesInPart } from "../../../kinds/config-uses.js";
import type { Container } from "../../../proto/gen/tallship/v1/container.js";
import type { PodSpec, PodTemplateSpec } from "../../../proto/gen/tallship/v1/pod.js";
import type { Volume } from "../../../proto/gen/tallship/v1/volume.js";
import { pinFor } from "./pins.js";

/** The template with every ConfigMap and Secret that is pinned replaced by its copy: what pods of the revision are made from. */
export function pinnedTemplate(template: PodTemplateSpec | undefined, pins: Pins): PodTemplateSpec | undefined {
  if (template?.spec === undefined || Object.keys(pins).length === 0) return template;
  return { ...template, spec: pinnedSpec(template.spec, pins) };
}

type Rename = (kind: ConfigKind, name: string) => string;

function pinnedSpec(spec: PodSpec, pins: Pins): PodSpec {
  const inPart = volumesInPart(spec);
  const rename =
    (isWhole: boolean): Rename =>
    (kind, name) =>
      pinFor(pins, { kind, name, isWhole }) ?? name;
  const containers = (list: readonly Container[]): Container[] =>
    list.map((container) => pinnedContainer(container, rename(false)));
  return {
    ...spec,
    initContainers: containers(spec.initContainers),
    containers: containers(spec.containers),
    ephemeralContainers: containers(spec.ephemeralContainers),
    volumes: spec.volumes.map((volume) => pinnedVolume(volume, rename(!inPart.has(volume.name)))),
  };
}

function pinnedContainer(container: Container, rename: Rename): Container {
  return {
    ...container,
    env: container.env.map((variable) => {
      const { valueFrom } = variable;
      if (valueFrom === undefined) return variable;
      const configMapKeyRef = renamed(valueFrom.configMapKeyRef, "ConfigMap", rename);
      const secretKeyRef = renamed(valueFrom.secretKeyRef, "Secret", rename);
      return { ...variable, valueFrom: { ...valueFrom, configMapKeyRef, secretKeyRef } };
    }),
    envFrom: container.envFrom.map((source) => ({
      ...source,
      configMapRef: renamed(source.configMapRef, "ConfigMap", rename),
      secretRef: renamed(source.secretRef, "Secret", rename),
    })),
  };
}

function pinnedVolume(volume: Volume, rename: Rename): Volume {
  const { configMap, secret, projected } = volume;
  return {
    ...volume,
    configMap: renamed(configMap, "ConfigMap", rename),
    secret: secret === undefined ? undefined : { ...secret, secretName: rename("Secret", secret.secretName) },
    projected:
      projected === undefined
        ? undefined
        : {
            ...projected,
            sources: projected.sources.map((source) => ({
              ...source,
              configMap: renamed(source.configMap, "ConfigMap", rename),
              secret: renamed(source.secret, "Secret", rename),
            })),
          },
  };
}

function renamed<T extends { readonly name: string }>(
  reference: T | undefined,
  kind: ConfigKind,
  rename: Rename,
): T | undefined {
  return reference === undefined ? undefined : { ...reference, name: rename(kind, reference.name) };
}
