import { isSidecar } from "../../kinds/pod-containers.js";
import { cpuMillicores, formatBytes, formatMillicores, parseQuantity, quantityBytes } from "../../lib/quantity.js";
import type { Container } from "../../proto/gen/tallship/v1/container.js";
import type { Node } from "../../proto/gen/tallship/v1/node.js";
import type { Pod } from "../../proto/gen/tallship/v1/pod.js";

/** What a pod asks for, or may use at most. */
export type Part = "requests" | "limits";

/** One row for each resource that the node has or pods ask for: requests and limits of all of them, with their share of the node. */
export function reservedRows({ status }: Node, pods: readonly Pod[]): readonly (readonly string[])[] {
  const allocatable = status?.allocatable ?? {};
  const asked = pods.flatMap(({ spec }) =>
    (spec?.containers ?? []).flatMap(({ resources }) => Object.keys(resources?.limits ?? {})),
  );
  const others = [...new Set([...Object.keys(allocatable), ...asked])]
    .filter((name) => !FIRST.includes(name) && name !== "pods")
    .sort();
  const cell = (resource: string, part: Part): string => {
    const total = pods.reduce((sum, pod) => sum + amountOf(pod, part, resource), 0);
    const whole = readAmount(resource, allocatable[resource] ?? "0");
    return `${amountText(resource, total)}${whole === 0 ? "" : ` (${Math.round((total / whole) * 100)}%)`}`;
  };
  return [...FIRST, ...others].map((resource) => [resource, cell(resource, "requests"), cell(resource, "limits")]);
}

const FIRST = ["cpu", "memory"];

/** An amount for people: thousandths of a core, bytes in binary units where they are whole, or a count. */
export function amountText(resource: string, amount: number): string {
  return resource === "cpu" ? formatMillicores(amount) : formatBytes(amount);
}

/** What a pod asks for of a resource, counted as Kubernetes does: containers and sidecars side by side, each init container by itself. */
export function amountOf({ spec }: Pod, part: Part, resource: string): number {
  const of = ({ resources }: Container): number => readAmount(resource, resources?.[part][resource] ?? "0");
  const init = spec?.initContainers ?? [];
  const sidecars = init.filter(isSidecar).reduce((sum, container) => sum + of(container), 0);
  const running = (spec?.containers ?? []).reduce((sum, container) => sum + of(container), sidecars);
  return Math.max(running, ...init.map((container) => of(container)));
}

function readAmount(resource: string, text: string): number {
  if (parseQuantity(text) === undefined) return 0;
  return resource === "cpu" ? cpuMillicores(text) : quantityBytes(text);
}
