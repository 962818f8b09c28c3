import type { JsonObject } from "../../kinds/encode.js";
import { usageError } from "../verb.js";

/** What a container mounts: volumes of its pod, where it mounts them, and claims that must be there. */
export interface RunMounts {
  readonly volumes: readonly JsonObject[];
  readonly mounts: readonly JsonObject[];
  /** Names of the volumes that start with what the image has in their place. */
  readonly filled: readonly string[];
  /** Names of claims. */
  readonly claims: readonly string[];
  /** Folders of the node that are mounted. */
  readonly nodePaths: readonly string[];
}

/** What the flags -v, --mount and --tmpfs say. */
export interface MountFlags {
  readonly volume: readonly string[];
  readonly mount: readonly string[];
  readonly tmpfs: readonly string[];
  readonly shmSize: string | undefined;
}

interface Mount {
  readonly kind: "bind" | "volume" | "tmpfs";
  /** Path of the node, name of the volume; empty for a volume without name. */
  readonly source: string;
  readonly target: string;
  readonly isReadOnly: boolean;
  /** Starts with what the image has in its place. */
  readonly isFilled?: boolean;
  readonly sizeBytes?: string | undefined;
}

/** Reads them all. Throws usage errors. */
export function readMounts(flags: MountFlags): RunMounts {
  const all = [
    ...flags.volume.map(readVolume),
    ...flags.mount.map(readMount),
    ...flags.tmpfs.map((text): Mount => readTmpfs(text)),
    ...(flags.shmSize === undefined ? [] : [sharedMemory(flags.shmSize)]),
  ];
  const volumes = new Map<string, JsonObject>();
  const mounts = all.map((mount, at) => {
    const name = nameFor(mount, at);
    volumes.set(name, { name, ...sourceOf(mount) });
    return { name, mountPath: mount.target, ...(mount.isReadOnly ? { readOnly: true } : {}) };
  });
  const of = (kind: Mount["kind"]) => all.filter((mount) => mount.kind === kind && mount.source !== "");
  return {
    volumes: [...volumes.values()],
    mounts,
    filled: [...new Set(all.flatMap((mount, at) => (mount.isFilled === true ? [nameFor(mount, at)] : [])))],
    claims: [...new Set(of("volume").map(({ source }) => source))],
    nodePaths: [...new Set(of("bind").map(({ source }) => source))],
  };
}

function nameFor({ kind, source }: Mount, at: number): string {
  return kind === "volume" && source !== "" ? source : `${kind}-${at}`;
}

function sourceOf({ kind, source, sizeBytes }: Mount): JsonObject {
  if (kind === "bind") return { hostPath: { path: source, type: "DirectoryOrCreate" } };
  if (kind === "tmpfs")
    return { emptyDir: { medium: "Memory", ...(sizeBytes === undefined ? {} : { sizeLimit: sizeBytes }) } };
  return source === "" ? { emptyDir: {} } : { persistentVolumeClaim: { claimName: source } };
}

/** `[SOURCE:]TARGET[:OPTIONS]`. */
function readVolume(text: string): Mount {
  const parts = text.split(":");
  const [first = "", second, options = ""] = parts;
  if (parts.length > 3) throw usageError(`-v is [SOURCE:]TARGET[:ro], not "${text}"`);
  const [source, target] = second === undefined ? ["", first] : [first, second];
  if (!target.startsWith("/")) throw usageError(`-v "${text}": the place in the container is an absolute path`);
  for (const option of options.split(","))
    if (!["", "ro", "rw", "nocopy", "z", "Z", "cached", "delegated", "consistent"].includes(option))
      throw usageError(`-v "${text}": option ${option} is not supported, ro and rw are`);
  const isReadOnly = options.split(",").includes("ro");
  if (source.startsWith("/")) return { kind: "bind", source, target, isReadOnly };
  if (source.startsWith(".") || source.startsWith("~"))
    throw usageError(`-v "${text}": a folder of a node is an absolute path; files from here are copied with cp`);
  return { kind: "volume", source, target, isReadOnly, isFilled: !options.split(",").includes("nocopy") };
}

/** `type=bind,source=…,target=…,readonly`. */
function readMount(text: string): Mount {
  const pairs = text.split(",").map((part) => part.split("=") as [string, string?]);
  const settingOf = (...names: readonly string[]): string | undefined =>
    pairs.find(([key]) => names.includes(key))?.[1];
  const known = [
    "type",
    "source",
    "src",
    "target",
    "dst",
    "destination",
    "readonly",
    "ro",
    "tmpfs-size",
    "volume-nocopy",
  ];
  const other = pairs.find(([key]) => !known.includes(key));
  if (other !== undefined) throw usageError(`--mount "${text}": ${other[0]} is not supported`);
  const kind = settingOf("type") ?? "volume";
  const target = settingOf("target", "dst", "destination") ?? "";
  if (kind !== "bind" && kind !== "volume" && kind !== "tmpfs")
    throw usageError(`--mount "${text}": type is bind, volume or tmpfs`);
  if (!target.startsWith("/")) throw usageError(`--mount "${text}": target is an absolute path`);
  const source = kind === "tmpfs" ? "" : (settingOf("source", "src") ?? "");
  if (kind === "bind" && !source.startsWith("/")) throw usageError(`--mount "${text}": source is an absolute path`);
  const isReadOnly = pairs.some(([key, value]) => (key === "readonly" || key === "ro") && value !== "false");
  const isCopied = !pairs.some(([key, value]) => key === "volume-nocopy" && value !== "false");
  const isFilled = kind === "volume" && isCopied;
  return { kind, source, target, isReadOnly, isFilled, sizeBytes: sizeOf(settingOf("tmpfs-size")) };
}

function readTmpfs(text: string): Mount {
  const [target = "", options = ""] = text.split(":");
  if (!target.startsWith("/")) throw usageError(`--tmpfs "${text}": want an absolute path`);
  const size = /(?:^|,)size=(\d+[kmgKMG]?)/.exec(options)?.[1];
  return { kind: "tmpfs", source: "", target, isReadOnly: /(^|,)ro(,|$)/.test(options), sizeBytes: sizeOf(size) };
}

function sharedMemory(text: string): Mount {
  const sizeBytes = dockerBytes(text);
  if (sizeBytes === undefined) throw usageError(`--shm-size is a size such as 256m, not "${text}"`);
  return { kind: "tmpfs", source: "", target: "/dev/shm", isReadOnly: false, sizeBytes };
}

function sizeOf(text: string | undefined): string | undefined {
  return text === undefined ? undefined : dockerBytes(text);
}

const UNITS: Readonly<Record<string, number>> = { "": 1, b: 1, k: 2 ** 10, m: 2 ** 20, g: 2 ** 30, t: 2 ** 40 };

/** A size as Docker writes it, such as 512m, as a count of bytes; undefined when it is none. */
export function dockerBytes(text: string): string | undefined {
  const match = /^(\d+(?:\.\d+)?)\s*([bkmgt]?)(?:i?b)?$/i.exec(text);
  if (match === null) return undefined;
  return String(Math.round(Number(match[1]) * (UNITS[(match[2] ?? "").toLowerCase()] ?? 1)));
}
