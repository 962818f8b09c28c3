import { ULIMITS, ulimitName } from "../../../kinds/ulimits.js";
import type { ServiceContext } from "./context.js";
import { dnsName } from "./names.js";
import { at, type Placed } from "./part.js";

/** The annotation that has the kernel limit the container's processes as the service says. */
export function ulimitParts(context: ServiceContext): Readonly<Record<string, Placed>> {
  const { name: service, model } = context.service;
  const { ulimits } = model;
  if (ulimits === undefined) return {};
  const words = [...ulimits.value].flatMap(([name, { value, place }]) => {
    if (ulimitName(name) !== undefined) return [`${dnsName(service)}.${name}=${value.soft}:${value.hard}`];
    context.tell.problem(place, [...context.path, "ulimits"], `the kernel has no limit ${name}`);
    return [];
  });
  return { [ULIMITS]: at(ulimits.place, words.join(",")) };
}
