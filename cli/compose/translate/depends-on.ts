import { START_AFTER, type StartCondition, startDependencyText } from "../../../kinds/start-after.js";
import { START_ORDER } from "../../../kinds/start-order.js";
import type { Located } from "../model/reader.js";
import type { Dependency } from "../model/service.js";
import { noteField, type ServiceContext } from "./context.js";
import { dnsName } from "./names.js";
import { at, type Part } from "./part.js";
import { matesOf, modelsOf, ownerOf, usesOtherNetwork } from "./shared-pod.js";

const CONDITIONS: Readonly<Record<Dependency["condition"], StartCondition>> = {
  service_started: "started",
  service_healthy: "healthy",
  service_completed_successfully: "completed",
};

/** The annotation that holds the pod's containers back until what its services depend on is there. */
export function startAfterParts(context: ServiceContext): { readonly [key: string]: Part } {
  const mates = matesOf(context).map((service) => ({ ...context, service, path: ["services", service.name] }));
  const units = [context, ...mates];
  const inPod = new Set(units.map(({ service }) => service.name));
  const found = new Map(units.flatMap((unit) => [...dependenciesOf(unit, inPod)]));
  const place = units.map(({ service: { model } }) => model.depends_on?.place ?? model.links?.place).find(isThere);
  if (place === undefined) return {};
  const order = units.flatMap((unit) => orderIn(unit, inPod));
  return {
    ...(found.size === 0 ? {} : { [START_AFTER]: at(place, [...found.values()].join(",")) }),
    ...(order.length === 0 ? {} : { [START_ORDER]: at(place, order.join(",")) }),
  };
}

/** Which containers of the pod a service's waits for: those of services that are to be healthy before. */
function orderIn({ service }: ServiceContext, inPod: ReadonlySet<string>): readonly string[] {
  const own = dnsName(service.name);
  return [...(service.model.depends_on?.value ?? [])].flatMap(([name, { value }]) =>
    inPod.has(name) && value.condition === "service_healthy" ? [`${own}=${dnsName(name)}`] : [],
  );
}

function isThere<T>(value: T | undefined): value is T {
  return value !== undefined;
}

/** What one service waits for, by the names of services; what is in its own pod is ordered there. */
function dependenciesOf(context: ServiceContext, inPod: ReadonlySet<string>): ReadonlyMap<string, string> {
  const { depends_on: dependsOn, links } = context.service.model;
  const models = modelsOf(context.services);
  const found = new Map<string, string>();
  const add = (name: string, condition: StartCondition, isOptional: boolean): void => {
    // What is in another one's pod is there when that pod is.
    const workload = dnsName(ownerOf(name, models) ?? name);
    if (!inPod.has(name)) found.set(name, startDependencyText({ name: workload, condition, isOptional }));
  };
  for (const { value, place } of links?.value ?? []) {
    const name = value.split(":")[0] ?? "";
    if (context.services.has(name)) add(name, "started", false);
    else context.tell.problem(place, [...context.path, "links"], `there is no service ${name}`, "not_found");
  }
  for (const [name, { value, place }] of dependsOn?.value ?? []) {
    const path = [...context.path, "depends_on", name];
    const other = context.services.get(name);
    if (other === undefined) {
      tellMissing(context, name, { value, place });
      continue;
    }
    if (usesOtherNetwork(other.model) && value.condition === "service_completed_successfully")
      context.tell.problem(place, path, `${name} shares a pod, which does not complete`, "not_supported");
    else if (inPod.has(name) && value.condition === "service_completed_successfully")
      context.tell.note(place, path, `accepted, not enforced: ${name} is in the same pod: they start together`);
    else if (value.condition === "service_healthy" && other.model.healthcheck === undefined)
      context.tell.note(place, path, `${name} has no health check here: it counts as healthy once it runs`);
    if (value.restarts)
      noteField(context, "depends_on", place, `restart: only tsctl compose restart ${name} restarts it too`);
    add(name, CONDITIONS[value.condition], !value.isRequired);
  }
  return found;
}

function tellMissing(context: ServiceContext, name: string, { value, place }: Located<Dependency>): void {
  const path = [...context.path, "depends_on", name];
  const isKnown = context.model.services?.value.has(name) === true;
  const why = isKnown ? `the profile of service ${name} is off` : `there is no service ${name}`;
  if (value.isRequired) context.tell.problem(place, path, why, "not_found");
  else context.tell.note(place, path, `${name} is not started: nothing is waited for`);
}

/** True when some service waits for this one to end with success: it is a task, not a server. */
export function isAwaited(context: ServiceContext): boolean {
  return [...context.services.values()].some(
    ({ model }) =>
      model.depends_on?.value.get(context.service.name)?.value.condition === "service_completed_successfully",
  );
}
