import type { Pod } from "../proto/gen/tallship/v1/pod.js";
import { FORMATS } from "./formats.js";
import { isPodFinished } from "./pod-state.js";

/** Annotation of a pod (template): what its containers start after, such as `db=healthy,migrate=completed,cache=started`. */
export const START_AFTER = "tallship.dev/start-after";

/**
 * Annotation of a pod: those of its dependencies that are not fulfilled yet. Written by the control plane alone, only ever gets shorter, and
 * empty once the pod may start; absent until the control plane has looked.
 */
export const START_WAITS = "tallship.dev/start-waits";

/** What must be true of a dependency. */
export type StartCondition = "started" | "healthy" | "completed";

/** One thing that a pod starts after. */
export interface StartDependency {
  /** Name of a workload, pod or service of the pod's namespace. */
  readonly name: string;
  readonly condition: StartCondition;
  /** The pod starts too when the dependency does not exist or has failed. */
  readonly isOptional: boolean;
}

const CONDITIONS: Readonly<Record<string, StartCondition>> = {
  started: "started",
  healthy: "healthy",
  completed: "completed",
};

/** Reads the annotation's value; a sentence on what is wrong when it has another form. */
export function parseStartAfter(
  text: string,
):
  | { readonly is: "dependencies"; readonly all: readonly StartDependency[] }
  | { readonly is: "wrong"; readonly why: string } {
  const all: StartDependency[] = [];
  for (const entry of text.split(",").map((part) => part.trim())) {
    if (entry === "") continue;
    const isOptional = entry.endsWith("?");
    const [name = "", word = "started", ...rest] = (isOptional ? entry.slice(0, -1) : entry).split("=");
    const condition = Object.hasOwn(CONDITIONS, word) ? CONDITIONS[word] : undefined;
    if (condition === undefined || rest.length > 0 || FORMATS.dnsSubdomain(name) !== undefined)
      return { is: "wrong", why: `want name=started, healthy or completed, found ${JSON.stringify(entry)}` };
    all.push({ name, condition, isOptional });
  }
  return { is: "dependencies", all };
}

/** The dependency as the annotation writes it. */
export function startDependencyText({ name, condition, isOptional }: StartDependency): string {
  return `${name}=${condition}${isOptional ? "?" : ""}`;
}

/** The dependencies that still hold the pod's containers back. What cannot be read holds nothing back: validation refuses it. */
export function startWaits(pod: Pod): readonly StartDependency[] {
  const { annotations = {} } = pod.metadata ?? {};
  const after = annotations[START_AFTER] ?? "";
  if (after === "" || isPodFinished(pod)) return [];
  const read = parseStartAfter(annotations[START_WAITS] ?? after);
  return read.is === "dependencies" ? read.all : [];
}

/** Why the pod waits, for people; empty when it does not. */
export function startWaitText(waits: readonly StartDependency[]): string {
  const parts = waits.map(({ name, condition }) =>
    condition === "healthy" ? `${name} to be healthy` : `${name} to have ${condition}`,
  );
  return parts.length === 0 ? "" : `waiting for ${parts.join(", ")}`;
}
