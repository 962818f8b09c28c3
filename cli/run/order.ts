import { GPU } from "../../kinds/devices.js";
import type { JsonObject } from "../../kinds/encode.js";
import { FILL_VOLUMES } from "../../kinds/fill-volumes.js";
import { FORMATS } from "../../kinds/formats.js";
import { KEEP_FILES, MAX_RESTARTS, REMOVE_WHEN_OVER, RUN_LABEL, STOPPED } from "../../kinds/power.js";
import { type PublishedPort, parsePort } from "../compose/model/ports.js";
import { usageError } from "../verb.js";
import { aliasLabels, aliasServices } from "./aliases.js";
import { claimOf } from "./claims.js";
import { deviceAnnotations, deviceLimits, devicePaths } from "./devices.js";
import { healthProbes, requestsOf, ulimitAnnotation } from "./extras.js";
import type { RunFlags } from "./flags.js";
import { type AskedGpus, parseGpus } from "./gpus.js";
import { dockerBytes, type RunMounts, readMounts } from "./mounts.js";
import { type AskedNetworks, isOnHost, networkAnnotations, readNetworks } from "./networks.js";
import { runAsAnnotation, runAsNumbers } from "./run-user.js";
import { exposedBy, isKubectls, servicesOf } from "./services.js";
import { NO_SHARED, type SharedVolumes } from "./volumes-from.js";
import { notesWithoutEffect } from "./without-effect.js";

/** What a command line of `run` comes to. */
export interface RunOrder {
  readonly name: string;
  readonly pod: JsonObject;
  /** Objects beside the pod, which belong to it. */
  readonly services: readonly JsonObject[];
  /** Names beside its own, which it may share with other containers. */
  readonly aliases: readonly JsonObject[];
  /** Claims of volumes by name, which outlive it. */
  readonly claims: readonly JsonObject[];
  /** What the user should know, one sentence each. */
  readonly notes: readonly string[];
}

/** What is run: the image, and what follows it. */
export interface RunCommand {
  readonly name: string;
  /** The user has chosen the name, so that others may look for it. */
  readonly isNamed: boolean;
  readonly image: string;
  readonly words: readonly string[];
  /** Variables of --env-file, before those of -e. */
  readonly fileVariables: readonly string[];
  /** Labels of --label-file, before those of -l. */
  readonly fileLabels: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  /** How many GPUs all of a node are, where the cluster has been asked. */
  readonly allGpus?: number | undefined;
  /** Volumes of other containers, where the cluster has been asked. */
  readonly shared?: SharedVolumes;
  /** It waits for `start`, as what was stopped does. */
  readonly isHeld?: boolean;
  /** Ports that the image exposes and -P opens, as --expose has them. */
  readonly exposed: readonly string[];
}

/** What is to be known of the GPUs asked for. */
function gpuNotes({ gpus, node }: RunFlags, { allGpus }: RunCommand): readonly string[] {
  const asked = gpus === undefined ? undefined : parseGpus(gpus);
  if (asked?.count === "all") {
    const all = "--gpus all asks for as many as the node with the most has";
    return allGpus === undefined
      ? [`${all}; without asking the cluster that is taken for one`]
      : [`${all}: ${allGpus}`];
  }
  const isAnywhere = asked !== undefined && asked.devices.length > 0 && node === undefined;
  return isAnywhere ? ["names of GPUs are those of one node: say which with --node"] : [];
}

/** Docker's period of --cpu-quota, in microseconds. */
const CPU_PERIOD = 100_000;

/** Docker's grace between the stop signal and SIGKILL. */
const STOP_SECONDS = 10;

