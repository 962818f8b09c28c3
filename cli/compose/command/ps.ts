import { durationText } from "../../../kinds/age.js";
import { metaOf } from "../../../kinds/object.js";
import { isPodFinished } from "../../../kinds/pod-state.js";
import { parseTime } from "../../../lib/clock.js";
import { TallshipError } from "../../../lib/errors.js";
import { hostPort } from "../../../lib/host-port.js";
import type { Service } from "../../../proto/gen/tallship/v1/service.js";
import { withCluster } from "../../cluster.js";
import { containersOf, idOf, type NamedContainer, nameOf } from "../../containers/identity.js";
import { openPorts, portsText } from "../../containers/ports.js";
import { commandOf, dockerState, healthOf, stateText, statusOf } from "../../containers/state.js";
import { EXIT } from "../../exit-codes.js";
import type { Flags, FlagValues } from "../../flags.js";
import { listObjects } from "../../objects.js";
import { formatRows } from "../../output/row-format.js";
import type { Shell } from "../../shell.js";
import { formatTable } from "../../table.js";
import { usageError } from "../../verb.js";
import { dnsName, PROJECT_LABEL } from "../translate/names.js";
import { type LiveProject, objectsOf, podsOfProject, serviceOf } from "./live.js";
import { nameProject, PROJECT_FLAGS, type ProjectFlags } from "./project.js";

/** Flags of `compose ps`. */
export const PS_FLAGS = {
  all: { type: "switch", short: "a", summary: "containers that have ended too" },
  quiet: { type: "switch", short: "q", summary: "names only" },
  services: { type: "switch", summary: "names of services only" },
  format: {
    type: "text",
    value: "FORM",
    offers: ["table", "json"],
    summary: "how it is printed; also a template such as '{{.Name}} {{.State}}'",
  },
  status: {
    type: "list",
    value: "STATE",
    summary: "only those that are so: running, paused, exited, restarting or created",
  },
  filter: { type: "list", value: "status=STATE", summary: "the same" },
  noTrunc: { type: "switch", summary: "for docker's sake: nothing is cut" },
  ...PROJECT_FLAGS,
} as const satisfies Flags;

interface Call<F> {
  readonly flags: F;
  readonly operands: readonly string[];
}

async function withLive(
  flags: ProjectFlags,
  shell: Shell,
  use: (live: LiveProject) => Promise<string>,
): Promise<number> {
  const { name, namespace } = await nameProject(shell, flags);
  return withCluster(shell, flags, async (cluster) => {
    await shell.stdout.write(await use({ shell, cluster, name, namespace }));
    return EXIT.ok;
  });
}

/** Lists the project's containers. */
export function runPs({ flags, operands }: Call<FlagValues<typeof PS_FLAGS>>, shell: Shell): Promise<number> {
  return withLive(flags, shell, async (live) => {
    const states = statesOf(flags);
    const isListed = flags.all || states.length > 0;
    const pods = (await podsOfProject(live, operands)).filter((pod) => isListed || !isPodFinished(pod));
    const asked = operands.map(dnsName);
    const containers = pods
      .flatMap(containersOf)
      .filter(({ container }) => asked.length === 0 || asked.includes(container))
      .filter(({ pod, container }) => states.length === 0 || states.includes(dockerState(pod, container)));
    if (flags.quiet) return [...new Set(containers.map(({ pod }) => `${metaOf(pod).name}\n`))].join("");
    if (flags.services) return [...new Set(containers.map(({ container }) => `${container}\n`))].join("");
    const services = await servicesOf(live);
    const rows = containers.map((each) => rowOf(each, services, live));
    return formatRows(rows, { format: flags.format, columns: COLUMNS });
  });
}

function statesOf({ status, filter }: FlagValues<typeof PS_FLAGS>): readonly string[] {
  const strange = filter.find((text) => !text.startsWith("status="));
  if (strange !== undefined) throw usageError(`--filter is status=STATE, not "${strange}"`);
  return [...status, ...filter.map((text) => text.slice("status=".length))];
}

const COLUMNS = [
  ["Name", "NAME"],
  ["Image", "IMAGE"],
  ["Service", "SERVICE"],
  ["RunningFor", "CREATED"],
  ["Status", "STATUS"],
  ["Node", "NODE"],
  ["Ports", "PORTS"],
] as const;

