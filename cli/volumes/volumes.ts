import { metaOf } from "../../kinds/object.js";
import { isPodFinished } from "../../kinds/pod-state.js";
import { claimsOfPod } from "../../kinds/storage.js";
import { hasCode, TallshipError } from "../../lib/errors.js";
import { systemRng } from "../../lib/system-rng.js";
import { DeleteRequest } from "../../proto/gen/tallship/v1/api.js";
import type { PersistentVolumeClaim } from "../../proto/gen/tallship/v1/persistentvolumeclaim.js";
import { type Cluster, type ClusterFlags, withCluster } from "../cluster.js";
import { createObject, madeUp } from "../create/write.js";
import { waitUntilGone } from "../delete/gone.js";
import { EXIT } from "../exit-codes.js";
import { type Look, tellInspected } from "../inspect/told.js";
import { eachOf, getObject, keyIn, listObjects, nameOf } from "../objects.js";
import { formatRows } from "../output/row-format.js";
import { podsOf } from "../pods/resolve.js";
import { claimOf } from "../run/claims.js";
import type { Shell } from "../shell.js";
import { toldAlready, usageError } from "../verb.js";

// A volume by name, as docker has them, is a claim: its content is on one node, and outlives containers.

/** What `volume ls` was asked. */
export interface VolumeListFlags extends ClusterFlags {
  readonly quiet: boolean;
  readonly filter: readonly string[];
  readonly format: string | undefined;
}

/** Lists the namespace's volumes. */
export function runVolumeList({ flags }: { readonly flags: VolumeListFlags }, shell: Shell): Promise<number> {
  const filters = flags.filter.map(readFilter);
  return withCluster(shell, flags, async (cluster) => {
    const all = await volumesIn(cluster, shell);
    const rows = all.filter((row) => filters.every((holds) => holds(row))).map(rowOf);
    const text = flags.quiet
      ? rows.map(({ Name }) => `${Name}\n`).join("")
      : formatRows(rows, { format: flags.format, columns: COLUMNS });
    await shell.stdout.write(text);
    return EXIT.ok;
  });
}

const COLUMNS = [
  ["Driver", "DRIVER"],
  ["Name", "VOLUME NAME"],
  ["Size", "SIZE"],
  ["Status", "STATUS"],
  ["Users", "USED BY"],
] as const;

interface Volume {
  readonly claim: PersistentVolumeClaim;
  /** Pods that mount it and are not over, by name. */
  readonly users: readonly string[];
}

async function volumesIn(cluster: Cluster, shell: Shell): Promise<readonly Volume[]> {
  const { namespace } = cluster;
  const { objects } = await listObjects(cluster, { kind: "PersistentVolumeClaim", namespace }, shell.signal);
  // One that has ended still has its volume: start brings it back.
  const pods = await podsOf(cluster, { kind: "Pod", namespace }, shell.signal);
  return objects.flatMap(({ kind, object }) => {
    if (kind !== "PersistentVolumeClaim") return [];
    const { name } = metaOf(object);
    const users = pods.filter((pod) => claimsOfPod(pod).includes(name)).map((pod) => metaOf(pod).name);
    return [{ claim: object, users }];
  });
}

function rowOf({ claim, users }: Volume) {
  const { name, labels } = metaOf(claim);
  const { spec, status } = claim;
  return {
    Driver: spec?.storageClassName || "local",
    Name: name,
    Size: status?.capacity["storage"] ?? spec?.resources?.requests["storage"] ?? "",
    Status: status?.phase ?? "",
    Users: users.join(","),
    Labels: Object.entries(labels)
      .map(([key, value]) => `${key}=${value}`)
      .join(","),
    Scope: "namespace",
  };
}

const FILTERS: Readonly<Record<string, (volume: Volume, value: string) => boolean>> = {
  name: ({ claim }, value) => metaOf(claim).name.includes(value),
  dangling: ({ users }, value) => (users.length === 0) === (value !== "false"),
  driver: ({ claim }, value) => claim.spec?.storageClassName === value,
  label: ({ claim }, value) => {
    const [key = "", ...rest] = value.split("=");
    const found = metaOf(claim).labels[key];
    return found !== undefined && (rest.length === 0 || found === rest.join("="));
  },
};

function readFilter(text: string): (volume: Volume) => boolean {
  const [key = "", ...rest] = text.split("=");
  const holds = Object.hasOwn(FILTERS, key) ? FILTERS[key] : undefined;
  if (holds === undefined || rest.length === 0)
    throw usageError(`--filter is ${Object.keys(FILTERS).join("=, ")}=, not "${text}"`);
  return (volume) => holds(volume, rest.join("="));
}

/** Of a name that is made up; two hexadecimal digits each. */
const MADE_UP_BYTES = 16;

/** What `volume create` was asked. */
export interface VolumeCreateFlags extends ClusterFlags {
  readonly size: string | undefined;
  readonly opt: readonly string[];
  readonly driver: string | undefined;
  readonly label: readonly string[];
}

