import type { Json } from "../../kinds/encode.js";
import { addressesThere, ipv6SubnetOf, joinedNetworks, subnetsOf } from "../../kinds/network.js";
import { metaOf } from "../../kinds/object.js";
import { isPodFinished } from "../../kinds/pod-state.js";
import { TallshipError } from "../../lib/errors.js";
import { DeleteRequest } from "../../proto/gen/tallship/v1/api.js";
import type { Network } from "../../proto/gen/tallship/v1/network.js";
import type { Pod } from "../../proto/gen/tallship/v1/pod.js";
import { type Cluster, type ClusterFlags, withCluster } from "../cluster.js";
import { EXIT } from "../exit-codes.js";
import { type Look, tellInspected } from "../inspect/told.js";
import { eachOf, getObject, listObjects, nameOf as objectName } from "../objects.js";
import { formatRows } from "../output/row-format.js";
import type { Shell } from "../shell.js";
import { toldAlready, usageError } from "../verb.js";
import { BUILT_IN, isBuiltIn } from "./built-in.js";

/** What `network ls` was asked. */
export interface NetworkListFlags extends ClusterFlags {
  readonly quiet: boolean;
  readonly noTrunc: boolean;
  readonly filter: readonly string[];
  readonly format: string | undefined;
}

interface Call<F> {
  readonly flags: F;
  readonly operands: readonly string[];
}

/** Lists the networks that containers of the namespace can be on, as docker does. */
export function runNetworkList({ flags }: Call<NetworkListFlags>, shell: Shell): Promise<number> {
  const filters = flags.filter.map(readFilter);
  return withCluster(shell, flags, async (cluster) => {
    const networks = await networksIn(cluster, shell);
    const builtIn = BUILT_IN.map(({ name, driver, scope }) => ({
      ...NOTHING,
      Name: name,
      Driver: driver,
      Scope: scope,
    }));
    const all = [...builtIn, ...networks.map((network) => rowOf(network, flags.noTrunc))];
    const rows = all.filter((row) => filters.every((holds) => holds(row)));
    const text = flags.quiet
      ? rows.flatMap(({ ID }) => (ID === NOTHING.ID ? [] : [`${ID}\n`])).join("")
      : formatRows(rows, { format: flags.format, columns: COLUMNS });
    await shell.stdout.write(text);
    return EXIT.ok;
  });
}

const COLUMNS = [
  ["ID", "NETWORK ID"],
  ["Name", "NAME"],
  ["Driver", "DRIVER"],
  ["Scope", "SCOPE"],
] as const;

/** What a network that is no object has. */
const NOTHING = { ID: "-", Internal: "false", Labels: "", CreatedAt: "" };

function rowOf(network: Network, isWhole: boolean) {
  const { name, labels, creationTimestamp } = metaOf(network);
  return {
    ...{ ID: networkId(network, isWhole), Name: name, Driver: driverOf(network), Scope: scopeOf(network) },
    ...{ Internal: String(network.spec?.internal ?? false), CreatedAt: creationTimestamp },
    Labels: Object.entries(labels)
      .map(([key, value]) => `${key}=${value}`)
      .join(","),
  };
}

type Row = ReturnType<typeof rowOf>;

const FILTERS: Readonly<Record<string, (row: Row, value: string) => boolean>> = {
  name: ({ Name }, value) => Name.includes(value),
  id: ({ ID }, value) => ID.startsWith(value) || value.startsWith(ID),
  driver: ({ Driver }, value) => Driver === value,
  scope: ({ Scope }, value) => Scope === value,
  label: ({ Labels }, value) =>
    Labels.split(",").some((label) => label === value || (!value.includes("=") && label.startsWith(`${value}=`))),
  type: ({ ID }, value) => (value === "builtin") === (ID === NOTHING.ID),
};

function readFilter(text: string): (row: Row) => boolean {
  const [key = "", ...rest] = text.split("=");
  const holds = Object.hasOwn(FILTERS, key) ? FILTERS[key] : undefined;
  if (holds === undefined || rest.length === 0)
    throw usageError(`--filter is ${Object.keys(FILTERS).join("=, ")}=, not "${text}"`);
  return (row) => holds(row, rest.join("="));
}

/** What `network rm` was asked. */
export interface NetworkRemoveFlags extends ClusterFlags {
  readonly force: boolean;
}

/** Removes networks that no container is on, in docker's words. */
export function runNetworkRemove({ flags, operands }: Call<NetworkRemoveFlags>, shell: Shell): Promise<number> {
  if (operands.length === 0) throw usageError("name the networks");
  return withCluster(shell, flags, async (cluster) => {
    const pods = await podsIn(cluster, shell);
    const failures = await eachOf(operands, async (name) => {
      if (isBuiltIn(name)) throw new TallshipError("failed_precondition", `network ${name} is always there`);
      const users = pods.filter((pod) => isOn(pod, name)).map((pod) => metaOf(pod).name);
      if (users.length > 0)
        throw new TallshipError("failed_precondition", `network ${name} has active endpoints: ${users.join(", ")}`);
      await removeNetwork(cluster, shell, name);
      await shell.stdout.write(`${name}\n`);
    });
    const serious = flags.force ? failures.filter(({ code }) => code !== "not_found") : failures;
    for (const { message } of serious) await shell.stderr.write(`error: ${message}\n`);
    const [first] = serious;
    if (first !== undefined) throw toldAlready(first.code);
    return EXIT.ok;
  });
}

