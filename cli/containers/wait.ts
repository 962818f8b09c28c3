import { metaOf } from "../../kinds/object.js";
import { isPodFinished } from "../../kinds/pod-state.js";
import type { Pod } from "../../proto/gen/tallship/v1/pod.js";
import { type Cluster, type ClusterFlags, withCluster } from "../cluster.js";
import { EXIT } from "../exit-codes.js";
import type { Shell } from "../shell.js";
import { watchUntil } from "../wait/until.js";
import { findContainer } from "./find.js";
import type { NamedContainer } from "./identity.js";
import { statusOf } from "./state.js";

/** Waits until containers have ended and prints their exit codes, as docker wait; of one that was removed meanwhile, 0. */
export function waitForEnd(flags: ClusterFlags, words: readonly string[], shell: Shell): Promise<number> {
  return withCluster(shell, flags, async (cluster) => {
    for (const word of words) {
      const found = await findContainer(cluster, word, shell.signal);
      await shell.stdout.write(`${await untilEnded({ shell, cluster }, found)}\n`);
    }
    return EXIT.ok;
  });
}

/** Waits until a container has ended and returns its exit code; 0 when it was removed meanwhile. */
export async function untilEnded(
  run: { readonly shell: Shell; readonly cluster: Cluster },
  found: NamedContainer,
): Promise<number> {
  const { namespace, name, uid } = metaOf(found.pod);
  let code = 0;
  const query = { kind: "Pod", namespace, fields: `metadata.name=${name}` } as const;
  await watchUntil({ ...run, timeoutMs: undefined }, [query], async ({ changes }) =>
    changes.some((change) => {
      if (change.is === "delete" || change.typed.kind !== "Pod") return change.is === "delete";
      const ended = endOf(change.typed.object, found);
      code = ended ?? code;
      return metaOf(change.typed.object).uid !== uid || ended !== undefined;
    }),
  );
  return code;
}

/** The exit code of a container that will not begin again by itself. */
function endOf(pod: Pod, { container }: NamedContainer): number | undefined {
  const { terminated } = statusOf(pod, container)?.state ?? {};
  return terminated !== undefined && isPodFinished(pod) ? terminated.exitCode : undefined;
}
