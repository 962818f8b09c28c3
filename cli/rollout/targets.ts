import type { ObjectKey } from "../../kinds/object.js";
import { KINDS, type KindName } from "../../kinds/registry.js";
import { TallshipError } from "../../lib/errors.js";
import { chosenKeys } from "../chosen.js";
import type { Cluster } from "../cluster.js";
import { type FileFlags, namesFiles } from "../input/files.js";
import type { Shell } from "../shell.js";
import { readTargets } from "../targets.js";
import { usageError } from "../verb.js";

/** What can be done with the roll-out of each kind. */
const ABLE: Readonly<Partial<Record<KindName, readonly string[]>>> = {
  Deployment: ["status", "history", "undo", "pause", "resume", "restart"],
  DaemonSet: ["status", "history", "undo", "restart"],
  StatefulSet: ["status", "history", "undo", "restart"],
};

/** The objects that a command on roll-outs is about; a type alone means all of them, as with kubectl. */
export async function rolloutKeys(
  run: {
    readonly shell: Shell;
    readonly cluster: Cluster;
    readonly flags: FileFlags & { readonly selector: string | undefined };
  },
  operands: readonly string[],
): Promise<readonly ObjectKey[]> {
  const { flags, shell, cluster } = run;
  if (namesFiles(flags) && operands.length > 0) throw usageError("name objects or files, not both");
  if (!namesFiles(flags) && readTargets(operands).some(({ names }) => names.length > 0) && flags.selector)
    throw usageError("name objects or select them, not both");
  const choice = { ...flags, fieldSelector: undefined, allNamespaces: false };
  const keys = await chosenKeys({ shell, cluster, flags: choice }, operands);
  if (keys.length === 0) throw new TallshipError("not_found", "no objects found");
  return keys;
}

/** Refuses what the kind cannot do. */
export function checkRolloutKind(kind: KindName, action: string): void {
  if (ABLE[kind]?.includes(action) === true) return;
  const able = Object.values(KINDS)
    .filter((row) => ABLE[row.kind]?.includes(action))
    .map(({ plural }) => plural);
  throw usageError(`rollout ${action} does not work on ${KINDS[kind].plural}, only on ${able.join(", ")}`);
}
