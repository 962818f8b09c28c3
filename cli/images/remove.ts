import { bytesText } from "../../kinds/bytes-text.js";
import { type ClusterFlags, withCluster } from "../cluster.js";
import { safeText } from "../safe-text.js";
import type { Shell } from "../shell.js";
import { toldAlready, usageError } from "../verb.js";

/** What `image rm` was asked. */
export interface RemoveFlags extends ClusterFlags {
  readonly force: boolean;
}

/** Takes names of images away and tells which, in docker's words. */
export async function runRemove(
  { flags, operands }: { readonly flags: RemoveFlags; readonly operands: readonly string[] },
  shell: Shell,
): Promise<number> {
  if (operands.length === 0) throw usageError("name the images");
  return withCluster(shell, flags, async ({ images }) => {
    const request = { names: [...operands], force: flags.force };
    const { untagged, deleted } = await images.remove(request, { signal: shell.signal });
    await shell.stdout.write(
      [...untagged.map((name) => `Untagged: ${name}\n`), ...deleted.map((digest) => `Deleted: ${digest}\n`)].join(""),
    );
    return 0;
  });
}

/** What `image prune` was asked. */
export interface PruneFlags extends ClusterFlags {
  readonly all: boolean;
}

/** Has every node drop what nothing uses, and tells what that freed. */
export async function runPrune({ flags }: { readonly flags: PruneFlags }, shell: Shell): Promise<number> {
  return withCluster(shell, flags, async ({ images }) => {
    const { nodes } = await images.prune({ all: flags.all }, { signal: shell.signal });
    for (const { name, error } of nodes)
      if (error !== "") await shell.stderr.write(`error: node ${name}: ${safeText(error)}\n`);
    const freed = nodes.reduce((sum, { freedBytes }) => sum + freedBytes, 0);
    await shell.stdout.write(`Total reclaimed space: ${bytesText(freed)}\n`);
    if (nodes.some(({ error }) => error !== "")) throw toldAlready("internal");
    return 0;
  });
}
