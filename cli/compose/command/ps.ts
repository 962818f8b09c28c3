import { durationText } from "../../../kinds/age.js";
import { toJson } from "../../../kinds/encode.js";
import { metaOf } from "../../../kinds/object.js";
import { isPodFinished } from "../../../kinds/pod-state.js";
import { parseTime } from "../../../lib/clock.js";
import { TallshipError } from "../../../lib/errors.js";
import { withCluster } from "../../cluster.js";
import { containersOf, type NamedContainer, nameOf } from "../../containers/identity.js";
import { stateText } from "../../containers/state.js";
import { EXIT } from "../../exit-codes.js";
import type { Flags, FlagValues } from "../../flags.js";
import { listObjects } from "../../objects.js";
import type { Shell } from "../../shell.js";
import { formatTable } from "../../table.js";
import { dnsName, PROJECT_LABEL } from "../translate/names.js";
import { type LiveProject, objectsOf, podsOfProject, serviceOf } from "./live.js";
import { nameProject, PROJECT_FLAGS, type ProjectFlags } from "./project.js";

/** Flags of `compose ps`. */
export const PS_FLAGS = {
  all: { type: "switch", short: "a", summary: "containers that have ended too" },
  quiet: { type: "switch", short: "q", summary: "names only" },
  services: { type: "switch", summary: "names of services only" },
  format: { type: "text", value: "FORM", choices: ["table", "json"], summary: "how it is printed" },
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
    const pods = (await podsOfProject(live, operands)).filter((pod) => flags.all || !isPodFinished(pod));
    if (flags.quiet) return pods.map((pod) => `${metaOf(pod).name}\n`).join("");
    const asked = operands.map(dnsName);
    const containers = pods
      .flatMap(containersOf)
      .filter(({ container }) => asked.length === 0 || asked.includes(container));
    if (flags.services) return [...new Set(containers.map(({ container }) => `${container}\n`))].join("");
    if (flags.format === "json")
      return pods.map((pod) => `${JSON.stringify(toJson({ kind: "Pod", object: pod }))}\n`).join("");
    const ports = await publishedPorts(live);
    const nowMs = live.shell.clock.nowMs();
    const rows = containers.map((each) => rowOf(each, ports, nowMs));
    return formatTable([["NAME", "IMAGE", "SERVICE", "CREATED", "STATUS", "NODE", "PORTS"], ...rows]);
  });
}

/** Ports are told of the service that publishes them, also for what shares its network. */
function rowOf(one: NamedContainer, ports: ReadonlyMap<string, readonly OpenPort[]>, nowMs: number): readonly string[] {
  const { pod, container } = one;
  const open = container === serviceOf(pod) ? (ports.get(container) ?? []) : [];
  return [
    nameOf(one),
    pod.spec?.containers.find(({ name }) => name === container)?.image ?? "",
    container,
    `${durationText(nowMs - parseTime(metaOf(pod).creationTimestamp))} ago`,
    stateText(pod, container, nowMs),
    pod.spec?.nodeName ?? "",
    open.map(({ published, target, protocol }) => `${published}->${target}/${protocol}`).join(", "),
  ];
}

interface OpenPort {
  readonly published: number;
  readonly target: string;
  readonly protocol: string;
}

async function publishedPorts(live: LiveProject): Promise<ReadonlyMap<string, readonly OpenPort[]>> {
  const found = new Map<string, OpenPort[]>();
  for (const typed of await objectsOf(live, ["Service"])) {
    if (typed.kind !== "Service" || typed.object.spec?.type !== "NodePort") continue;
    const ports = typed.object.spec.ports.map(({ nodePort, port, targetPort, protocol }) => ({
      published: nodePort,
      target: String(targetPort?.value?.value ?? port),
      protocol: (protocol || "TCP").toLowerCase(),
    }));
    found.set(serviceOf(typed.object), [...(found.get(serviceOf(typed.object)) ?? []), ...ports]);
  }
  return found;
}

/** Prints where a port of a service is open: on every node. */
export function runPort(
  { flags, operands }: Call<ProjectFlags & { readonly protocol: string | undefined }>,
  shell: Shell,
): Promise<number> {
  const [service = "", port = ""] = operands;
  return withLive(flags, shell, async (live) => {
    const open = (await publishedPorts(live)).get(dnsName(service)) ?? [];
    const found = open.find(({ target, protocol }) => target === port && protocol === (flags.protocol ?? "tcp"));
    if (found === undefined)
      throw new TallshipError(
        "not_found",
        `no port ${port}/${flags.protocol ?? "tcp"} of service ${service} is published`,
      );
    return `0.0.0.0:${found.published}\n`;
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
      const state = (typed.object.status?.phase ?? "").toLowerCase() || "pending";
      project.states.set(state, (project.states.get(state) ?? 0) + 1);
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
