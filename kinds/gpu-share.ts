import { parseQuantity } from "../lib/quantity.js";

/** Resource: memory of one device, such as 10Gi, that a pod shares with others. All of a pod's containers share the same device. */
export const GPU_MEMORY = "tallship.dev/gpu-memory";

/** Resource: thousandths of one device, 1 to 1000. Of its memory as many thousandths go with them, unless the pod says how much. */
export const GPU_MILLI = "tallship.dev/gpu-milli";

/** Annotation of a pod (template): models of devices that would do, such as `A100-SXM4-40GB|H100`. Absent: any. */
export const GPU_MODEL = "tallship.dev/gpu-model";

/** Annotation of a pod (template): `single` gives it devices of one NUMA node or none. Absent: of one where that costs nothing. */
export const NUMA = "tallship.dev/numa";

/** Thousandths of a whole device. */
export const WHOLE_DEVICE = 1_000;

/** True for the two resources that are shares of a device. */
export function isDeviceShare(resource: string): boolean {
  return resource === GPU_MEMORY || resource === GPU_MILLI;
}

/** What is wrong with an amount of a share; undefined when nothing is, or when it is none. */
export function shareProblem(resource: string, quantity: string): string | undefined {
  const amount = parseQuantity(quantity);
  if (!isDeviceShare(resource) || amount === undefined) return undefined;
  if (!Number.isInteger(amount) || amount < 0) return `want a whole number, found ${quantity}`;
  if (resource === GPU_MILLI && amount > WHOLE_DEVICE)
    return `want at most ${WHOLE_DEVICE}, which is one device, found ${quantity}; more are asked for whole, as nvidia.com/gpu: 2`;
  return undefined;
}

/** The models that an annotation names; empty: any. */
export function modelsOf(annotations: Readonly<Record<string, string>> | undefined): readonly string[] {
  return (annotations?.[GPU_MODEL] ?? "")
    .split("|")
    .map((model) => model.trim())
    .filter((model) => model !== "");
}

/** True when the devices must be of one NUMA node. */
export function isSingleNuma(annotations: Readonly<Record<string, string>> | undefined): boolean {
  return annotations?.[NUMA] === "single";
}

/** What is wrong with the annotations about devices, by name of the annotation. */
export function deviceAnnotationProblems(
  annotations: Readonly<Record<string, string>> | undefined,
): readonly { readonly name: string; readonly why: string }[] {
  const numa = annotations?.[NUMA];
  const wrong = numa !== undefined && numa !== "single" ? [{ name: NUMA, why: "want single" }] : [];
  const isEmpty = annotations?.[GPU_MODEL] !== undefined && modelsOf(annotations).length === 0;
  return isEmpty ? [...wrong, { name: GPU_MODEL, why: "want models such as A100|H100" }] : wrong;
}
