import { hasCode } from "../../lib/errors.js";
import { Namespace } from "../../proto/gen/tallship/v1/namespace.js";
import { type ObjectsDeps, taskContext } from "./objects-deps.js";
import { createTask } from "./tasks/create.js";
import { SYSTEM_NAMESPACES } from "./tasks/delete.js";
import { runTask } from "./write/writer.js";

/** Creates the namespaces that every cluster has. Every replica does it at its start; who comes second changes nothing. */
export async function ensureSystemNamespaces(deps: ObjectsDeps, signal: AbortSignal): Promise<void> {
  for (const name of SYSTEM_NAMESPACES) {
    const object = Namespace.fromPartial({ metadata: { name } });
    await runTask(deps, createTask({ kind: "Namespace", object }, taskContext(deps)), signal).catch(
      (error: unknown) => {
        if (!hasCode(error, "already_exists")) throw error;
      },
    );
  }
}
