import type { Pins } from "../../../kinds/config-copies.js";
import { type ImagePins, pinAnnotation } from "../../../kinds/image-pins.js";
import { metaOf } from "../../../kinds/object.js";
import { heldBy } from "../../../kinds/power.js";
import type { Affinity, Toleration } from "../../../proto/gen/tallship/v1/placement.js";
import { Affinity as AffinityMessage } from "../../../proto/gen/tallship/v1/placement.js";
import { type Pod, PodSpec, type PodTemplateSpec } from "../../../proto/gen/tallship/v1/pod.js";
import { nodeNamed } from "../../../scheduler/pinned-node.js";
import type { Cached, View } from "../../cache/view.js";
import { pinnedTemplate } from "../config/pinned-template.js";
import type { ReconcileContext } from "../controller.js";
import { ordinalName } from "../ordinal-name.js";
import { podsOfTemplate } from "../pod-of-template.js";
import { REVISION_LABEL } from "../template-revisions.js";
import { childMeta } from "../writes.js";

// What Kubernetes lets a daemon's pod stay under, or come under: a node in trouble is where it is needed.
const ALWAYS = [
  exists("node.kubernetes.io/not-ready", "NoExecute"),
  exists("node.kubernetes.io/unreachable", "NoExecute"),
  exists("node.kubernetes.io/disk-pressure", "NoSchedule"),
  exists("node.kubernetes.io/memory-pressure", "NoSchedule"),
  exists("node.kubernetes.io/pid-pressure", "NoSchedule"),
  exists("node.kubernetes.io/unschedulable", "NoSchedule"),
];
const ON_HOST_NETWORK = exists("node.kubernetes.io/network-unavailable", "NoSchedule");

/** The taints that the pods of a template stay under: its own tolerations, and those that every daemon has. */
export function daemonTolerations(spec: PodSpec | undefined): readonly Toleration[] {
  const { tolerations = [], hostNetwork = false } = spec ?? {};
  const added = hostNetwork ? [...ALWAYS, ON_HOST_NETWORK] : ALWAYS;
  const isOwn = ({ key, effect }: Toleration): boolean =>
    tolerations.some((own) => own.key === key && own.effect === effect && own.operator === "Exists");
  return [...tolerations, ...added.filter((each) => !isOwn(each))];
}

/** Pods that a daemon set creates, and the next ordinal once they are. */
export interface NewDaemons {
  readonly pods: readonly Pod[];
  readonly nextOrdinal: number;
}

/** One pod per node named, which the scheduler can bind to that node alone. Names are derived from ordinals: none is used twice. */
export function newDaemons(
  set: Cached<"DaemonSet">,
  nodes: readonly string[],
  { name: revision, pins, images }: { readonly name: string; readonly pins: Pins; readonly images: ImagePins },
  view: View,
  context: ReconcileContext,
): NewDaemons {
  const { name, namespace, uid } = metaOf(set.object);
  const { labels = {}, annotations = {}, finalizers = [] } = set.object.spec?.template?.metadata ?? {};
  const podOf = podsOfTemplate(daemonTemplate(pinnedTemplate(set.object.spec?.template, pins)));
  let nextOrdinal = set.object.status?.nextOrdinal ?? 0;
  const pods = nodes.map((nodeName) => {
    let podName = ordinalName(name, uid, nextOrdinal);
    // Somebody else's: the ordinal is spent all the same.
    for (; view.get("Pod", namespace, podName) !== undefined; nextOrdinal += 1)
      podName = ordinalName(name, uid, nextOrdinal + 1);
    nextOrdinal += 1;
    const own = { labels: { ...labels, [REVISION_LABEL]: revision }, finalizers };
    const meta = { ...own, annotations: { ...annotations, ...pinAnnotation(images), ...heldBy(set.object) } };
    return pinned(podOf(childMeta(set, podName, meta, context)), nodeName);
  });
  return { pods, nextOrdinal };
}

function daemonTemplate(template: PodTemplateSpec | undefined): PodTemplateSpec | undefined {
  const spec = template?.spec ?? PodSpec.fromPartial({});
  return template && { ...template, spec: { ...spec, tolerations: [...daemonTolerations(spec)] } };
}

function pinned(pod: Pod, nodeName: string): Pod {
  if (pod.spec === undefined) return pod;
  const before = pod.spec.affinity ?? AffinityMessage.fromPartial({});
  const nodeAffinity = {
    preferredDuringSchedulingIgnoredDuringExecution: [],
    ...before.nodeAffinity,
    requiredDuringSchedulingIgnoredDuringExecution: nodeNamed(nodeName),
  };
  const affinity: Affinity = { ...before, nodeAffinity };
  return { ...pod, spec: { ...pod.spec, affinity } };
}

function exists(key: string, effect: string): Toleration {
  return { key, operator: "Exists", value: "", effect, tolerationSeconds: undefined };
}
