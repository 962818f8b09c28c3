import { everyContainer } from "../../kinds/pod-containers.js";
import { TallshipError } from "../../lib/errors.js";
import type { Container, EnvVar, EnvVarSource, KeySelector } from "../../proto/gen/tallship/v1/container.js";
import type { Pod } from "../../proto/gen/tallship/v1/pod.js";
import type { Service } from "../../proto/gen/tallship/v1/service.js";
import type { ConfigContent, ConfigValues } from "../config-values.js";
import { fieldValue, type PodPlace, resourceValue } from "./downward.js";
import { expand } from "./expand.js";
import { serviceVariables } from "./service-variables.js";

const DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/** What a container's environment is made of. */
export interface EnvironmentInput {
  readonly pod: Pod;
  readonly container: Container;
  /** NAME=value each. */
  readonly imageEnv: readonly string[];
  readonly configs: ConfigValues;
  readonly place: PodPlace;
  readonly hostname: string;
  readonly home: string;
  /** Services of the pod's namespace, for the variables that name them. */
  readonly services: readonly Service[];
}

/**
 * The variables in the order in which they were set: the image's, then those of services, then envFrom, then env; a later value replaces an earlier one in its
 * place. Throws config_missing when a ConfigMap, Secret or key that is not optional does not exist.
 */
export function environment(input: EnvironmentInput): ReadonlyMap<string, string> {
  const variables = new Map<string, string>([
    ["PATH", DEFAULT_PATH],
    ["HOSTNAME", input.hostname],
    ["HOME", input.home],
    ...(input.container.tty ? ([["TERM", "xterm"]] as const) : []),
  ]);
  for (const pair of input.imageEnv) {
    const at = pair.indexOf("=");
    if (at > 0) variables.set(pair.slice(0, at), pair.slice(at + 1));
  }
  if (input.pod.spec?.enableServiceLinks !== false)
    for (const [name, value] of serviceVariables(input.services)) variables.set(name, value);
  for (const [name, value] of fromWhole(input)) variables.set(name, value);
  for (const variable of input.container.env) {
    const value = variableValue(variable, input, variables);
    if (value !== undefined) variables.set(variable.name, value);
  }
  return variables;
}

/** The variables as config.json has them. */
export function environmentWords(variables: ReadonlyMap<string, string>): readonly string[] {
  return [...variables].map(([name, value]) => `${name}=${value}`);
}

/** Keys that cannot be names of variables are left out, as in Kubernetes. */
function fromWhole({ container, configs }: EnvironmentInput): readonly (readonly [string, string])[] {
  return container.envFrom.flatMap(({ prefix, configMapRef, secretRef }) => {
    const content =
      configMapRef !== undefined
        ? contentOf("ConfigMap", configMapRef, configs)
        : secretRef !== undefined
          ? contentOf("Secret", secretRef, configs)
          : undefined;
    const keys = Object.keys(content?.values ?? {}).sort();
    return keys
      .map((key) => [`${prefix}${key}`, textOf(content?.values[key])] as const)
      .filter(([name]) => /^[-._a-zA-Z][-._a-zA-Z0-9]*$/.test(name));
  });
}

function variableValue(
  { name, value, valueFrom }: EnvVar,
  input: EnvironmentInput,
  earlier: ReadonlyMap<string, string>,
): string | undefined {
  return valueFrom === undefined ? expand(value, earlier) : valueFromSource(name, valueFrom, input);
}

function valueFromSource(name: string, source: EnvVarSource, input: EnvironmentInput): string | undefined {
  if (source.fieldRef !== undefined) return fieldValue(source.fieldRef.fieldPath, input.pod, input.place);
  if (source.resourceFieldRef !== undefined) {
    const { containerName } = source.resourceFieldRef;
    const of = everyContainer(input.pod).find((one) => one.name === containerName) ?? input.container;
    return resourceValue(source.resourceFieldRef, of, input.place);
  }
  if (source.configMapKeyRef !== undefined) return keyOf("ConfigMap", source.configMapKeyRef, input.configs);
  if (source.secretKeyRef !== undefined) return keyOf("Secret", source.secretKeyRef, input.configs);
  throw new TallshipError("invalid_argument", `variable ${name}: valueFrom names no source`);
}

function keyOf(kind: "ConfigMap" | "Secret", selector: KeySelector, configs: ConfigValues): string | undefined {
  const bytes = contentOf(kind, selector, configs)?.values[selector.key];
  if (bytes !== undefined) return textOf(bytes);
  if (selector.optional === true) return undefined;
  throw new TallshipError("config_missing", `${kind} ${selector.name} has no key ${selector.key}`);
}

/** Contents of a ConfigMap or Secret; undefined when it does not exist and need not. */
export function contentOf(
  kind: "ConfigMap" | "Secret",
  { name, optional }: { readonly name: string; readonly optional?: boolean | undefined },
  configs: ConfigValues,
): ConfigContent | undefined {
  const content = kind === "ConfigMap" ? configs.configMaps[name] : configs.secrets[name];
  if (content === undefined && optional !== true)
    throw new TallshipError("config_missing", `${kind} ${name} does not exist`);
  return content;
}

function textOf(bytes: Uint8Array | undefined): string {
  return Buffer.from(bytes ?? new Uint8Array()).toString("utf8");
}
