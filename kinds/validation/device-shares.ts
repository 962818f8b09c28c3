import { parseQuantity } from "../../lib/quantity.js";
import type { ObjectMeta } from "../../proto/gen/tallship/v1/meta.js";
import type { PodSpec } from "../../proto/gen/tallship/v1/pod.js";
import { deviceAnnotationProblems, isDeviceShare, shareProblem } from "../gpu-share.js";
import type { Findings, Path } from "./findings.js";

/** Shares of a device: amounts that one device can have, and not beside whole ones, since a pod's devices are all whole or one that is shared. */
export function checkDeviceShares(spec: PodSpec, path: Path, findings: Findings): void {
  const asked = (["initContainers", "containers"] as const).flatMap((list) =>
    spec[list].flatMap(({ resources }, index) =>
      Object.entries(resources?.limits ?? {})
        .filter(([, quantity]) => (parseQuantity(quantity) ?? 0) > 0)
        .map(([resource, quantity]) => ({
          path: [...path, list, index, "resources", "limits", resource],
          resource,
          quantity,
        })),
    ),
  );
  const whole = asked.find(({ resource }) => resource.endsWith("/gpu"));
  for (const { path: here, resource, quantity } of asked) {
    const wrong = shareProblem(resource, quantity);
    if (wrong !== undefined) findings.add("invalid", here, wrong);
    if (isDeviceShare(resource) && whole !== undefined)
      findings.add(
        "forbidden",
        here,
        `not beside ${whole.resource}: a pod's devices are whole ones, or one that it shares`,
      );
  }
}

/** The annotations of a pod (template) about devices. */
export function checkDeviceAnnotations(meta: ObjectMeta | undefined, path: Path, findings: Findings): void {
  for (const { name, why } of deviceAnnotationProblems(meta?.annotations))
    findings.add("invalid", [...path, "annotations", name], `${why}, found ${JSON.stringify(meta?.annotations[name])}`);
}
