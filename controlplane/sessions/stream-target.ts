import { TallshipError } from "../../lib/errors.js";
import type { Pod } from "../../proto/gen/tallship/v1/pod.js";
import type { OpenStream } from "../../proto/gen/tallship/v1/session.js";
import type { View } from "../cache/view.js";
import type { StreamTarget } from "./stream-broker.js";

/** Which container an operator means. */
export interface ContainerName {
  readonly namespace: string;
  readonly pod: string;
  /** May be empty when the pod has one; undefined when the pod as a whole is meant. */
  readonly container: string | undefined;
}

/** The node that runs the pod and the container's name in full. Says plainly when there is no such pod, container or node yet. A pod that is gone stands in where there is none. */
export function findTarget(
  view: View,
  { namespace, pod: name, container }: ContainerName,
  describe: (container: string) => NonNullable<OpenStream["what"]>,
  departed?: Pod,
): StreamTarget {
  const pod = view.get("Pod", namespace, name) ?? departed;
  const title = `Pod/${namespace}/${name}`;
  if (pod === undefined) throw new TallshipError("not_found", `${title} does not exist`);
  const what = describe(container === undefined ? "" : chosenContainer(pod, title, container));
  const nodeName = pod.spec?.nodeName ?? "";
  if (nodeName === "")
    throw new TallshipError("failed_precondition", `${title} is not bound to a node yet${whyPending(pod)}`);
  return { nodeName, podUID: pod.metadata?.uid ?? "", what };
}

function chosenContainer(pod: Pod, title: string, wanted: string): string {
  const containers = pod.spec?.containers ?? [];
  const { initContainers = [], ephemeralContainers = [] } = pod.spec ?? {};
  const names = [...containers, ...initContainers, ...ephemeralContainers].map(({ name }) => name);
  const [only] = containers;
  if (wanted === "" && only !== undefined && containers.length === 1) return only.name;
  if (wanted === "")
    throw new TallshipError("invalid_argument", `${title} has several containers, choose one: ${names.join(", ")}`);
  if (names.includes(wanted)) return wanted;
  throw new TallshipError("not_found", `${title} has no container ${wanted}; it has ${names.join(", ")}`);
}

function whyPending(pod: Pod): string {
  const scheduled = pod.status?.conditions.find(({ type }) => type === "PodScheduled");
  return scheduled === undefined || scheduled.message === "" ? "" : `: ${scheduled.message}`;
}
