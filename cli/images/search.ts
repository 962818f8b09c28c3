import { type ClusterFlags, withCluster } from "../cluster.js";
import type { Shell } from "../shell.js";
import { formatTable } from "../table.js";
import { usageError } from "../verb.js";

/** What `search` was asked. */
export interface SearchFlags extends ClusterFlags {
  readonly registry: string | undefined;
  readonly limit: number | undefined;
}

/** Lists repositories whose name holds a term: the cluster's, or those of a registry. REGISTRY/TERM names the registry too. */
export async function runSearch(
  { flags, operands }: { readonly flags: SearchFlags; readonly operands: readonly string[] },
  shell: Shell,
): Promise<number> {
  const [operand = "", ...rest] = operands;
  if (rest.length > 0) throw usageError(`unexpected "${rest[0]}"`);
  const named = /^((?:[^/]*[.:][^/]*|localhost))(?:\/(.*))?$/.exec(operand);
  const isNamed = flags.registry === undefined && named !== null;
  const registry = (isNamed ? named[1] : flags.registry) ?? "";
  const term = isNamed ? (named[2] ?? "") : operand;
  return withCluster(shell, flags, async ({ images: service, namespace }) => {
    const request = { registry, term, namespace, limit: flags.limit ?? 0 };
    const { images } = await service.search(request, { signal: shell.signal });
    if (images.length === 0) {
      const where = registry === "" ? "the cluster; --registry looks into a registry" : registry;
      await shell.stderr.write(`No images found in ${where}\n`);
      return 0;
    }
    const rows = images.map(({ repository, tags }) => [repository, tags.length === 0 ? "<none>" : tags.join(",")]);
    await shell.stdout.write(formatTable([["NAME", "TAGS"], ...rows]));
    return 0;
  });
}
