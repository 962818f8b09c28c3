import type { Json, JsonObject } from "../../kinds/encode.js";
import { toJson } from "../../kinds/encode.js";
import { addressesThere, DEFAULT_NETWORK, NO_NETWORK, networksOf } from "../../kinds/network.js";
import { metaOf } from "../../kinds/object.js";
import { controllerOf } from "../../kinds/owners.js";
import { maxRestartsOf, REMOVE_WHEN_OVER } from "../../kinds/power.js";
import { cpuMillicores, quantityBytes } from "../../lib/quantity.js";
import type { Container, ContainerPort } from "../../proto/gen/tallship/v1/container.js";
import type { Pod, PodNetwork } from "../../proto/gen/tallship/v1/pod.js";
import type { Service } from "../../proto/gen/tallship/v1/service.js";
import type { Cluster } from "../cluster.js";
import type { Look } from "../inspect/told.js";
import { listObjects } from "../objects.js";
import type { Shell } from "../shell.js";
import { findContainer } from "./find.js";
import { idOf, type NamedContainer, nameOf } from "./identity.js";
import { type OpenPort, openPorts } from "./ports.js";
import { commandOf, dockerState, healthOf, statusOf } from "./state.js";

/** Tells all of containers in the shape of `docker inspect`, the pod as the cluster has it included. Services are read once. */
export function lookAtContainers(cluster: Cluster, { signal }: Pick<Shell, "signal">): Look {
  let reading: Promise<readonly Service[]> | undefined;
  const services = async (): Promise<readonly Service[]> => {
    const { objects } = await listObjects(cluster, { kind: "Service", namespace: cluster.namespace }, signal);
    return objects.flatMap((typed) => (typed.kind === "Service" ? [typed.object] : []));
  };
  return async (word) => {
    const found = await findContainer(cluster, word, signal);
    reading ??= services();
    return inspected(found, await reading);
  };
}

/** What is known of a container, under Docker's names. */
export function inspected(one: NamedContainer, services: readonly Service[]): Json {
  const { pod, container: name } = one;
  const meta = metaOf(pod);
  const spec = pod.spec?.containers.find((container) => container.name === name);
  const status = statusOf(pod, name);
  const [path = "", ...args] = commandOf(one);
  const open = openPorts(pod, services);
  const mounts = mountsOf(pod, spec);
  return {
    Id: idOf(one),
    Created: meta.creationTimestamp,
    Path: path,
    Args: [...args],
    Name: `/${nameOf(one)}`,
    State: stateOf(one),
    Image: status?.imageID.split("@")[1] ?? "",
    RestartCount: status?.restartCount ?? 0,
    Config: {
      Hostname: pod.spec?.hostname || meta.name,
      User: String(spec?.securityContext?.runAsUser ?? pod.spec?.securityContext?.runAsUser ?? ""),
      Tty: spec?.tty ?? false,
      OpenStdin: spec?.stdin ?? false,
      StdinOnce: spec?.stdinOnce ?? false,
      Env: (spec?.env ?? []).map((variable) => `${variable.name}=${variable.value}`),
      Cmd: spec === undefined || spec.args.length === 0 ? null : [...spec.args],
      Entrypoint: spec === undefined || spec.command.length === 0 ? null : [...spec.command],
      Image: spec?.image ?? "",
      ExposedPorts: Object.fromEntries((spec?.ports ?? []).map((port) => [portKey(port), {}])),
      WorkingDir: spec?.workingDir ?? "",
      Labels: { ...meta.labels },
      StopSignal: spec?.lifecycle?.stopSignal ?? "",
      StopTimeout: pod.spec?.terminationGracePeriodSeconds ?? 0,
    },
    HostConfig: {
      ...hostConfig(one, spec),
      Binds: mounts.flatMap(bindText),
      PortBindings: portsOf(open, undefined),
    },
    Mounts: [...mounts],
    NetworkSettings: {
      IPAddress: pod.status?.podIP ?? "",
      GlobalIPv6Address: ipv6In((pod.status?.podIPs ?? []).map(({ ip }) => ip)),
      Networks: Object.fromEntries(
        networksOfPod(pod).map((place) => [
          place.name,
          { IPAddress: place.ip, GlobalIPv6Address: ipv6In(addressesThere(place)) },
        ]),
      ),
      Ports: portsOf(open, spec),
    },
    Node: { Name: pod.spec?.nodeName ?? "", IPAddress: pod.status?.hostIP ?? "" },
    Pod: toJson({ kind: "Pod", object: pod }),
  };
}

