import { RUN_AS } from "../../../kinds/run-as.js";
import type { Located } from "../model/reader.js";
import { noteField, type ServiceContext } from "./context.js";
import { dnsName } from "./names.js";
import { at, from, type Part, type Placed } from "./part.js";

/** Rights of the container. */
export function securityParts(context: ServiceContext): Part {
  const { model } = context.service;
  const { cap_add, cap_drop, privileged, read_only, user } = model;
  const capability = ({ value, place }: Located<string>): Part => at(place, value.replace(/^CAP_/i, "").toUpperCase());
  const capabilities =
    cap_add === undefined && cap_drop === undefined
      ? undefined
      : { add: cap_add?.value.map(capability), drop: cap_drop?.value.map(capability) };
  const parts = {
    capabilities,
    privileged: from(privileged, (is) => is),
    readOnlyRootFilesystem: from(read_only, (is) => is),
    ...owner(user),
    ...options(context),
  };
  return Object.values(parts).some((part) => part !== undefined) ? parts : undefined;
}

function owner(user: Located<string> | undefined): { readonly [key: string]: Part } {
  const ids = user === undefined ? undefined : numbersOf(user.value);
  if (user === undefined || ids === undefined) return {};
  return {
    runAsUser: at(user.place, ids[0]),
    runAsGroup: ids[1] === undefined ? undefined : at(user.place, ids[1]),
  };
}

function options(context: ServiceContext): { readonly [key: string]: Part } {
  const found: Record<string, Part> = {};
  for (const { value, place } of context.service.model.security_opt?.value ?? []) {
    const [name = "", ...rest] = value.split(/[:=]/);
    const setting = rest.join(":");
    const isPrivileged = context.service.model.privileged?.value === true;
    if (name === "no-new-privileges" && isPrivileged)
      noteField(context, "security_opt", place, "accepted, not enforced: a privileged container may gain rights");
    else if (name === "no-new-privileges") found["allowPrivilegeEscalation"] = at(place, setting === "false");
    else if (name === "seccomp" && setting === "unconfined")
      found["seccompProfile"] = at(place, { type: "Unconfined" });
    else noteField(context, "security_opt", place, `${value} has no effect`);
  }
  return found;
}

/** User and group as numbers; undefined when one is a name. */
function numbersOf(text: string): readonly [user: number, group: number | undefined] | undefined {
  const [user = "", group] = text.split(":").map((word) => (word === "root" ? "0" : word));
  if (![user, group ?? "0"].every((id) => /^\d+$/.test(id))) return undefined;
  return [Number(user), group === undefined ? undefined : Number(group)];
}

/**
 * The annotation that has the container run as a user of its image. A bind that became a volume belongs to root: what writes to one starts as the image's user, which
 * usually gives itself the volume. Volumes belong to the owner that their place has in the image, as docker has it.
 */
export function runAsParts(context: ServiceContext, isRoots: boolean): Readonly<Record<string, Placed>> {
  const { user } = context.service.model;
  if (user === undefined || numbersOf(user.value) !== undefined) return {};
  if (!isRoots) return { [RUN_AS]: at(user.place, `${dnsName(context.service.name)}=${user.value}`) };
  noteField(
    context,
    "user",
    user.place,
    `its volumes belong to root: it starts as the image's user, not as ${user.value}; a number is taken at its word`,
  );
  return {};
}

/** Rights and kernel settings of the pod. */
export function podSecurityParts(context: ServiceContext): Part {
  const { group_add, sysctls } = context.service.model;
  const groups = (group_add?.value ?? []).filter(({ value, place }) => {
    if (/^\d+$/.test(value)) return true;
    noteField(context, "group_add", place, `only numbers can be given here, not ${value}`);
    return false;
  });
  const settings = [...(sysctls?.value ?? [])].map(([name, { value = "", place }]) => at(place, { name, value }));
  if (groups.length === 0 && settings.length === 0) return undefined;
  return {
    supplementalGroups: groups.length === 0 ? undefined : groups.map(({ value, place }) => at(place, Number(value))),
    sysctls: settings.length === 0 ? undefined : settings,
  };
}
