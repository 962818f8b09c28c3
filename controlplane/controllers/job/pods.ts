import { type ImagePins, pinAnnotation } from "../../../kinds/image-pins.js";
import { metaOf } from "../../../kinds/object.js";
import { gangSize, POD_GROUP } from "../../../kinds/pod-group.js";
import { QUEUE, queueOf } from "../../../kinds/queue.js";
import type { Container, EnvVar } from "../../../proto/gen/tallship/v1/container.js";
import { EnvVar as EnvVarMessage } from "../../../proto/gen/tallship/v1/container.js";
import type { Pod } from "../../../proto/gen/tallship/v1/pod.js";
import type { Cached, View } from "../../cache/view.js";
import type { ReconcileContext } from "../controller.js";
import { ordinalName } from "../ordinal-name.js";
import { podsOfTemplate } from "../pod-of-template.js";
import { childMeta } from "../writes.js";
import type { Tally } from "./tally.js";
import { INDEX, TRACKING } from "./tracking.js";

const INDEX_ENV = "JOB_COMPLETION_INDEX";
const FAILURES = "batch.kubernetes.io/job-index-failure-count";
const IGNORED = "batch.kubernetes.io/job-index-ignored-failure-count";

/** Longest base of a pod's name: with '-' and five characters it is also a host name. */
const maxBaseLength = 57;

/** Pods that a job creates, and the next ordinal once they are. */
export interface NewPods {
  readonly pods: readonly Pod[];
  readonly nextOrdinal: number;
}

/** What a new pod depends on beside the job itself. */
export interface PodGround {
  readonly tally: Tally;
  /** What the job's first pod ran. */
  readonly images: ImagePins;
}

/** The pods of these indexes, or plain ones. Names are derived from ordinals: a pod is never created twice, and a name never used again. */
export function newPods(
  job: Cached<"Job">,
  indexes: readonly (number | undefined)[],
  known: PodGround,
  view: View,
  context: ReconcileContext,
): NewPods {
  const { name, namespace, uid } = metaOf(job.object);
  const podOf = podsOfTemplate(job.object.spec?.template);
  let nextOrdinal = job.object.status?.nextOrdinal ?? 0;
  const pods = indexes.map((index) => {
    const base = index === undefined ? name : `${name.slice(0, maxBaseLength - `-${index}`.length)}-${index}`;
    let podName = ordinalName(base, uid, nextOrdinal);
    // Somebody else's: the ordinal is spent all the same.
    for (; view.get("Pod", namespace, podName) !== undefined; nextOrdinal += 1)
      podName = ordinalName(base, uid, nextOrdinal + 1);
    nextOrdinal += 1;
    const pod = podOf(podMeta(job, podName, index, known, context));
    return index === undefined ? pod : indexed(pod, `${name}-${index}`);
  });
  return { pods, nextOrdinal };
}

function podMeta(
  job: Cached<"Job">,
  podName: string,
  index: number | undefined,
  { tally, images }: PodGround,
  context: ReconcileContext,
) {
  const { labels: own, annotations: asked = {}, finalizers = [] } = job.object.spec?.template?.metadata ?? {};
  const annotations = { ...asked, ...pinAnnotation(images) };
  const { name, labels: jobLabels } = metaOf(job.object);
  const queue = queueOf(jobLabels);
  const labels = {
    ...(queue === "" ? {} : { [QUEUE]: queue }),
    ...own,
    ...(gangSize(job.object) === undefined ? {} : { [POD_GROUP]: name }),
  };
  const tracked = { finalizers: [...finalizers, TRACKING] };
  if (index === undefined) return childMeta(job, podName, { labels, annotations, ...tracked }, context);
  const { failed = 0, ignored = 0 } = tally.indexFailures.get(index) ?? {};
  const counts: Record<string, string> =
    job.object.spec?.backoffLimitPerIndex === undefined ? {} : { [FAILURES]: `${failed}` };
  if (ignored > 0) counts[IGNORED] = `${ignored}`;
  const indexedMeta = {
    labels: { ...labels, [INDEX]: `${index}` },
    annotations: { ...annotations, ...counts, [INDEX]: `${index}` },
  };
  return childMeta(job, podName, { ...indexedMeta, ...tracked }, context);
}

/** A pod that knows its index: by its environment and its host name. */
function indexed(pod: Pod, hostname: string): Pod {
  if (pod.spec === undefined) return pod;
  const { containers, initContainers } = pod.spec;
  return {
    ...pod,
    spec: {
      ...pod.spec,
      hostname,
      containers: containers.map(withIndex),
      initContainers: initContainers.map(withIndex),
    },
  };
}

const indexVariable: EnvVar = EnvVarMessage.fromPartial({
  name: INDEX_ENV,
  valueFrom: { fieldRef: { apiVersion: "v1", fieldPath: `metadata.labels['${INDEX}']` } },
});

/** What the user wrote himself stands. */
function withIndex(container: Container): Container {
  if (container.env.some(({ name }) => name === INDEX_ENV)) return container;
  return { ...container, env: [...container.env, indexVariable] };
}
