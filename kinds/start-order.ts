import type { Pod } from "../proto/gen/tallship/v1/pod.js";
import { FORMATS } from "./formats.js";

/** Annotation of a pod (template): which of its containers begins only once which other one is ready, such as `fetch=tunnel,index=tunnel`. */
export const START_ORDER = "tallship.dev/start-order";

/** The containers of the pod that must be ready before this one begins for the first time; what names none of the pod's holds nothing back. */
export function startsAfter({ metadata, spec }: Pod, container: string): readonly string[] {
  const text = metadata?.annotations[START_ORDER];
  if (text === undefined) return [];
  const names = new Set((spec?.containers ?? []).map(({ name }) => name));
  return text.split(",").flatMap((entry) => {
    const [later = "", earlier = ""] = entry.trim().split("=");
    return later === container && earlier !== container && names.has(earlier) ? [earlier] : [];
  });
}

/** What is wrong with the annotation's value; undefined when nothing is. */
export function startOrderProblem(text: string | undefined): string | undefined {
  const wrong = text?.split(",").find((entry) => {
    const [later = "", earlier = "", ...rest] = entry.trim().split("=");
    return (
      rest.length > 0 || [later, earlier].some((name) => FORMATS.dnsLabel(name) !== undefined) || later === earlier
    );
  });
  return wrong === undefined
    ? undefined
    : `want CONTAINER=CONTAINER, the later one first, found ${JSON.stringify(wrong)}`;
}