/** Removes every network of the namespace that no container is on. */
export function runNetworkPrune({ flags }: Call<ClusterFlags>, shell: Shell): Promise<number> {
  return withCluster(shell, flags, async (cluster) => {
    const pods = await podsIn(cluster, shell);
    const unused = (await networksIn(cluster, shell))
      .map((network) => metaOf(network).name)
      .filter((name) => !pods.some((pod) => isOn(pod, name)));
    for (const name of unused) await removeNetwork(cluster, shell, name);
    if (unused.length > 0) await shell.stdout.write(`Deleted Networks:\n${unused.map((name) => `${name}\n`).join("")}`);
    return EXIT.ok;
  });
}

/** Tells all of networks in the shape of `docker network inspect`, with the containers that are on them. */
export function lookAtNetworks(cluster: Cluster, shell: Pick<Shell, "signal">): Look {
  return async (name) => {
    const key = { kind: "Network", namespace: cluster.namespace, name } as const;
    return inspected(await getObject(cluster, key, shell.signal), await podsIn(cluster, shell));
  };
}

/** Prints all of networks. */
export function runNetworkInspect(
  { flags, operands }: Call<ClusterFlags & { readonly format: string | undefined }>,
  shell: Shell,
): Promise<number> {
  return withCluster(shell, flags, (cluster) =>
    tellInspected(operands, { format: flags.format, shell, look: lookAtNetworks(cluster, shell) }),
  );
}

function inspected(network: Network, pods: readonly Pod[]): Json {
  const { name, namespace, creationTimestamp, labels } = metaOf(network);
  const { spec, status } = network;
  const members = pods.filter((pod) => isOn(pod, name));
  return {
    Name: name,
    Id: networkId(network, true),
    Created: creationTimestamp,
    Scope: scopeOf(network),
    Driver: driverOf(network),
    EnableIPv6: spec !== undefined && ipv6SubnetOf(spec) !== undefined,
    IPAM: { Driver: "default", Config: (spec === undefined ? [] : subnetsOf(spec)).map((Subnet) => ({ Subnet })) },
    Internal: spec?.internal ?? false,
    Attachable: true,
    Encrypted: spec?.encrypted ?? false,
    VNI: spec?.vni ?? null,
    Containers: Object.fromEntries(members.map((pod) => [metaOf(pod).uid, memberOf(pod, name)])),
    Nodes: Object.fromEntries((status?.slices ?? []).map(({ nodeName, cidr }) => [nodeName, cidr])),
    Namespace: namespace,
    Labels: { ...labels },
  };
}

function memberOf(pod: Pod, network: string): Json {
  const place = pod.status?.networks.find(({ name }) => name === network);
  const [IPv4Address = "", IPv6Address = ""] = place === undefined ? [] : addressesThere(place);
  return {
    Name: metaOf(pod).name,
    Interface: place?.interface ?? "",
    IPv4Address,
    IPv6Address,
    Node: pod.spec?.nodeName ?? "",
  };
}

function isOn(pod: Pod, name: string): boolean {
  return !isPodFinished(pod) && joinedNetworks(pod).includes(name);
}

/** An id as docker's, of the object's uid; the first twelve digits are shown. */
function networkId(network: Network, isWhole: boolean): string {
  const digits = metaOf(network).uid.replaceAll("-", "");
  return isWhole ? digits : digits.slice(0, 12);
}

function driverOf({ spec }: Network): string {
  return spec?.driver || "overlay";
}

function scopeOf(network: Network): string {
  return driverOf(network) === "bridge" ? "local" : "cluster";
}

async function networksIn(cluster: Cluster, shell: Shell): Promise<readonly Network[]> {
  const { objects } = await listObjects(cluster, { kind: "Network", namespace: cluster.namespace }, shell.signal);
  return objects.flatMap((typed) => (typed.kind === "Network" ? [typed.object] : []));
}

async function podsIn(cluster: Cluster, shell: Pick<Shell, "signal">): Promise<readonly Pod[]> {
  const { objects } = await listObjects(cluster, { kind: "Pod", namespace: cluster.namespace }, shell.signal);
  return objects.flatMap((typed) => (typed.kind === "Pod" ? [typed.object] : []));
}

async function removeNetwork({ objects, namespace }: Cluster, { signal }: Shell, name: string): Promise<void> {
  const key = { kind: "Network", namespace, name } as const;
  await objects.delete(DeleteRequest.fromPartial({ name: objectName(key) }), { signal });
}
