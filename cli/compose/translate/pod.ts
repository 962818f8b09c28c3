import { KEEP_FILES } from "../../../kinds/power.js";
import type { Located } from "../model/reader.js";
import { imageOf } from "./build.js";
import { noteField, type ServiceContext } from "./context.js";
import { startAfterParts } from "./depends-on.js";
import { environmentParts, labelParts, verbatim } from "./environment.js";
import { probeParts } from "./health.js";
import { networkLabels } from "./isolation.js";
import { joinedParts } from "./joined.js";
import { dnsName, PROJECT_LABEL, SERVICE_LABEL } from "./names.js";
import { aliasLabels, containerPorts } from "./network.js";
import { at, from, type Part, type Placed, someOf } from "./part.js";
import { placementParts } from "./placement.js";
import { deviceParts, resourceParts } from "./resources.js";
import { podSecurityParts, runAsParts, securityParts } from "./security.js";
import { matesOf } from "./shared-pod.js";
import { storageOf } from "./storage.js";
import { ulimitParts } from "./ulimits.js";

const PULL_POLICIES: Readonly<Record<string, string>> = {
  always: "Always",
  never: "Never",
  missing: "IfNotPresent",
  if_not_present: "IfNotPresent",
};

/** Docker's time between the stop signal and the kill; Kubernetes' is longer. */
const GRACE_SECONDS = 10;

/** The template of the service's pods, and whether they write to storage that outlives them. */
export function podTemplate(
  context: ServiceContext,
  restartPolicy: string | undefined,
): { readonly template: Part; readonly isKept: boolean } {
  const { model } = context.service;
  const mates = matesOf(context).map((service) => unitOf({ ...context, service, path: ["services", service.name] }));
  const units = [unitOf(context), ...mates];
  const { labels, annotations } = labelParts(context);
  const ownLabels = {
    [PROJECT_LABEL]: context.name,
    [SERVICE_LABEL]: dnsName(context.service.name),
    ...networkLabels(context),
    ...aliasLabels(context),
  };
  const allAnnotations = {
    ...annotations,
    // A container of docker's keeps what it wrote when it is stopped, and when it is started again; a task is over when it has ended.
    ...(restartPolicy === undefined ? { [KEEP_FILES]: at(context.service.place, "true") } : {}),
    ...startAfterParts(context),
    ...listed(units.map((unit) => unit.annotations)),
    ...joinedParts(context),
  };
  const { network_mode: networkMode, stop_grace_period: grace } = model;
  const isOnHost = networkMode?.value === "host";
  const spec = {
    restartPolicy,
    hostname: from(model.hostname, (name) => name.split(".")[0]),
    hostNetwork: isOnHost ? true : undefined,
    hostPID: from(model.pid, (mode) => mode === "host" || undefined),
    hostIPC: from(model.ipc, (mode) => mode === "host" || undefined),
    terminationGracePeriodSeconds: grace === undefined ? GRACE_SECONDS : at(grace.place, Math.ceil(grace.value / 1000)),
    securityContext: podSecurityParts(context),
    hostAliases: hostAliases(context),
    ...dnsParts(context, isOnHost),
    ...placementParts(context),
    containers: units.map(({ container }) => container),
    volumes: someOf([...new Map(units.flatMap(({ volumes }) => [...volumes])).values()]),
  };
  noteModes(context);
  const metadata = {
    labels: { ...labels, ...ownLabels },
    annotations: Object.keys(allAnnotations).length === 0 ? undefined : allAnnotations,
  };
  return { template: { metadata, spec }, isKept: units.some(({ isKept }) => isKept) };
}

/** What one service brings into a pod. */
interface Unit {
  readonly container: Part;
  /** By name. */
  readonly volumes: ReadonlyMap<string, Part>;
  readonly isKept: boolean;
  /** Annotations that name the container or its volumes, each a list with commas. */
  readonly annotations: Readonly<Record<string, Placed>>;
}

function unitOf(context: ServiceContext): Unit {
  const storage = storageOf(context);
  const annotations = {
    ...runAsParts(context, storage.isRoots),
    ...storage.annotations,
    ...ulimitParts(context),
    ...deviceParts(context),
  };
  return { ...storage, container: containerOf(context, storage.mounts), annotations };
}

/** The annotations of all, the values of one name as one list. */
function listed(all: readonly Unit["annotations"][]): Readonly<Record<string, Part>> {
  const found: Record<string, Placed> = {};
  for (const [name, { place, part }] of all.flatMap(Object.entries<Placed>)) {
    const before = found[name];
    found[name] = before === undefined ? at(place, part) : at(before.place, `${String(before.part)},${String(part)}`);
  }
  return found;
}