/** The objects that a command line asks for. Pure; throws usage errors. */
export function runOrder(flags: RunFlags, command: RunCommand): RunOrder {
  const asked = flags.publish.flatMap((text) => readPort("-p", text));
  const exposed = [...command.exposed, ...exposedBy(flags)].flatMap((text) => readPort("--expose", text));
  const ports = flags.publishAll ? [...asked, ...exposed.filter((one) => !asked.some(isSamePort(one)))] : asked;
  const mounts = withShared(readMounts(flags), command.shared ?? NO_SHARED);
  const { names, aliases } = networksOf(flags, command);
  const notes = [
    ...[...mounts.nodePaths, ...devicePaths(flags)].map((path) => `${path} is that of the node that it runs on`),
    ...gpuNotes(flags, command),
    ...notesWithoutEffect(flags),
  ];
  return {
    name: command.name,
    pod: podOf(flags, command, { ports, exposed, networks: names, aliases, ...mounts }),
    services: servicesOf(
      flags,
      command,
      ports.filter((port) => !isOnOneNode(port)),
    ),
    aliases: aliasServices(aliases),
    claims: mounts.claims.map((name) => claimOf(name)),
    notes,
  };
}

/** The container's networks and its names there; its own name stands by itself. */
function networksOf(flags: RunFlags, { name, isNamed }: RunCommand): AskedNetworks {
  const { names, aliases } = readNetworks(flags);
  const hasName = isNamed && !isKubectls(flags);
  return { names, aliases: aliases.filter((alias) => !hasName || alias !== name) };
}

function readPort(flag: string, text: string): readonly PublishedPort[] {
  const read = parsePort(text);
  if ("wrong" in read) throw usageError(`${flag}: ${read.wrong}`);
  return read.value;
}

function isSamePort(one: PublishedPort): (other: PublishedPort) => boolean {
  return (other) => other.target === one.target && other.protocol === one.protocol;
}

/** A port on one address is one of the node that runs the container. */
function isOnOneNode({ hostIP, published }: PublishedPort): boolean {
  return published !== undefined && hostIP !== "" && hostIP !== "0.0.0.0" && hostIP !== "::";
}

interface Parts extends Pick<RunMounts, "volumes" | "mounts" | "filled"> {
  readonly ports: readonly PublishedPort[];
  /** Those that it answers on and nobody has opened. */
  readonly exposed: readonly PublishedPort[];
  readonly networks: readonly string[];
  readonly aliases: readonly string[];
}

function podOf(flags: RunFlags, command: RunCommand, parts: Parts): JsonObject {
  const ofKubectl = isKubectls(flags);
  // What is removed when it has ended is not started again, in kubectl's form either.
  const { policy, maxRestarts } = restartOf(flags.restart ?? (ofKubectl && !flags.rm ? "always" : "no"));
  if (flags.rm && policy !== "Never")
    throw usageError("--rm and --restart exclude each other: what is removed when it ends is not started again");
  const { labels, annotations } = labelsOf(flags, command.fileLabels);
  const usual: JsonObject = ofKubectl && Object.keys(labels).length === 0 ? { run: command.name } : {};
  const { volumes, filled, networks, aliases } = parts;
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: {
      name: command.name,
      labels: { ...usual, ...labels, ...aliasLabels(aliases), [RUN_LABEL]: command.name },
      annotations: {
        ...annotations,
        ...networkAnnotations(networks),
        ...(ofKubectl ? {} : { [KEEP_FILES]: "true" }),
        ...(command.isHeld === true ? { [STOPPED]: "" } : {}),
        ...(maxRestarts === undefined ? {} : { [MAX_RESTARTS]: maxRestarts }),
        ...(filled.length === 0 ? {} : { [FILL_VOLUMES]: filled.join(",") }),
        ...runAsAnnotation(containerName(command), flags.user),
        ...ulimitAnnotation(containerName(command), flags.ulimit),
        ...(flags.rm ? { [REMOVE_WHEN_OVER]: "true" } : {}),
        ...deviceAnnotations(containerName(command), flags),
      },
    },
    spec: {
      restartPolicy: policy,
      ...present({
        terminationGracePeriodSeconds: flags.stopTimeout ?? (ofKubectl ? undefined : STOP_SECONDS),
        hostname: flags.hostname,
        hostNetwork: isOnHost(networks) || undefined,
        hostPID: flags.pid === "host" ? true : undefined,
        hostIPC: flags.ipc === "host" ? true : undefined,
        // The pod's first process then is one that collects what others leave behind.
        shareProcessNamespace: flags.init || undefined,
        nodeSelector: nodeSelector(flags, command.shared?.node),
        securityContext: podSecurity(flags),
        hostAliases: flags.addHost.length === 0 ? undefined : flags.addHost.map(hostAlias),
        dnsPolicy: flags.dns.length === 0 ? undefined : "None",
        dnsConfig: dnsConfig(flags),
        volumes: volumes.length === 0 ? undefined : [...volumes],
      }),
      containers: [containerOf(flags, command, parts)],
    },
  };
}

