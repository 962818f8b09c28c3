import { FILL_VOLUMES } from "../../../kinds/fill-volumes.js";
import type { Mount } from "../model/mounts.js";
import type { Located } from "../model/reader.js";
import { bindMount } from "./bind.js";
import { claim, claimMount, type MountPlace, type StoredMount } from "./claims.js";
import { noteField, type ServiceContext } from "./context.js";
import { fileMounts } from "./file-uses.js";
import { dnsName } from "./names.js";
import { at, type Part, type Placed } from "./part.js";
import { usesOtherNetwork } from "./shared-pod.js";

/** Volumes of the pod, by name, and what the container mounts of them. */
export interface Storage {
  readonly volumes: ReadonlyMap<string, Part>;
  readonly mounts: readonly Part[];
  /** Storage that outlives the pod and is written to: two pods at once would hurt it. */
  readonly isKept: boolean;
  /** Some of it belongs to root, whatever the image has in its place. */
  readonly isRoots: boolean;
  /** The annotation that names the volumes that start with what the image has in their place. */
  readonly annotations: Readonly<Record<string, Placed>>;
}

/** Everything that the service mounts: volumes, binds, tmpfs, /dev/shm, configs and secrets. */
export function storageOf(context: ServiceContext): Storage {
  const { model } = context.service;
  const all: Located<StoredMount>[] = [];
  const add = (place: Located<unknown>["place"], stored: StoredMount | undefined): void => {
    if (stored !== undefined) all.push({ place, value: usesOtherNetwork(model) ? ownVolume(stored, context) : stored });
  };
  for (const { value, place } of model.volumes?.value ?? []) add(place, mountOf(value, { context, place }));
  for (const { value, place } of model.tmpfs?.value ?? []) add(place, tmpfsOf(value, context));
  if (model.shm_size !== undefined) add(model.shm_size.place, memoryMount("/dev/shm", model.shm_size.value));
  all.push(...fileMounts(context));
  const volumes = new Map<string, Part>();
  for (const { value, place } of all) volumes.set(String(value.volume["name"]), at(place, value.volume));
  return {
    volumes,
    mounts: all.map(({ value, place }) => at(place, value.mount)),
    isKept: all.some(({ value }) => value.isKept === true),
    isRoots: all.some(({ value }) => value.isKept === true && value.isFilled !== true),
    annotations: filledParts(all),
  };
}

/** Two services in one pod each have their own of what has no name. */
function ownVolume(stored: StoredMount, { service }: ServiceContext): StoredMount {
  if (stored.volume["emptyDir"] === undefined) return stored;
  const name = dnsName(`${service.name}-${String(stored.volume["name"])}`);
  return { ...stored, volume: { ...stored.volume, name }, mount: { ...stored.mount, name } };
}

function filledParts(all: readonly Located<StoredMount>[]): Readonly<Record<string, Placed>> {
  const filled = all.filter(({ value }) => value.isFilled === true);
  const names = [...new Set(filled.map(({ value }) => String(value.volume["name"])))];
  return filled[0] === undefined ? {} : { [FILL_VOLUMES]: at(filled[0].place, names.join(",")) };
}

function mountOf(mount: Mount, where: MountPlace): StoredMount | undefined {
  const { context, place } = where;
  for (const other of mount.others) noteField(context, "volumes", place, `option ${other} has no effect`);
  switch (mount.type) {
    case "bind":
      return bindMount(mount, where);
    case "tmpfs":
      return memoryMount(mount.target, mount.sizeBytes);
    case "volume":
      return mount.source === "" ? unnamedMount(mount) : namedMount(mount, where);
    default:
      context.tell.problem(
        place,
        [...context.path, "volumes"],
        `mounts of type ${mount.type} are not supported`,
        "not_supported",
      );
      return undefined;
  }
}

function unnamedMount({ target, isReadOnly, isFilled }: Mount): StoredMount {
  const name = dnsName(`anonymous${target}`);
  const mount = { name, mountPath: target, readOnly: isReadOnly || undefined };
  return { volume: { name, emptyDir: {} }, mount, isFilled };
}

function namedMount(mount: Mount, { context, place }: MountPlace): StoredMount | undefined {
  const declared = context.model.volumes?.value.get(mount.source);
  if (declared === undefined) {
    context.tell.problem(
      place,
      [...context.path, "volumes"],
      `volume ${mount.source} is not declared under volumes`,
      "not_found",
    );
    return undefined;
  }
  const { value: volume } = declared;
  const claimName = dnsName(volume.name?.value ?? volume.external?.value.name ?? mount.source);
  const options = volume.driver_opts?.value;
  if (volume.driver !== undefined && volume.driver.value !== "local")
    context.tell.note(
      volume.driver.place,
      ["volumes", mount.source, "driver"],
      "the cluster's default storage class is used",
    );
  for (const [name, { place: at }] of options ?? [])
    if (name !== "size")
      context.tell.note(at, ["volumes", mount.source, "driver_opts", name], "has no effect on a claim of storage");
  if (volume.external === undefined)
    claim(context, { name: claimName, place: declared.place, size: options?.get("size")?.value });
  return { ...claimMount(mount, claimName), isFilled: mount.isFilled };
}

function tmpfsOf(text: string, context: ServiceContext): StoredMount {
  const [target = "", options = ""] = text.split(":");
  const size = /(?:^|,)size=(\d+)([kmg]?)/i.exec(options);
  const others = options.split(",").filter((one) => one !== "" && !one.startsWith("size="));
  const place = context.service.model.tmpfs?.place ?? context.service.place;
  if (others.length > 0) noteField(context, "tmpfs", place, `options ${others.join(", ")} have no effect`);
  const scale: Readonly<Record<string, number>> = { "": 1, k: 1024, m: 1024 ** 2, g: 1024 ** 3 };
  const bytes = size === null ? undefined : Number(size[1]) * (scale[(size[2] ?? "").toLowerCase()] ?? 1);
  return memoryMount(target, bytes);
}

function memoryMount(target: string, sizeBytes: number | undefined): StoredMount {
  const name = dnsName(`memory${target}`);
  const sizeLimit = sizeBytes === undefined ? undefined : String(sizeBytes);
  return { volume: { name, emptyDir: { medium: "Memory", sizeLimit } }, mount: { name, mountPath: target } };
}
