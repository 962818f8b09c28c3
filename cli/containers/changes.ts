import { metaOf } from "../../kinds/object.js";
import { ChangesRequest } from "../../proto/gen/tallship/v1/streams.js";
import { type ClusterFlags, withCluster } from "../cluster.js";
import { EXIT } from "../exit-codes.js";
import { safeText } from "../safe-text.js";
import type { Shell } from "../shell.js";
import { usageError } from "../verb.js";
import { findContainer } from "./find.js";

const LETTERS: Readonly<Record<string, string>> = { added: "A", changed: "C", deleted: "D" };

/** Tells which files a container has added, changed or deleted of its image, as docker diff. */
export function runChanges(flags: ClusterFlags, operands: readonly string[], shell: Shell): Promise<number> {
  const [word, ...others] = operands;
  if (word === undefined || others.length > 0) throw usageError("name one container");
  return withCluster(shell, flags, async (cluster) => {
    const { pod, container } = await findContainer(cluster, word, shell.signal);
    const { namespace, name } = metaOf(pod);
    const request = ChangesRequest.fromPartial({ namespace, pod: name, container });
    for await (const { changes } of cluster.streams.changes(request, { signal: shell.signal })) {
      const lines = changes.map(({ is, path }) => `${LETTERS[is] ?? "?"} ${safeText(path)}\n`);
      await shell.stdout.write(lines.join(""));
    }
    return EXIT.ok;
  });
}
