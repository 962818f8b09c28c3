import { metaOf } from "../../kinds/object.js";
import { TallshipError } from "../../lib/errors.js";
import type { Pod } from "../../proto/gen/tallship/v1/pod.js";
import type { Cluster } from "../cluster.js";
import type { Shell } from "../shell.js";
import { watchUntil } from "../wait/until.js";
import { type Started, startedState } from "./started.js";

/** What is waited for. */
export interface StartWait {
  /** The pod's first container when absent. */
  readonly container?: string;
  /** Return when it is told that it waits for something unusual. */
  readonly leavesWaiting: boolean;
}

/** Waits until a container has started or is known not to; tells what it waits for when that is out of the ordinary. */
export async function untilStarted(
  { cluster, shell }: { readonly cluster: Cluster; readonly shell: Shell },
  pod: Pod,
  { container, leavesWaiting }: StartWait,
): Promise<{ readonly pod: Pod; readonly state: Started }> {
  const { namespace, name, uid } = metaOf(pod);
  let latest: { pod: Pod; state: Started } = { pod, state: { is: "waiting", why: "" } };
  let told = "";
  const query = { kind: "Pod", namespace, fields: `metadata.name=${name}` } as const;
  await watchUntil({ shell, cluster, timeoutMs: undefined }, [query], async ({ changes }) => {
    for (const change of changes) {
      if (change.is === "delete") throw new TallshipError("not_found", `${name} was removed before it had started`);
      if (change.typed.kind !== "Pod" || metaOf(change.typed.object).uid !== uid) continue;
      latest = { pod: change.typed.object, state: startedState(change.typed.object, container) };
    }
    const { state } = latest;
    if (state.is !== "waiting") return true;
    if (state.why === "" || state.why === told) return false;
    told = state.why;
    await shell.stderr.write(`${name} waits: ${state.why}\n`);
    return leavesWaiting;
  });
  return latest;
}
