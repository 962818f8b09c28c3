import type { ReadObject } from "../../kinds/read.js";
import type { ApplyRequest } from "../../proto/gen/tallship/v1/api.js";
import { nameOfSet, setRequests } from "../apply/send-set.js";
import type { Cluster } from "../cluster.js";
import { projectSet } from "../compose/project-set.js";
import type { FileFlags } from "../input/files.js";
import { readInput } from "../input/objects.js";
import type { Shell } from "../shell.js";

/** Reads and checks files as apply does, and makes of them the messages of a set that is only asked about. */
export async function readPlannedSet(
  shell: Shell,
  flags: FileFlags & { readonly force?: boolean },
  cluster: Cluster,
): Promise<{ readonly objects: readonly ReadObject[]; readonly requests: AsyncGenerator<ApplyRequest> }> {
  const objects = await readInput(shell, { ...flags, warn: true }, cluster);
  const project = projectSet(objects);
  const set = project?.set ?? (await nameOfSet(flags, shell));
  const home = { ...cluster, namespace: project?.namespace ?? cluster.namespace };
  const sending = { cluster: home, shell, set, force: flags.force === true, isDry: true, prune: [] };
  return { objects, requests: setRequests(objects, sending) };
}
