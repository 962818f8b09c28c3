import { START_AFTER, type StartCondition, startDependencyText } from "../../../kinds/start-after.js";
import type { Dependency } from "../model/service.js";
import { noteField, type ServiceContext } from "./context.js";
import { dnsName } from "./names.js";
import { at, type Part } from "./part.js";

const CONDITIONS: Readonly<Record<Dependency["condition"], StartCondition>> = {
  service_started: "started",
  service_healthy: "healthy",
  service_completed_successfully: "completed",
};

/** The annotation that holds the pod's containers back until what the service depends on is there. */
export function startAfterParts(context: ServiceContext): { readonly [key: string]: Part } {
  const { depends_on: dependsOn, links } = context.service.model;
  const found = new Map<string, string>();
  for (const { value, place } of links?.value ?? []) {
    const name = value.split(":")[0] ?? "";
    if (context.services.has(name))
      found.set(name, startDependencyText({ name: dnsName(name), condition: "started", isOptional: false }));
    else context.tell.problem(place, [...context.path, "links"], `there is no service ${name}`, "not_found");
  }
  for (const [name, { value, place }] of dependsOn?.value ?? []) {
    const path = [...context.path, "depends_on", name];
    const other = context.services.get(name);
    if (other === undefined) {
      const isKnown = context.model.services?.value.has(name) === true;
      if (!value.isRequired) context.tell.note(place, path, `${name} is not started: nothing is waited for`);
      else
        context.tell.problem(
          place,
          path,
          isKnown ? `the profile of service ${name} is off` : `there is no service ${name}`,
          "not_found",
        );
      continue;
    }
    if (value.condition === "service_healthy" && other.model.healthcheck === undefined)
      context.tell.note(place, path, `${name} has no health check here: it counts as healthy once it runs`);
    if (value.restarts)
      noteField(context, "depends_on", place, `restart: only tsctl compose restart ${name} restarts it too`);
    found.set(
      name,
      startDependencyText({
        name: dnsName(name),
        condition: CONDITIONS[value.condition],
        isOptional: !value.isRequired,
      }),
    );
  }
  const place = dependsOn?.place ?? links?.place;
  return found.size === 0 || place === undefined ? {} : { [START_AFTER]: at(place, [...found.values()].join(",")) };
}

/** True when some service waits for this one to end with success: it is a task, not a server. */
export function isAwaited(context: ServiceContext): boolean {
  return [...context.services.values()].some(
    ({ model }) =>
      model.depends_on?.value.get(context.service.name)?.value.condition === "service_completed_successfully",
  );
}