function networksOfPod({ spec, status }: Pod): readonly Pick<PodNetwork, "name" | "ip" | "ips">[] {
  if (status === undefined || status.podIP === "") return [];
  if (status.networks.length > 0) return status.networks;
  const ips = status.podIPs.map(({ ip }) => ip);
  return [{ name: spec?.hostNetwork === true ? "host" : DEFAULT_NETWORK, ip: status.podIP, ips }];
}

/** As docker says it: empty for none. */
function ipv6In(addresses: readonly string[]): string {
  return addresses.find((address) => address.includes(":")) ?? "";
}

const NO_TIME = "0001-01-01T00:00:00Z";

function stateOf({ pod, container }: NamedContainer): Json {
  const { running, terminated, waiting } = statusOf(pod, container)?.state ?? {};
  const state = dockerState(pod, container);
  return {
    Status: state,
    Running: running !== undefined,
    Paused: state === "paused",
    Restarting: state === "restarting",
    OOMKilled: terminated?.reason === "OOMKilled",
    Dead: false,
    ExitCode: terminated?.exitCode ?? 0,
    Error: waiting?.message ?? "",
    StartedAt: running?.startedAt ?? terminated?.startedAt ?? NO_TIME,
    FinishedAt: terminated?.finishedAt ?? NO_TIME,
    Health: { Status: healthOf(pod, container) },
  };
}

function hostConfig({ pod }: NamedContainer, spec: Container | undefined): JsonObject {
  const { memory, cpu } = spec?.resources?.limits ?? {};
  const names: Readonly<Record<string, string>> = { Always: "unless-stopped", OnFailure: "on-failure", Never: "no" };
  return {
    NetworkMode: pod.spec?.hostNetwork === true ? "host" : (networksOf(pod.metadata)[0] ?? NO_NETWORK),
    RestartPolicy: {
      Name: names[pod.spec?.restartPolicy ?? ""] ?? "",
      MaximumRetryCount: maxRestartsOf(pod) ?? 0,
    },
    Memory: memory === undefined ? 0 : quantityBytes(memory),
    NanoCpus: cpu === undefined ? 0 : cpuMillicores(cpu) * 1_000_000,
    AutoRemove: pod.metadata?.annotations[REMOVE_WHEN_OVER] === "true",
    Privileged: spec?.securityContext?.privileged ?? false,
    ReadonlyRootfs: spec?.securityContext?.readOnlyRootFilesystem ?? false,
    CapAdd: [...(spec?.securityContext?.capabilities?.add ?? [])],
    CapDrop: [...(spec?.securityContext?.capabilities?.drop ?? [])],
    Owner: controllerOf(pod)?.name ?? "",
  };
}

function portKey({ containerPort, protocol }: ContainerPort): string {
  return `${containerPort}/${(protocol || "TCP").toLowerCase()}`;
}

/** A mount as docker tells of it. */
interface Mounted {
  readonly [field: string]: Json;
  readonly Type: string;
  readonly Source: string;
  readonly Destination: string;
  readonly RW: boolean;
}

function mountsOf(pod: Pod, spec: Container | undefined): readonly Mounted[] {
  return (spec?.volumeMounts ?? []).map(({ name, mountPath, readOnly }) => {
    const volume = pod.spec?.volumes.find((each) => each.name === name);
    const of = { Destination: mountPath, Mode: readOnly ? "ro" : "", RW: !readOnly };
    if (volume?.hostPath !== undefined) return { Type: "bind", Name: name, Source: volume.hostPath.path, ...of };
    if (volume?.emptyDir?.medium === "Memory") return { Type: "tmpfs", Name: name, Source: "", ...of };
    const claim = volume?.persistentVolumeClaim?.claimName;
    return { Type: "volume", Name: claim ?? name, Source: claim ?? "", ...of };
  });
}

/** Of what has a source, as -v has it. */
function bindText({ Source: source, Destination: target, RW: isWritable }: Mounted): readonly string[] {
  return source === "" ? [] : [`${source}:${target}${isWritable ? "" : ":ro"}`];
}

function portsOf(open: readonly OpenPort[], spec: Container | undefined): Json {
  const all = new Map<string, Json[] | null>();
  for (const port of spec?.ports ?? []) all.set(portKey(port), null);
  for (const { target, protocol, address, published } of open) {
    const key = `${target}/${protocol}`;
    all.set(key, [...(all.get(key) ?? []), { HostIp: address, HostPort: String(published) }]);
  }
  return Object.fromEntries(all);
}
