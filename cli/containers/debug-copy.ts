import { DEVICES } from "../../kinds/devices.js";
import { type JsonObject, messageToJson } from "../../kinds/encode.js";
import { metaOf } from "../../kinds/object.js";
import { TallshipError } from "../../lib/errors.js";
import type { Pod } from "../../proto/gen/tallship/v1/pod.js";
import { mapsIn } from "../change/pod-template.js";
import { usageError } from "../verb.js";

/** What is to be different in a copy of a pod. */
export interface CopyOrder {
  readonly name: string;
  /** The container that looks: one of the pod's with another image or command, or a further one. */
  readonly container: JsonObject & { readonly name: string };
  readonly sharesProcesses: boolean;
  /** On the node of the pod, instead of any. */
  readonly isSameNode: boolean;
  /** NAME=IMAGE each; * is every container. */
  readonly images: readonly string[];
}

/** A copy of a pod to look at in its stead, as kubectl makes it: without its labels, so that no service leads there, and without probes, so that nothing ends it. */
export function copyOfPod(pod: Pod, order: CopyOrder): JsonObject {
  const { nodeName, ephemeralContainers: _, ...kept } = messageToJson("PodSpec", pod.spec ?? {});
  const { [DEVICES]: _devices, ...annotations } = metaOf(pod).annotations;
  const own = mapsIn(kept["containers"]).map(withoutProbes);
  const isKnown = own.some(({ name }) => name === order.container.name);
  if (!isKnown && order.container["image"] === undefined)
    throw usageError("say with what: --image=IMAGE, or name a container of the pod with -c");
  const containers = isKnown
    ? own.map((each) => (each["name"] === order.container.name ? { ...each, ...order.container } : each))
    : [...own, order.container];
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: order.name, annotations },
    spec: {
      ...kept,
      ...(order.isSameNode && nodeName !== undefined ? { nodeName } : {}),
      ...(order.sharesProcesses ? { shareProcessNamespace: true } : {}),
      containers: withImages(containers, order.images),
    },
  };
}

function withoutProbes(container: JsonObject): JsonObject {
  const { livenessProbe: _live, readinessProbe: _ready, startupProbe: _start, ...kept } = container;
  return kept;
}

function withImages(containers: readonly JsonObject[], pairs: readonly string[]): JsonObject[] {
  const images = new Map(pairs.map(readPair));
  const names = new Set(containers.map(({ name }) => name));
  for (const name of images.keys())
    if (name !== "*" && !names.has(name))
      throw new TallshipError("not_found", `--set-image: the pod has no container "${name}"`);
  return containers.map((container) => {
    const image = images.get(String(container["name"])) ?? images.get("*");
    return image === undefined ? container : { ...container, image };
  });
}

function readPair(text: string): readonly [string, string] {
  const [, name, image] = /^([^=]+)=(.+)$/.exec(text) ?? [];
  if (name === undefined || image === undefined) throw usageError(`--set-image is NAME=IMAGE, not "${text}"`);
  return [name, image];
}