function containerName({ name }: RunCommand): string {
  return FORMATS.dnsLabel(name) === undefined ? name : "main";
}

function containerOf(flags: RunFlags, command: RunCommand, { ports, exposed, mounts }: Parts): JsonObject {
  const hasStdin = flags.interactive || flags.stdin;
  const words = command.words.length === 0 ? undefined : [...command.words];
  return {
    name: containerName(command),
    image: command.image,
    ...present({
      command: flags.command ? words : flags.entrypoint === undefined ? undefined : [flags.entrypoint],
      args: flags.command ? undefined : words,
      workingDir: flags.workdir,
      env: environmentOf(flags, command),
      ports: containerPorts(flags, [...exposed, ...ports]),
      resources: resourcesOf(flags, command),
      volumeMounts: mounts.length === 0 ? undefined : [...mounts],
      stdin: hasStdin || undefined,
      // An attached client that leaves ends the input, unless the container goes on without it.
      stdinOnce: (hasStdin && !flags.detach && !flags.tty) || undefined,
      tty: flags.tty || undefined,
      imagePullPolicy: pullPolicy(flags),
      securityContext: security(flags),
      ...healthProbes(flags),
      lifecycle: flags.stopSignal === undefined ? undefined : { stopSignal: signalName(flags.stopSignal) },
    }),
  };
}

/** Only what is there. */
function present(parts: Readonly<Record<string, JsonObject[string] | undefined>>): JsonObject {
  return Object.fromEntries(
    Object.entries(parts).flatMap(([key, value]) => (value === undefined ? [] : [[key, value]])),
  );
}

function restartOf(text = "no"): { readonly policy: string; readonly maxRestarts: string | undefined } {
  const [name = "", count, ...more] = text.split(":");
  const policies: Readonly<Record<string, string>> = {
    no: "Never",
    never: "Never",
    "on-failure": "OnFailure",
    onfailure: "OnFailure",
    always: "Always",
    "unless-stopped": "Always",
  };
  const policy = Object.hasOwn(policies, name.toLowerCase()) ? policies[name.toLowerCase()] : undefined;
  const isCounted = count !== undefined;
  if (policy === undefined || more.length > 0 || (isCounted && (policy !== "OnFailure" || !/^\d{1,6}$/.test(count))))
    throw usageError(`--restart is no, on-failure[:COUNT], always or unless-stopped, not "${text}"`);
  return { policy, maxRestarts: count };
}

/** Docker's labels may be anything: what cannot be a label here is an annotation. */
function labelsOf(
  flags: RunFlags,
  fileLabels: readonly string[],
): {
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
} {
  const pairs = [...fileLabels, ...flags.label, ...(flags.labels?.split(",") ?? [])].map(keyAndValue);
  const isLabel = ([key, value]: readonly [string, string]): boolean =>
    FORMATS.qualifiedName(key) === undefined && FORMATS.labelValue(value) === undefined;
  return {
    labels: Object.fromEntries(pairs.filter(isLabel)),
    annotations: Object.fromEntries([...pairs.filter((pair) => !isLabel(pair)), ...flags.annotations.map(keyAndValue)]),
  };
}