/** Docker's fields. Ports are told of the service that publishes them, also for what shares its network. */
function rowOf(one: NamedContainer, services: readonly Service[], { shell, name }: LiveProject) {
  const { pod, container } = one;
  const open = container === serviceOf(pod) ? openPorts(pod, services) : [];
  const nowMs = shell.clock.nowMs();
  const health = healthOf(pod, container);
  const { terminated } = statusOf(pod, container)?.state ?? {};
  return {
    ...{ ID: idOf(one), Name: nameOf(one), Project: name, Service: container },
    Image: pod.spec?.containers.find((each) => each.name === container)?.image ?? "",
    Command: commandOf(one).join(" "),
    CreatedAt: metaOf(pod).creationTimestamp,
    RunningFor: `${durationText(nowMs - parseTime(metaOf(pod).creationTimestamp))} ago`,
    ...{ State: dockerState(pod, container), Status: stateText(pod, container, nowMs) },
    Health: health === "none" ? "" : health,
    ExitCode: String(terminated?.exitCode ?? 0),
    Node: pod.spec?.nodeName ?? "",
    Ports: portsText(open),
  };
}

async function servicesOf(live: LiveProject): Promise<readonly Service[]> {
  return (await objectsOf(live, ["Service"])).flatMap((typed) => (typed.kind === "Service" ? [typed.object] : []));
}

/** Prints where a port of a service is open: on every node, or at the address of its own. */
export function runPort(
  { flags, operands }: Call<ProjectFlags & { readonly protocol: string | undefined }>,
  shell: Shell,
): Promise<number> {
  const [service = "", port = ""] = operands;
  return withLive(flags, shell, async (live) => {
    const services = await servicesOf(live);
    const pods = (await podsOfProject(live, [service])).filter((pod) => !isPodFinished(pod));
    const open = pods.flatMap((pod) => openPorts(pod, services));
    const found = open.find(
      ({ target, protocol }) => String(target) === port && protocol === (flags.protocol ?? "tcp"),
    );
    if (found === undefined)
      throw new TallshipError(
        "not_found",
        `no port ${port}/${flags.protocol ?? "tcp"} of service ${service} is published`,
      );
    return `${hostPort(found.address, found.published)}\n`;
  });
}

/** Lists the images that the project's containers run. */
export function runImages({ flags, operands }: Call<ProjectFlags>, shell: Shell): Promise<number> {
  return withLive(flags, shell, async (live) => {
    const rows = (await podsOfProject(live, operands)).flatMap((pod) =>
      (pod.status?.containerStatuses ?? []).map(({ name: container, image, imageID }) => [
        nameOf({ pod, container }),
        image,
        imageID.split("@")[1]?.slice(0, 19) ?? "",
      ]),
    );
    return formatTable([["CONTAINER", "IMAGE", "IMAGE ID"], ...rows]);
  });
}

/** Lists the cluster's projects. */
export async function runLs({ flags }: { readonly flags: ProjectFlags }, shell: Shell): Promise<number> {
  return withCluster(shell, flags, async (cluster) => {
    const { objects } = await listObjects(
      cluster,
      { kind: "Pod", namespace: undefined, labels: PROJECT_LABEL },
      shell.signal,
    );
    const projects = new Map<string, { readonly namespace: string; readonly states: Map<string, number> }>();
    for (const typed of objects) {
      if (typed.kind !== "Pod") continue;
      const { labels, namespace } = metaOf(typed.object);
      const name = labels[PROJECT_LABEL] ?? "";
      const project = projects.get(`${namespace}/${name}`) ?? { namespace, states: new Map<string, number>() };
      for (const { pod, container } of containersOf(typed.object)) {
        const state = dockerState(pod, container);
        project.states.set(state, (project.states.get(state) ?? 0) + 1);
      }
      projects.set(`${namespace}/${name}`, project);
    }
    const rows = [...projects].map(([key, { namespace, states }]) => [
      key.slice(namespace.length + 1),
      [...states].map(([state, count]) => `${state}(${count})`).join(", "),
      namespace,
    ]);
    await shell.stdout.write(formatTable([["NAME", "STATUS", "NAMESPACE"], ...rows]));
    return EXIT.ok;
  });
}