/** Makes a volume, as a container that names it would; one that is there stays as it is. */
export function runVolumeCreate(
  { flags, operands }: { readonly flags: VolumeCreateFlags; readonly operands: readonly string[] },
  shell: Shell,
): Promise<number> {
  const [name = Buffer.from(systemRng.bytes(MADE_UP_BYTES)).toString("hex"), ...others] = operands;
  if (others.length > 0) throw usageError("name one volume, or none: then a name is made up");
  const { driver, label } = flags;
  const size = flags.size ?? sizeIn(flags.opt);
  const labels = Object.fromEntries(
    label.map((text) => [text.split("=")[0] ?? "", text.split("=").slice(1).join("=")]),
  );
  return withCluster(shell, flags, async (cluster) => {
    const typed = madeUp(
      claimOf(name, { size, storageClass: driver === "local" ? undefined : driver, labels }),
      cluster.namespace,
    );
    const { objects } = await listObjects(
      cluster,
      { kind: "PersistentVolumeClaim", namespace: cluster.namespace },
      shell.signal,
    );
    const isThere = objects.some(({ object }) => metaOf(object).name === name);
    if (!isThere) await createObject({ shell, cluster, dryRun: undefined }, typed);
    await shell.stdout.write(`${name}\n`);
    return EXIT.ok;
  });
}

/** Of docker's driver options the one that a claim has. */
function sizeIn(options: readonly string[]): string | undefined {
  const strange = options.find((text) => !/^size=./.test(text));
  if (strange !== undefined)
    throw usageError(`--opt ${strange} means nothing to a claim, only size=SIZE: write a PersistentVolume for it`);
  return options.at(-1)?.slice("size=".length);
}

/** Removes volumes with what they hold; one that a container mounts stays. */
export function runVolumeRemove(
  {
    flags,
    operands,
  }: { readonly flags: ClusterFlags & { readonly force: boolean }; readonly operands: readonly string[] },
  shell: Shell,
): Promise<number> {
  if (operands.length === 0) throw usageError("name the volumes");
  return withCluster(shell, flags, async (cluster) => {
    const volumes = await volumesIn(cluster, shell);
    const failures = await eachOf(operands, async (name) => {
      const found = volumes.find(({ claim }) => metaOf(claim).name === name);
      if (found === undefined && flags.force) return;
      if (found === undefined) throw noSuch(name);
      const [user] = found.users;
      if (user !== undefined)
        throw new TallshipError(
          "failed_precondition",
          `volume ${name} is in use by container ${user}: remove that first`,
        );
      await remove(cluster, shell, found.claim);
      await shell.stdout.write(`${name}\n`);
    });
    for (const { message } of failures) await shell.stderr.write(`error: ${message}\n`);
    if (failures[0] !== undefined) throw toldAlready(failures[0].code);
    return EXIT.ok;
  });
}

async function remove(cluster: Cluster, shell: Shell, claim: PersistentVolumeClaim): Promise<void> {
  const { namespace, name, uid } = metaOf(claim);
  const key = keyIn("PersistentVolumeClaim", namespace, name);
  await cluster.objects.delete(DeleteRequest.fromPartial({ name: nameOf(key), uid }), { signal: shell.signal });
  await waitUntilGone({ shell, cluster, timeoutMs: undefined }, [{ key, uid }]);
}

/** Removes the volumes that no container mounts; only when the user says yes. Returns their names. */
export async function pruneVolumes(cluster: Cluster, shell: Shell): Promise<readonly string[]> {
  const unused = (await volumesIn(cluster, shell)).filter(({ users }) => users.length === 0);
  for (const { claim } of unused) await remove(cluster, shell, claim);
  return unused.map(({ claim }) => metaOf(claim).name);
}

/** Tells all of volumes in the shape of `docker volume inspect`. */
export function lookAtVolumes(cluster: Cluster, { signal }: Pick<Shell, "signal">): Look {
  const { namespace } = cluster;
  return async (name) => {
    const claim = await getObject(cluster, keyIn("PersistentVolumeClaim", namespace, name), signal).catch(
      (error: unknown) => {
        throw hasCode(error, "not_found") ? noSuch(name) : error;
      },
    );
    const pods = await podsOf(cluster, { kind: "Pod", namespace }, signal);
    const users = pods.filter((pod) => !isPodFinished(pod) && claimsOfPod(pod).includes(name));
    const { Driver, Name, Size, Status } = rowOf({ claim, users: [] });
    const { creationTimestamp, labels } = metaOf(claim);
    return {
      ...{ CreatedAt: creationTimestamp, Driver, Labels: { ...labels }, Name, Options: null, Scope: "namespace" },
      ...{ Size, Status, Volume: claim.spec?.volumeName ?? "", UsedBy: users.map((pod) => metaOf(pod).name) },
    };
  };
}

/** Prints all of volumes. */
export function runVolumeInspect(
  {
    flags,
    operands,
  }: { readonly flags: ClusterFlags & { readonly format: string | undefined }; readonly operands: readonly string[] },
  shell: Shell,
): Promise<number> {
  return withCluster(shell, flags, (cluster) =>
    tellInspected(operands, { format: flags.format, shell, look: lookAtVolumes(cluster, shell) }),
  );
}

function noSuch(name: string): TallshipError {
  return new TallshipError("not_found", `no such volume: ${name}`);
}