function keyAndValue(text: string): readonly [string, string] {
  const equals = text.indexOf("=");
  return equals === -1 ? [text, ""] : [text.slice(0, equals), text.slice(equals + 1)];
}

/** What it mounts itself goes before what it has of others in the same place. */
function withShared(own: RunMounts, { volumes, mounts }: SharedVolumes): RunMounts {
  const places = new Set(own.mounts.map(({ mountPath }) => mountPath));
  const names = new Set(own.volumes.map(({ name }) => name));
  return {
    ...own,
    volumes: [...own.volumes, ...volumes.filter(({ name }) => !names.has(name))],
    mounts: [...own.mounts, ...mounts.filter(({ mountPath }) => !places.has(mountPath))],
  };
}

function nodeSelector({ node: asked, platform }: RunFlags, shared: string | undefined): JsonObject | undefined {
  if (asked !== undefined && shared !== undefined && asked !== shared)
    throw usageError(`--node ${asked}: the volumes of --volumes-from are on ${shared}`);
  const node = asked ?? shared;
  const architecture = platform?.replace(/^linux\//, "");
  if (architecture?.includes("/") === true && !architecture.startsWith("arm64/"))
    throw usageError(`--platform is linux/ARCH, not "${platform}"`);
  const found = present({ "kubernetes.io/hostname": node, "kubernetes.io/arch": architecture?.split("/")[0] });
  return Object.keys(found).length === 0 ? undefined : found;
}

/** Without name servers of its own the cluster's are asked, in the domains named and with these options beside its own. */
function dnsConfig({ dns, dnsSearch, dnsOption }: RunFlags): JsonObject | undefined {
  if (dns.length + dnsSearch.length + dnsOption.length === 0) return undefined;
  const options = dnsOption.map((text) => {
    const [name = "", ...value] = text.split(":");
    return { name, ...(value.length === 0 ? {} : { value: value.join(":") }) };
  });
  return present({
    nameservers: dns.length === 0 ? undefined : [...dns],
    searches: dnsSearch.length === 0 ? undefined : [...dnsSearch],
    options: options.length === 0 ? undefined : options,
  });
}

function hostAlias(text: string): JsonObject {
  const colon = text.search(/[:=]/);
  if (colon < 1) throw usageError(`--add-host is NAME:IP, not "${text}"`);
  const ip = text.slice(colon + 1).replace(/^\[(.*)\]$/, "$1");
  return { ip, hostnames: [text.slice(0, colon)] };
}

function podSecurity(flags: RunFlags): JsonObject | undefined {
  const wrong = flags.groupAdd.find((group) => !/^\d+$/.test(group));
  if (wrong !== undefined) throw usageError(`--group-add is a number, not "${wrong}"`);
  const sysctls = flags.sysctl.map(keyAndValue).map(([name, value]) => ({ name, value }));
  const found = present({
    supplementalGroups: flags.groupAdd.length === 0 ? undefined : flags.groupAdd.map(Number),
    sysctls: sysctls.length === 0 ? undefined : sysctls,
  });
  return Object.keys(found).length === 0 ? undefined : found;
}

function security(flags: RunFlags): JsonObject | undefined {
  const capability = (name: string): string => name.replace(/^CAP_/i, "").toUpperCase();
  const hasCapabilities = flags.capAdd.length + flags.capDrop.length > 0;
  const found = present({
    ...present({ ...runAsNumbers(flags.user) }),
    ...securityOptions(flags.securityOpt),
    privileged: flags.privileged || undefined,
    readOnlyRootFilesystem: flags.readOnly || undefined,
    capabilities: hasCapabilities
      ? { add: flags.capAdd.map(capability), drop: flags.capDrop.map(capability) }
      : undefined,
  });
  return Object.keys(found).length === 0 ? undefined : found;
}

function securityOptions(all: readonly string[]): JsonObject {
  const found: Record<string, JsonObject[string]> = {};
  for (const text of all) {
    const [name = "", value = ""] = text.split(/[=:]/);
    if (name === "no-new-privileges") found["allowPrivilegeEscalation"] = value === "false";
    else if (name === "seccomp" && value === "unconfined") found["seccompProfile"] = { type: "Unconfined" };
    else throw usageError(`--security-opt ${text} is not supported: no-new-privileges and seccomp=unconfined are`);
  }
  return found;
}

/** NAME alone takes the user's own, and nothing when there is none; as Docker. */
function environmentOf(flags: RunFlags, { fileVariables, env }: RunCommand): JsonObject[] | undefined {
  const values = new Map<string, string>();
  for (const text of [...fileVariables, ...flags.env]) {
    const equals = text.indexOf("=");
    const name = equals === -1 ? text : text.slice(0, equals);
    const value = equals === -1 ? env[name] : text.slice(equals + 1);
    if (value !== undefined) values.set(name, value);
  }
  return values.size === 0 ? undefined : [...values].map(([name, value]) => ({ name, value }));
}

function containerPorts(flags: RunFlags, ports: readonly PublishedPort[]): JsonObject[] | undefined {
  const found = new Map<string, JsonObject>();
  if (flags.port !== undefined) found.set(`${flags.port}/TCP`, { containerPort: flags.port, protocol: "TCP" });
  for (const port of ports) {
    const { target, protocol, hostIP, published = 0 } = port;
    const isHost = isOnOneNode(port);
    const key = `${target}/${protocol}${isHost ? `/${hostIP}:${published}` : ""}`;
    found.set(key, { containerPort: target, protocol, ...(isHost ? { hostPort: published, hostIP } : {}) });
  }
  return found.size === 0 ? undefined : [...found.values()];
}

function resourcesOf(flags: RunFlags, { allGpus = 1 }: RunCommand): JsonObject | undefined {
  const { memory, cpus, gpus } = flags;
  const bytes = memory === undefined ? undefined : dockerBytes(memory);
  if (memory !== undefined && bytes === undefined) throw usageError(`--memory is a size such as 512m, not "${memory}"`);
  if (cpus !== undefined && !/^\d+(\.\d+)?$/.test(cpus))
    throw usageError(`--cpus is a number such as 1.5, not "${cpus}"`);
  if (cpus !== undefined && flags.cpuQuota !== undefined)
    throw usageError("--cpus and --cpu-quota are two answers to one question");
  const quota = flags.cpuQuota === undefined ? undefined : `${flags.cpuQuota / (flags.cpuPeriod ?? CPU_PERIOD)}`;
  const asked: AskedGpus["count"] | undefined = gpus === undefined ? undefined : parseGpus(gpus).count;
  const count = asked === undefined ? undefined : `${asked === "all" ? allGpus : asked}`;
  const limits = present({ memory: bytes, cpu: cpus ?? quota, [GPU]: count, ...deviceLimits(flags) });
  const requests = requestsOf(flags);
  const found = present({
    limits: Object.keys(limits).length === 0 ? undefined : limits,
    requests: Object.keys(requests).length === 0 ? undefined : requests,
  });
  return Object.keys(found).length === 0 ? undefined : found;
}

function pullPolicy({ pull, imagePullPolicy }: RunFlags): string | undefined {
  const policies: Readonly<Record<string, string>> = { always: "Always", missing: "IfNotPresent", never: "Never" };
  return imagePullPolicy ?? (pull === undefined ? undefined : policies[pull]);
}

function signalName(text: string): string {
  return /^\d+$/.test(text) || text.toUpperCase().startsWith("SIG") ? text.toUpperCase() : `SIG${text.toUpperCase()}`;
}
