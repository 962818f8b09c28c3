import { metaOf } from "../../kinds/object.js";
import { CopyStart, ExecInput } from "../../proto/gen/tallship/v1/streams.js";
import { type ClusterFlags, withCluster } from "../cluster.js";
import { EXIT } from "../exit-codes.js";
import type { Shell } from "../shell.js";
import { usageError } from "../verb.js";
import { findContainer } from "./find.js";
import { receiveArchive } from "./receive-archive.js";

/** What `export` was asked. */
export interface ExportFlags extends ClusterFlags {
  readonly output: string | undefined;
}

/** Writes all files of a container as a tar archive, as docker export: without what is mounted in it. */
export function runExport(
  { flags, operands }: { readonly flags: ExportFlags; readonly operands: readonly string[] },
  shell: Shell,
): Promise<number> {
  const [word, ...others] = operands;
  if (word === undefined || others.length > 0) throw usageError("name one container");
  const path = flags.output ?? "-";
  if (path === "-" && shell.stdout.isTerminal)
    throw usageError("an archive is not for a terminal: use -o FILE, or a pipe");
  return withCluster(shell, flags, async (cluster) => {
    const { pod, container } = await findContainer(cluster, word, shell.signal);
    const { namespace, name } = metaOf(pod);
    const value = CopyStart.fromPartial({ namespace, pod: name, container, isWhole: true });
    const archive = receiveArchive({ cluster, shell }, [ExecInput.fromPartial({ part: { $case: "copy", value } })]);
    if (path === "-") for await (const bytes of archive) await shell.stdout.write(bytes);
    else await shell.files.writeChunks(path, archive);
    return EXIT.ok;
  });
}
