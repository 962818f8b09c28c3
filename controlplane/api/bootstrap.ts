import type { Typed } from "../../kinds/object.js";
import { systemPriorityClasses } from "../../kinds/priority.js";
import { hasCode } from "../../lib/errors.js";
import { Namespace } from "../../proto/gen/tallship/v1/namespace.js";
import { type ObjectsDeps, taskContext } from "./objects-deps.js";
import { createTask } from "./tasks/create.js";
import { SYSTEM_NAMESPACES } from "./tasks/delete.js";
import { runTask } from "./write/writer.js";

/** Creates the namespaces and priority classes that every cluster has. Every replica does it at its start; who comes second changes nothing. */
export async function ensureSystemObjects(deps: ObjectsDeps, signal: AbortSignal): Promise<void> {
  const namespaces = SYSTEM_NAMESPACES.map(
    (name): Typed => ({ kind: "Namespace", object: Namespace.fromPartial({ metadata: { name } }) }),
  );
  const priorities = systemPriorityClasses().map((object): Typed => ({ kind: "PriorityClass", object }));
  for (const typed of [...namespaces, ...priorities]) {
    await runTask(deps, createTask(typed, taskContext(deps)), signal).catch((error: unknown) => {
      if (!hasCode(error, "already_exists")) throw error;
    });
  }
}
