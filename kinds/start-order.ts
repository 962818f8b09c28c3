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
  const entries = text?.split(",") ?? [];
  const wrong = entries.find((entry) => {
    const [later = "", earlier = "", ...rest] = entry.trim().split("=");
    return rest.length > 0 || [later, earlier].some((name) => FORMATS.dnsLabel(name) !== undefined);
  });
  if (wrong !== undefined) return `want CONTAINER=CONTAINER, the later one first, found ${JSON.stringify(wrong)}`;
  const circle = waitingForItself(entries.map((entry) => entry.trim().split("=")));
  return circle === undefined ? undefined : `${circle} would wait for itself, and never start`;
}

/** A container that is ordered behind itself, by way of others or not. Each order is followed once: a user's annotations hold tens of thousands of them. */
function waitingForItself(pairs: readonly (readonly string[])[]): string | undefined {
  const earlierOf = new Map<string, string[]>();
  for (const [later = "", earlier = ""] of pairs) {
    const known = earlierOf.get(later);
    if (known === undefined) earlierOf.set(later, [earlier]);
    else known.push(earlier);
  }
  for (const name of earlierOf.keys()) {
    const chain = [name];
    const onChain = new Set(chain);
    for (let last: string | undefined = name; last !== undefined; last = chain.at(-1)) {
      const next = earlierOf.get(last)?.pop();
      if (next === undefined) onChain.delete(chain.pop() ?? "");
      else if (onChain.has(next)) return next;
      else {
        onChain.add(next);
        chain.push(next);
      }
    }
  }
  return undefined;
}
