import type { Typed } from "../../../kinds/object.js";
import { SYSTEM_PRIORITIES } from "../../../kinds/priority.js";
import type { Pod } from "../../../proto/gen/tallship/v1/pod.js";
import type { PriorityClass } from "../../../proto/gen/tallship/v1/priorityclass.js";
import type { View } from "../../cache/view.js";

/** A pod with what admission made of it, or why it cannot be. */
export type Prioritised =
  | { readonly is: "admitted"; readonly pod: Pod }
  | { readonly is: "refused"; readonly why: string };

interface Class {
  readonly name: string;
  readonly value: number;
  readonly preemptionPolicy: string;
}

/** The pod with the priority of its class, or of the default class where it names none. Only the class says a priority, as in Kubernetes. */
export function withPriority(pod: Pod, view: View, coming: readonly PriorityClass[] = []): Prioritised {
  const { spec } = pod;
  if (spec === undefined) return { is: "admitted", pod };
  const found = spec.priorityClassName === "" ? defaultClass(view) : classNamed(spec.priorityClassName, view, coming);
  if (found === undefined)
    return { is: "refused", why: `no PriorityClass with name ${spec.priorityClassName} was found` };
  if (spec.priority !== undefined && spec.priority !== found.value)
    return {
      is: "refused",
      why: `the integer value of priority (${spec.priority}) must not be provided in pod spec; priority admission computed ${found.value} from the given PriorityClass name`,
    };
  const asked = spec.preemptionPolicy;
  if (asked !== "" && found.preemptionPolicy !== "" && asked !== found.preemptionPolicy)
    return {
      is: "refused",
      why: `the string value of PreemptionPolicy (${asked}) must not be provided in pod spec; priority admission computed ${found.preemptionPolicy} from the given PriorityClass name`,
    };
  const preemptionPolicy = asked || found.preemptionPolicy || USUAL_POLICY;
  const admitted = { ...spec, priority: found.value, priorityClassName: found.name, preemptionPolicy };
  return { is: "admitted", pod: { ...pod, spec: admitted } };
}

/** A pod's new spec with the priority that it was given and does not name: what was computed at creation stays. */
export function carryPriority(wanted: Typed, live: Typed): Typed {
  if (wanted.kind !== "Pod" || live.kind !== "Pod") return wanted;
  const [spec, before] = [wanted.object.spec, live.object.spec];
  if (spec === undefined || before === undefined) return wanted;
  const carried = {
    ...spec,
    priority: spec.priority ?? before.priority,
    priorityClassName: spec.priorityClassName || before.priorityClassName,
    preemptionPolicy: spec.preemptionPolicy || before.preemptionPolicy,
  };
  return { kind: "Pod", object: { ...wanted.object, spec: carried } };
}

const USUAL_POLICY = "PreemptLowerPriority";

function classNamed(name: string, view: View, coming: readonly PriorityClass[]): Class | undefined {
  const system = SYSTEM_PRIORITIES.find((each) => each.name === name);
  if (system !== undefined) return { name, value: system.value, preemptionPolicy: USUAL_POLICY };
  const stored = view.get("PriorityClass", "", name) ?? coming.find(({ metadata }) => metadata?.name === name);
  return stored === undefined
    ? undefined
    : { name, value: stored.value, preemptionPolicy: stored.preemptionPolicy || USUAL_POLICY };
}

/** Of several default classes the lowest counts; without any the priority is 0, under no name. */
function defaultClass(view: View): Class {
  let lowest: Class | undefined;
  for (const { object } of view.list("PriorityClass")) {
    if (!object.globalDefault || (lowest !== undefined && object.value >= lowest.value)) continue;
    const name = object.metadata?.name ?? "";
    lowest = { name, value: object.value, preemptionPolicy: object.preemptionPolicy || USUAL_POLICY };
  }
  return lowest ?? { name: "", value: 0, preemptionPolicy: "" };
}
