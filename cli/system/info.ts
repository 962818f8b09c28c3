import type { Json } from "../../kinds/encode.js";
import { conditionOf } from "../../kinds/pod-state.js";
import { VERSION } from "../../lib/build-info.js";
import { cpuMillicores, quantityBytes } from "../../lib/quantity.js";
import type { Node } from "../../proto/gen/tallship/v1/node.js";
import { type ClusterFlags, withCluster } from "../cluster.js";
import { containersOf } from "../containers/identity.js";
import { dockerState } from "../containers/state.js";
import { binary } from "../containers/stats.js";
import { EXIT } from "../exit-codes.js";
import { renderTemplate } from "../go-template/evaluate.js";
import { listObjects } from "../objects.js";
import { podsOf } from "../pods/resolve.js";
import { safeText } from "../safe-text.js";
import type { Shell } from "../shell.js";

/** What `info` was asked. */
export interface InfoFlags extends ClusterFlags {
  readonly format: string | undefined;
}

/** Tells of the cluster as a whole what docker info tells of one machine: containers of all namespaces, and the sum of its nodes. */
export function runInfo({ flags }: { readonly flags: InfoFlags }, shell: Shell): Promise<number> {
  return withCluster(shell, flags, async (cluster) => {
    const { signal } = shell;
    const [answer, { objects }, pods, { images }] = await Promise.all([
      cluster.cluster.info({}, { signal }),
      listObjects(cluster, { kind: "Node", namespace: undefined }, signal),
      podsOf(cluster, { kind: "Pod", namespace: undefined }, signal),
      cluster.images.list({ names: [] }, { signal }),
    ]);
    const nodes = objects.flatMap((typed) => (typed.kind === "Node" ? [typed.object] : []));
    const states = pods.flatMap(containersOf).map(({ pod, container }) => dockerState(pod, container));
    const info = {
      ...{ Containers: states.length, ...countsOf(states) },
      Images: images.length,
      ...{ ServerVersion: answer.version, ClientVersion: VERSION },
      ControlPlanes: [...answer.controlPlaneAddresses],
      ...totalsOf(nodes),
      Namespace: cluster.namespace,
    };
    await shell.stdout.write(flags.format === undefined ? textOf(info) : `${formatted(flags.format, info)}\n`);
    return EXIT.ok;
  });
}

function countsOf(states: readonly string[]) {
  const running = states.filter((state) => state === "running").length;
  const ended = states.filter((state) => state === "exited").length;
  return { ContainersRunning: running, ContainersPaused: 0, ContainersStopped: ended };
}

function totalsOf(nodes: readonly Node[]) {
  const ready = nodes.filter(({ status }) => conditionOf(status?.conditions, "Ready")?.status === "True");
  const sum = (of: (node: Node) => number): number => nodes.reduce((total, node) => total + of(node), 0);
  const all = (of: (node: Node) => string | undefined): string[] =>
    [...new Set(nodes.flatMap((node) => of(node) ?? []))].sort();
  return {
    ...{ Nodes: nodes.length, NodesReady: ready.length },
    NCPU: sum(({ status }) => cpuMillicores(status?.capacity["cpu"] ?? "0")) / 1_000,
    MemTotal: sum(({ status }) => quantityBytes(status?.capacity["memory"] ?? "0")),
    OperatingSystems: all(({ status }) => status?.nodeInfo?.osImage),
    KernelVersions: all(({ status }) => status?.nodeInfo?.kernelVersion),
    Runtimes: all(({ status }) => status?.nodeInfo?.containerRuntimeVersion),
    Architectures: all(({ status }) => status?.nodeInfo?.architecture),
  };
}

type Info = Readonly<Record<string, string | number | string[]>>;

function formatted(format: string, info: Info): string {
  const value: Json = { ...info };
  return format === "json" ? JSON.stringify(value) : renderTemplate(format, value);
}

const TITLES: Readonly<Record<string, string>> = {
  Containers: "Containers",
  ContainersRunning: " Running",
  ContainersPaused: " Paused",
  ContainersStopped: " Stopped",
  Images: "Images",
  ServerVersion: "Server Version",
  ClientVersion: "Client Version",
  ControlPlanes: "Control Planes",
  Nodes: "Nodes",
  NodesReady: " Ready",
  NCPU: "CPUs",
  MemTotal: "Total Memory",
  OperatingSystems: "Operating System",
  KernelVersions: "Kernel Version",
  Runtimes: "Runtimes",
  Architectures: "Architecture",
  Namespace: "Namespace",
};

function textOf(info: Info): string {
  const shown = (key: string, value: Info[string]): string => {
    if (key === "MemTotal") return binary(Number(value));
    return Array.isArray(value) ? value.join(", ") : String(value);
  };
  return Object.entries(info)
    .map(([key, value]) => `${TITLES[key] ?? key}: ${safeText(shown(key, value))}\n`)
    .join("");
}
