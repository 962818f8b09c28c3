import type { ServiceTarget } from "../../net/proxy/service-targets.js";
import type { TracedEndpoint } from "../../proto/gen/tallship/v1/explain.js";
import type { TraceGround } from "./trace-ground.js";

/** What there is to know of a front's connections beside where they go. */
export function notesOf(target: ServiceTarget, endpoints: readonly TracedEndpoint[], ground: TraceGround): string[] {
  return [...affinityNote(target), ...rangesNote(target), ...otherPortsNote(target, endpoints, ground)];
}

function affinityNote({ affinitySeconds }: ServiceTarget): readonly string[] {
  if (affinitySeconds === 0) return [];
  return [
    `a client keeps its endpoint until ${affinitySeconds} s after its last connection (sessionAffinity ClientIP)`,
  ];
}

function rangesNote({ kind, ranges }: ServiceTarget): readonly string[] {
  if (kind !== "balancer" || ranges === undefined) return [];
  const whom = ranges.length === 0 ? "nobody: its ranges are of the other family" : ranges.join(", ");
  return [`of clients from outside it lets in ${whom} (loadBalancerSourceRanges)`];
}

/** Pods need not say on which ports they listen. Those that do, and say none that they are asked at, as a rule refuse it. */
function otherPortsNote(
  { protocol }: ServiceTarget,
  endpoints: readonly TracedEndpoint[],
  { podNamed }: TraceGround,
): readonly string[] {
  const led = endpoints.filter(({ refusal }) => refusal === "");
  const named = new Set<number>();
  for (const { pod, port } of led) {
    const ports = (podNamed(pod)?.spec?.containers ?? []).flatMap((container) => container.ports);
    const own = ports.filter((each) => (each.protocol || "TCP").toLowerCase() === protocol);
    if (own.length === 0 || own.some(({ containerPort }) => containerPort === port)) return [];
    for (const { containerPort } of own) named.add(containerPort);
  }
  if (led.length === 0) return [];
  return [`no container names the port that its pods are asked at; they name ${[...named].join(", ")}`];
}
