import type {
  Container,
  EnvVar,
  HTTPGetAction,
  Lifecycle,
  LifecycleHandler,
  Probe,
} from "../../proto/gen/tallship/v1/container.js";
import type { Pod, PodSpec } from "../../proto/gen/tallship/v1/pod.js";
import type { Volume } from "../../proto/gen/tallship/v1/volume.js";

/** Mode 0644 of the files of a volume. */
const FILE_MODE = 0o644;

/** The defaults of its spec, and requests from limits: as in Kubernetes only in a pod, not in a template, where a limit may still change. */
export function defaultPod(pod: Pod): Pod {
  if (pod.spec === undefined) return pod;
  const spec = defaultPodSpec(pod.spec);
  const [initContainers, containers] = [spec.initContainers.map(defaultRequests), spec.containers.map(defaultRequests)];
  return { ...pod, spec: { ...spec, initContainers, containers } };
}

function defaultRequests(container: Container): Container {
  const { resources } = container;
  if (resources === undefined) return container;
  return { ...container, resources: { ...resources, requests: { ...resources.limits, ...resources.requests } } };
}

/** What Kubernetes fills into a pod spec beyond plain values: pull policies by tag, volume modes. */
export function defaultPodSpec(spec: PodSpec): PodSpec {
  const { hostNetwork } = spec;
  return {
    ...spec,
    volumes: spec.volumes.map(defaultVolume),
    initContainers: spec.initContainers.map((container) => defaultContainer(container, hostNetwork)),
    containers: spec.containers.map((container) => defaultContainer(container, hostNetwork)),
    ephemeralContainers: spec.ephemeralContainers.map((container) => defaultContainer(container, hostNetwork)),
    securityContext: spec.securityContext ?? EMPTY_SECURITY,
  };
}

const EMPTY_SECURITY: NonNullable<PodSpec["securityContext"]> = {
  seLinuxOptions: undefined,
  runAsUser: undefined,
  runAsGroup: undefined,
  runAsNonRoot: undefined,
  supplementalGroups: [],
  supplementalGroupsPolicy: "",
  fsGroup: undefined,
  fsGroupChangePolicy: "",
  sysctls: [],
  seccompProfile: undefined,
  appArmorProfile: undefined,
  windowsOptions: undefined,
  seLinuxChangePolicy: "",
};

function defaultContainer(container: Container, hostNetwork: boolean): Container {
  const { imagePullPolicy } = container;
  return {
    ...container,
    imagePullPolicy: imagePullPolicy || pullPolicy(container.image),
    ports: container.ports.map((port) =>
      hostNetwork && port.hostPort === 0 ? { ...port, hostPort: port.containerPort } : port,
    ),
    env: container.env.map(defaultVariable),
    livenessProbe: defaultProbe(container.livenessProbe),
    readinessProbe: defaultProbe(container.readinessProbe),
    startupProbe: defaultProbe(container.startupProbe),
    lifecycle: defaultLifecycle(container.lifecycle),
  };
}

/** Always for the tag latest, written or implied; IfNotPresent for every other tag and for digests. */
function pullPolicy(image: string): string {
  if (image.includes("@")) return "IfNotPresent";
  const name = image.slice(image.lastIndexOf("/") + 1);
  const tag = name.includes(":") ? name.slice(name.indexOf(":") + 1) : "latest";
  return tag === "latest" ? "Always" : "IfNotPresent";
}

function defaultVariable(variable: EnvVar): EnvVar {
  const fieldRef = variable.valueFrom?.fieldRef;
  if (fieldRef === undefined || fieldRef.apiVersion !== "") return variable;
  return { ...variable, valueFrom: { ...variable.valueFrom, fieldRef: { ...fieldRef, apiVersion: "v1" } } };
}

function defaultProbe(probe: Probe | undefined): Probe | undefined {
  if (probe?.httpGet === undefined) return probe;
  return { ...probe, httpGet: defaultHttpGet(probe.httpGet) };
}

function defaultHttpGet(action: HTTPGetAction): HTTPGetAction {
  return action.path === "" ? { ...action, path: "/" } : action;
}

function defaultLifecycle(lifecycle: Lifecycle | undefined): Lifecycle | undefined {
  if (lifecycle === undefined) return undefined;
  return {
    ...lifecycle,
    postStart: defaultHandler(lifecycle.postStart),
    preStop: defaultHandler(lifecycle.preStop),
  };
}

function defaultHandler(handler: LifecycleHandler | undefined): LifecycleHandler | undefined {
  if (handler?.httpGet === undefined) return handler;
  return { ...handler, httpGet: defaultHttpGet(handler.httpGet) };
}

/** A volume that names no source is an emptyDir, as in Kubernetes. */
function defaultVolume(volume: Volume): Volume {
  const { name, ...sources } = volume;
  if (Object.values(sources).every((source) => source === undefined)) {
    return { ...volume, emptyDir: { medium: "", sizeLimit: "" } };
  }
  const mode = <T extends { readonly defaultMode?: number | undefined }>(source: T | undefined): T | undefined =>
    source === undefined || source.defaultMode !== undefined ? source : { ...source, defaultMode: FILE_MODE };
  return {
    ...volume,
    configMap: mode(volume.configMap),
    secret: mode(volume.secret),
    projected: mode(volume.projected),
    downwardAPI: mode(volume.downwardAPI),
  };
}
