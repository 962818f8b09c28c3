import { metaOf } from "../../../kinds/object.js";
import type { ContainerStatus, Pod } from "../../../proto/gen/tallship/v1/pod.js";
import { watchUntil } from "../../wait/until.js";
import { PROJECT_LABEL } from "../translate/names.js";
import type { LiveProject } from "./live.js";

/** A container of a service that has ended. */
export interface EndedContainer {
  /** Name of its pod. */
  readonly name: string;
  readonly service: string;
  readonly exitCode: number;
}

/** Waits until a container of the project has ended, or of one service when it is named in DNS' form; also one that is started again since. Undefined when the shell's signal aborts before. */
export async function firstEnd(
  { shell, cluster, name, namespace }: LiveProject,
  service: string | undefined,
): Promise<EndedContainer | undefined> {
  let found: EndedContainer | undefined;
  const query = { kind: "Pod", namespace, labels: `${PROJECT_LABEL}=${name}` } as const;
  const look = watchUntil({ shell, cluster, timeoutMs: undefined }, [query], async ({ changes }) => {
    for (const change of changes)
      if (change.is === "put" && change.typed.kind === "Pod") found ??= endedIn(change.typed.object, service);
    return found !== undefined;
  });
  await look.catch((error: unknown) => {
    if (!shell.signal.aborted) throw error;
  });
  return found;
}

/** The first container of a pod that has ended, by its order in the pod. Pure. */
export function endedIn(pod: Pod, service: string | undefined): EndedContainer | undefined {
  for (const status of pod.status?.containerStatuses ?? []) {
    const exitCode = exitCodeIn(status);
    if (exitCode !== undefined && (service === undefined || status.name === service))
      return { name: metaOf(pod).name, service: status.name, exitCode };
  }
  return undefined;
}

function exitCodeIn({ state, lastState }: ContainerStatus): number | undefined {
  return (state?.terminated ?? lastState?.terminated)?.exitCode;
}
