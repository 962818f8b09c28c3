import { durationText } from "../../kinds/age.js";
import { metaOf } from "../../kinds/object.js";
import { parseTime } from "../../lib/clock.js";
import type { Pod } from "../../proto/gen/tallship/v1/pod.js";
import type { Service } from "../../proto/gen/tallship/v1/service.js";
import { type Cluster, withCluster } from "../cluster.js";
import { EXIT } from "../exit-codes.js";
import { CLUSTER_FLAGS, type Flags, type FlagValues } from "../flags.js";
import { listObjects } from "../objects.js";
import { formatRows } from "../output/row-format.js";
import { podsOf } from "../pods/resolve.js";
import type { Shell } from "../shell.js";
import { usageError } from "../verb.js";
import { containersOf, idOf, type NamedContainer, nameOf, SHORT_ID } from "./identity.js";
import { openPorts, portsText } from "./ports.js";
import { commandOf, dockerState, healthOf, stateText } from "./state.js";

/** Flags of `ps`. */
export const PS_FLAGS = {
  all: { type: "switch", short: "a", summary: "containers that have ended too" },
  quiet: { type: "switch", short: "q", summary: "ids only" },
  noTrunc: { type: "switch", summary: "whole ids and commands" },
  last: { type: "number", value: "COUNT", min: -1, summary: "only those made last, ended ones too" },
  latest: { type: "switch", short: "l", summary: "only the one made last, ended or not" },
  filter: {
    type: "list",
    short: "f",
    value: "KEY=VALUE",
    summary: "name, id, status, health, label, ancestor, node, exited, volume or publish; may be repeated",
  },
  format: {
    type: "text",
    value: "FORM",
    offers: ["table", "json"],
    summary: "how it is printed; also a template such as '{{.ID}} {{.Names}}', after \"table \" with headings",
  },
  allNamespaces: { type: "switch", short: "A", summary: "of all namespaces" },
  ...CLUSTER_FLAGS,
} as const satisfies Flags;

type PsFlags = FlagValues<typeof PS_FLAGS>;

/** Lists containers as `docker ps` does. */
export function runPs({ flags }: { readonly flags: PsFlags }, shell: Shell): Promise<number> {
  const filters = flags.filter.map(readFilter);
  return withCluster(shell, flags, async (cluster) => {
    const namespace = flags.allNamespaces ? undefined : cluster.namespace;
    const pods = await podsOf(cluster, { kind: "Pod", namespace }, shell.signal);
    const services = flags.quiet ? [] : await servicesOf(cluster, namespace, shell.signal);
    const rows = pods.flatMap(containersOf).map((one) => ({ ...one, services }));
    const shown = newest(
      rows.filter((row) => isShown(row, flags, filters)),
      flags.latest ? 1 : flags.last,
    );
    await shell.stdout.write(printed(shown, flags, shell.clock.nowMs()));
    return EXIT.ok;
  });
}

interface Row extends NamedContainer {
  readonly services: readonly Service[];
}

/** Those made last come first. */
function newest(rows: readonly Row[], count: number | undefined): readonly Row[] {
  const sorted = [...rows].sort((left, right) => {
    const [a, b] = [metaOf(left.pod).creationTimestamp, metaOf(right.pod).creationTimestamp];
    return a === b ? compare(nameOf(left), nameOf(right)) : compare(b, a);
  });
  return count === undefined || count < 0 ? sorted : sorted.slice(0, count);
}

function compare(left: string, right: string): number {
  return left < right ? -1 : left > right ? 1 : 0;
}

async function servicesOf(
  cluster: Cluster,
  namespace: string | undefined,
  signal: AbortSignal,
): Promise<readonly Service[]> {
  const { objects } = await listObjects(cluster, { kind: "Service", namespace }, signal);
  return objects.flatMap((typed) => (typed.kind === "Service" ? [typed.object] : []));
}

function printed(rows: readonly Row[], flags: PsFlags, nowMs: number): string {
  const id = (row: Row): string => (flags.noTrunc ? idOf(row) : idOf(row).slice(0, SHORT_ID));
  if (flags.quiet) return rows.map((row) => `${id(row)}\n`).join("");
  const cells = rows.map((row) => cellsOf(row, { id: id(row), isWhole: flags.noTrunc, nowMs }));
  return formatRows(cells, { format: flags.format, columns: COLUMNS });
}

const COLUMNS = [
  ["ID", "CONTAINER ID"],
  ["Image", "IMAGE"],
  ["Command", "COMMAND"],
  ["RunningFor", "CREATED"],
  ["Status", "STATUS"],
  ["Ports", "PORTS"],
  ["Node", "NODE"],
  ["Names", "NAMES"],
] as const;