function containerOf(context: ServiceContext, mounts: readonly Part[]): Part {
  const { name, model } = context.service;
  const words = (line: readonly string[]): Part => line.map(verbatim);
  return {
    name: dnsName(name),
    image: from(imageOf(context.name, name, model), (image) => image),
    command: from(model.entrypoint, words),
    args: from(model.command, words),
    workingDir: from(model.working_dir, (path) => path),
    env: someOf(environmentParts(context)),
    ports: someOf(containerPorts(context)),
    resources: resourceParts(context),
    imagePullPolicy: pullPolicy(context),
    securityContext: securityParts(context),
    stdin: from(model.stdin_open, (is) => is || undefined),
    tty: from(model.tty, (is) => is || undefined),
    lifecycle: lifecycleOf(context),
    volumeMounts: someOf(mounts),
    ...probeParts(context),
  };
}

function lifecycleOf(context: ServiceContext): Part {
  const { post_start: after, pre_stop: before, stop_signal: signal } = context.service.model;
  const parts = {
    stopSignal: from(signal, (name) => (/^\d+$/.test(name) || name.startsWith("SIG") ? name : `SIG${name}`)),
    postStart: hookOf(after, "post_start", context),
    preStop: hookOf(before, "pre_stop", context),
  };
  return Object.values(parts).some((part) => part !== undefined) ? parts : undefined;
}

type Hooks = NonNullable<ServiceContext["service"]["model"]["post_start"]>;

function hookOf(hooks: Hooks | undefined, field: string, context: ServiceContext): Part {
  const [first, ...more] = hooks?.value ?? [];
  if (first === undefined) return undefined;
  for (const { place } of more)
    noteField(context, field, place, "accepted, not enforced: one command is run; join them by a shell");
  const { command, ...others } = first.value;
  for (const other of Object.values(others))
    if (other !== undefined)
      noteField(context, field, other.place, "accepted, not enforced: it runs as the container does");
  return at(first.place, { exec: { command: (command?.value ?? []).map(verbatim) } });
}

function pullPolicy(context: ServiceContext): Part {
  const policy = context.service.model.pull_policy;
  if (policy === undefined) return undefined;
  const found = PULL_POLICIES[policy.value];
  if (found !== undefined) return at(policy.place, found);
  if (/^(build|daily|weekly|every_\w+)$/.test(policy.value))
    noteField(
      context,
      "pull_policy",
      policy.place,
      `accepted, not enforced: ${policy.value}: the image is pulled when it is missing`,
    );
  else
    context.tell.problem(
      policy.place,
      [...context.path, "pull_policy"],
      `want always, never, missing, build, daily or weekly, found ${policy.value}`,
    );
  return undefined;
}

function hostAliases(context: ServiceContext): Part {
  const byAddress = new Map<string, { readonly names: string[]; readonly place: Located<unknown>["place"] }>();
  for (const [name, { value = "", place }] of context.service.model.extra_hosts?.value ?? []) {
    const ip = value.replace(/^\[|\]$/g, "");
    if (ip === "host-gateway") {
      noteField(
        context,
        "extra_hosts",
        place,
        "accepted, not enforced: host-gateway: which node it is, is known only when it runs",
      );
      continue;
    }
    const known = byAddress.get(ip) ?? { names: [], place };
    known.names.push(name);
    byAddress.set(ip, known);
  }
  return someOf([...byAddress].map(([ip, { names, place }]) => at(place, { ip, hostnames: names })));
}

function dnsParts(context: ServiceContext, isOnHost: boolean): { readonly [key: string]: Part } {
  const { dns, dns_search, dns_opt } = context.service.model;
  const texts = (found: Located<readonly Located<string>[]> | undefined): Part =>
    found?.value.map(({ value, place }) => at(place, value));
  if (dns !== undefined) noteField(context, "dns", dns.place, "asked after the cluster's own resolver");
  const options = dns_opt?.value.map(({ value, place }) => {
    const [name = "", setting] = value.split(":");
    return at(place, { name, value: setting });
  });
  const isAsked = dns !== undefined || dns_search !== undefined || dns_opt !== undefined;
  return {
    dnsPolicy: isOnHost ? "ClusterFirstWithHostNet" : undefined,
    dnsConfig: isAsked ? { nameservers: texts(dns), searches: texts(dns_search), options } : undefined,
  };
}

/** Namespaces that are shared in a way that a pod cannot. */
function noteModes(context: ServiceContext): void {
  const { network_mode: network, pid, ipc } = context.service.model;
  if (network !== undefined && !["host", "bridge", "default", "none"].includes(network.value)) {
    const want = "want host, bridge, none, service:NAME or container:NAME";
    context.tell.problem(network.place, [...context.path, "network_mode"], `${want}, found ${network.value}`);
  }
  for (const [field, mode] of [
    ["pid", pid],
    ["ipc", ipc],
  ] as const)
    if (mode !== undefined && !["host", "private", "shareable", "none", ""].includes(mode.value))
      context.tell.problem(mode.place, [...context.path, field], `want host, found ${mode.value}`, "not_supported");
}
