import { isAbsolute, relative } from "node:path";
import { LIMITS } from "../../../lib/limits.js";
import type { FolderFile } from "../load/lookup.js";
import type { Mount } from "../model/mounts.js";
import { claim, claimMount, type MountPlace, type StoredMount } from "./claims.js";
import { noteField, type ServiceContext, share } from "./context.js";
import { pathName } from "./names.js";
import type { Part } from "./part.js";

/**
 * A bind. A path below the project's folder is the user's own and is carried along, as a config; an absolute one elsewhere, such as
 * /var/run/docker.sock, is the node's. A folder that is empty or missing is where the containers keep something: it becomes a volume.
 */
export function bindMount(mount: Mount, { context, place }: MountPlace): StoredMount | undefined {
  const folder = context.folderOf(place);
  const path = context.files.resolve(folder, mount.source);
  if (isAbsolute(mount.source) && relative(context.files.resolve(folder, "."), path).startsWith(".."))
    return hostMount(mount, { context, place });
  const found = context.files.find(path);
  const name = pathName("bind", relative(context.root, path));
  if (found.is === "too_large") {
    const message = `${mount.source} has ${found.bytes} bytes, more than ${LIMITS.composeCarriedBytes.value} are not carried: build an image with it, or use a named volume`;
    context.tell.problem(place, [...context.path, "volumes"], message, "too_large");
    return undefined;
  }
  if (found.is === "nothing" || (found.is === "folder" && found.files.length === 0)) {
    if (context.files.wanted.has(path)) return undefined;
    noteField(
      context,
      "volumes",
      place,
      `${mount.source} is ${found.is === "nothing" ? "not there" : "empty"}: it becomes the volume ${name} of the cluster, and nothing is written here`,
    );
    claim(context, { name, place });
    return claimMount(mount, name);
  }
  if (!mount.isReadOnly)
    noteField(
      context,
      "volumes",
      place,
      `${mount.source} is carried along as a copy that cannot be written; use a named volume for what containers write`,
    );
  if (found.is === "file") {
    const key =
      keysOf([{ path: mount.source.replace(/^.*\//, ""), bytes: found.bytes, isExecutable: found.isExecutable }])[0]
        ?.key ?? "file";
    carry(context, name, [{ key, bytes: found.bytes }], place);
    return {
      volume: { name, configMap: { name, defaultMode: modeOf(found.isExecutable) } },
      mount: { name, mountPath: mount.target, subPath: key, readOnly: true },
    };
  }
  const keys = keysOf(found.files);
  carry(context, name, keys, place);
  const items = keys.map(({ key, path: filePath, isExecutable }) => ({
    key,
    path: filePath,
    mode: modeOf(isExecutable),
  }));
  return { volume: { name, configMap: { name, items } }, mount: { name, mountPath: mount.target, readOnly: true } };
}

function hostMount({ source, target, isReadOnly }: Mount, { context, place }: MountPlace): StoredMount {
  noteField(context, "volumes", place, `${source} is that of the node the container runs on`);
  const name = pathName("host", source);
  return {
    volume: { name, hostPath: { path: source } },
    mount: { name, mountPath: target, readOnly: isReadOnly || undefined },
  };
}

function modeOf(isExecutable: boolean): number {
  return isExecutable ? 0o755 : 0o644;
}

interface KeyedFile extends FolderFile {
  readonly key: string;
}

/** Files with keys that a config allows, each its own. */
function keysOf(files: readonly FolderFile[]): readonly KeyedFile[] {
  const used = new Set<string>();
  return files.map((file) => {
    const plain = file.path.replace(/[^-._a-zA-Z0-9]+/g, "_").slice(-200);
    let key = plain === "" || plain.startsWith("..") ? `_${plain}` : plain;
    for (let count = 2; used.has(key); count += 1) key = `${plain}_${count}`;
    used.add(key);
    return { ...file, key };
  });
}

function carry(
  context: ServiceContext,
  name: string,
  files: readonly { readonly key: string; readonly bytes: Uint8Array }[],
  place: MountPlace["place"],
): void {
  share(context, { kind: "ConfigMap", name, place }, contentOf(files));
}

/** Files as the contents of a config: text as it is, the rest in base64. */
export function contentOf(files: readonly { readonly key: string; readonly bytes: Uint8Array }[]): {
  readonly [key: string]: Part;
} {
  const texts: Record<string, Part> = {};
  const binaries: Record<string, Part> = {};
  for (const { key, bytes } of files) {
    const text = Buffer.from(bytes).toString("utf8");
    if (Buffer.from(text, "utf8").equals(Buffer.from(bytes))) texts[key] = text;
    else binaries[key] = Buffer.from(bytes).toString("base64");
  }
  return { data: texts, binaryData: Object.keys(binaries).length === 0 ? undefined : binaries };
}