const COMMAND_WIDTH = 20;

function cellsOf(
  { pod, container, services }: Row,
  { id, isWhole, nowMs }: { readonly id: string; readonly isWhole: boolean; readonly nowMs: number },
) {
  const spec = pod.spec?.containers.find(({ name }) => name === container);
  const command = commandOf({ pod, container }).join(" ");
  const short = isWhole || command.length <= COMMAND_WIDTH ? command : `${command.slice(0, COMMAND_WIDTH - 1)}…`;
  return {
    ID: id,
    Image: spec?.image ?? "",
    Command: `"${short}"`,
    CreatedAt: metaOf(pod).creationTimestamp,
    RunningFor: `${durationText(nowMs - parseTime(metaOf(pod).creationTimestamp))} ago`,
    Status: stateText(pod, container, nowMs),
    State: dockerState(pod, container),
    Ports: portsText(openPorts(pod, services)),
    Node: pod.spec?.nodeName ?? "",
    Names: nameOf({ pod, container }),
    Namespace: metaOf(pod).namespace,
    Labels: Object.entries(metaOf(pod).labels)
      .map(([key, value]) => `${key}=${value}`)
      .join(","),
    Mounts: (spec?.volumeMounts ?? []).map(({ name }) => name).join(","),
    Networks: pod.spec?.hostNetwork === true ? "host" : "bridge",
  };
}

interface Filter {
  readonly key: string;
  readonly matches: (row: Row) => boolean;
}

/** What a filter looks at; its value is the text after the first "=". */
const FILTERS: Readonly<Record<string, (row: Row, value: string) => boolean>> = {
  name: (row, value) => nameOf(row).includes(value),
  id: (row, value) => idOf(row).startsWith(value),
  status: ({ pod, container }, value) => dockerState(pod, container) === value,
  node: ({ pod }, value) => pod.spec?.nodeName === value,
  ancestor: ({ pod, container }, value) => isOfImage(pod, container, value),
  exited: ({ pod, container }, value) => String(exitCodeOf(pod, container)) === value,
  label: ({ pod }, value) => {
    const [key = "", ...rest] = value.split("=");
    const found = pod.metadata?.labels[key] ?? pod.metadata?.annotations[key];
    return found !== undefined && (rest.length === 0 || found === rest.join("="));
  },
  health: ({ pod, container }, value) => healthOf(pod, container) === value,
  volume: ({ pod, container }, value) =>
    pod.spec?.containers
      .find(({ name }) => name === container)
      ?.volumeMounts.some(({ name, mountPath }) => name === value || mountPath === value) === true,
  publish: ({ pod, services }, value) =>
    openPorts(pod, services).some(({ published, protocol }) => `${published}/${protocol}`.startsWith(value)),
};

function isOfImage(pod: Pod, container: string, value: string): boolean {
  const image = pod.spec?.containers.find(({ name }) => name === container)?.image ?? "";
  return image === value || image.replace(/(:[^:/]*)?(@.*)?$/, "") === value;
}

function exitCodeOf(pod: Pod, container: string): number | undefined {
  return pod.status?.containerStatuses.find(({ name }) => name === container)?.state?.terminated?.exitCode;
}

function readFilter(text: string): Filter {
  const equals = text.indexOf("=");
  const key = equals === -1 ? text : text.slice(0, equals);
  const matches = Object.hasOwn(FILTERS, key) ? FILTERS[key] : undefined;
  if (matches === undefined || equals === -1)
    throw usageError(`--filter is ${Object.keys(FILTERS).join("=, ")}=, not "${text}"`);
  return { key, matches: (row) => matches(row, text.slice(equals + 1)) };
}

/** Without -a only what runs; a filter on the end of containers asks for those that have ended. */
function isShown(row: Row, flags: PsFlags, filters: readonly Filter[]): boolean {
  const asksForEnded = filters.some(({ key }) => key === "status" || key === "exited");
  const isListed = flags.all || flags.latest || (flags.last ?? -1) >= 0 || asksForEnded;
  if (!isListed && dockerState(row.pod, row.container) === "exited") return false;
  const keys = [...new Set(filters.map(({ key }) => key))];
  // Several of one key are alternatives, but labels must all be there; as in Docker.
  return keys.every((key) => {
    const same = filters.filter((filter) => filter.key === key);
    return key === "label" ? same.every((one) => one.matches(row)) : same.some((one) => one.matches(row));
  });
}
