import { TallshipError } from "../../lib/errors.js";
import type { OciDevice, OciHook, OciHookName, OciHooks, OciMount, OciSpec } from "../oci/oci-types.js";
import type { CdiDeviceNode, CdiEdits, CdiMount } from "./cdi-spec.js";

/** What a node of the host's /dev is. */
export interface HostNode {
  readonly type: string;
  readonly major: number;
  readonly minor: number;
}

/** Edge: the host's /dev; undefined when nothing that is a device stands there. */
export type FindNode = (path: string) => HostNode | undefined;

/** The description of a run with what its devices change, in their order. Pure but for what the nodes of the host are. */
export function withDeviceEdits(oci: OciSpec, edits: readonly CdiEdits[], findNode: FindNode): OciSpec {
  return edits.reduce((spec, one) => withEdits(spec, one, findNode), oci);
}

function withEdits(oci: OciSpec, edits: CdiEdits, findNode: FindNode): OciSpec {
  const devices = edits.deviceNodes.map((node) => ociDevice(node, findNode, oci));
  const allowed = devices.flatMap(({ type, major, minor }, at) =>
    type === "b" || type === "c"
      ? [{ allow: true, type, major, minor, access: edits.deviceNodes[at]?.permissions ?? "rwm" }]
      : [],
  );
  const { process, linux } = oci;
  const gids = edits.additionalGids.filter((gid) => gid !== 0);
  return {
    ...oci,
    process: {
      ...process,
      env: edits.env.reduce(withVariable, process.env),
      user: { ...process.user, additionalGids: [...new Set([...(process.user.additionalGids ?? []), ...gids])] },
    },
    mounts: withMounts(oci.mounts, edits.mounts),
    ...withHooks(oci.hooks, edits),
    linux: {
      ...linux,
      ...(edits.intelRdt === undefined ? {} : { intelRdt: edits.intelRdt }),
      ...(devices.length === 0 ? {} : { devices: withNodes(linux.devices ?? [], devices) }),
      resources: { ...linux.resources, devices: [...linux.resources.devices, ...allowed] },
    },
  };
}

/** A user who is not root owns what it is given, unless the file says otherwise. */
function ociDevice(node: CdiDeviceNode, findNode: FindNode, { process: { user } }: OciSpec): OciDevice {
  const { path, hostPath, fileMode } = node;
  const isWhole = node.type === "p" || (node.type !== undefined && node.major !== undefined);
  const found = isWhole ? undefined : findNode(hostPath);
  if (!isWhole && found === undefined)
    throw new TallshipError("failed_precondition", `device node ${path}: the node has no device ${hostPath}`);
  const uid = node.uid ?? (user.uid > 0 ? user.uid : undefined);
  const gid = node.gid ?? (user.gid > 0 ? user.gid : undefined);
  return {
    path,
    type: node.type ?? found?.type ?? "c",
    major: node.major ?? found?.major ?? 0,
    minor: node.minor ?? found?.minor ?? 0,
    ...(fileMode === undefined ? {} : { fileMode }),
    ...(uid === undefined ? {} : { uid }),
    ...(gid === undefined ? {} : { gid }),
  };
}

function withNodes(before: readonly OciDevice[], devices: readonly OciDevice[]): readonly OciDevice[] {
  const paths = new Set(devices.map(({ path }) => path));
  return [...before.filter(({ path }) => !paths.has(path)), ...devices];
}

function withVariable(env: readonly string[], variable: string): readonly string[] {
  const name = variable.slice(0, variable.indexOf("=") + 1);
  return [...env.filter((one) => !one.startsWith(name)), variable];
}

/** After what the container has there already, so that what is mounted above a path does not hide it. */
function withMounts(before: readonly OciMount[], mounts: readonly CdiMount[]): readonly OciMount[] {
  const paths = new Set(mounts.map(({ containerPath }) => containerPath));
  return [...before.filter(({ destination }) => !paths.has(destination)), ...mounts.map(ociMount)];
}

function ociMount({ hostPath, containerPath, type, options }: CdiMount): OciMount {
  const isBound = options.includes("bind") || options.includes("rbind");
  const isBind = type === undefined || type === "bind" || isBound;
  return {
    destination: containerPath,
    type: isBind ? "bind" : type,
    source: hostPath,
    options: isBind && !isBound ? ["rbind", ...options] : options,
  };
}

function withHooks(before: OciHooks | undefined, { hooks }: CdiEdits): { readonly hooks?: OciHooks } {
  if (hooks.length === 0) return before === undefined ? {} : { hooks: before };
  const byName = new Map<OciHookName, readonly OciHook[]>();
  for (const { hookName, path, args, env, timeout } of hooks) {
    const hook = {
      path,
      ...(args.length === 0 ? {} : { args }),
      ...(env.length === 0 ? {} : { env }),
      ...(timeout === undefined ? {} : { timeout }),
    };
    byName.set(hookName, [...(byName.get(hookName) ?? before?.[hookName] ?? []), hook]);
  }
  return { hooks: { ...before, ...Object.fromEntries(byName) } };
}
