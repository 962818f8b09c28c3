import { noteBuild } from "./build.js";
import type { ActiveService, ProjectContext, ServiceContext } from "./context.js";
import { accessObjects, isolationObjects } from "./isolation.js";
import { isJoined, networkObjects, unhonouredRanges } from "./joined.js";
import { dnsName, PROJECT_LABEL } from "./names.js";
import { aliasObjects, serviceObjects } from "./network.js";
import { at, type Placed } from "./part.js";
import { checkMate, usesOtherNetwork } from "./shared-pod.js";
import { noteUnhonoured } from "./unhonoured.js";
import { workloadObject } from "./workload.js";

/** Everything a translation works on but the services, which it chooses itself. */
export type ProjectInput = Omit<ProjectContext, "services" | "shared"> & {
  /** Profiles that are on. */
  readonly profiles: ReadonlySet<string>;
  /** Services named by the user: on whatever their profiles. */
  readonly named: readonly string[];
  /** The namespace that the project gets for its own; undefined when the user named one. */
  readonly ownNamespace: string | undefined;
};

/** The project as Kubernetes objects: its namespace, its networks, what services share, then each service's names and workload. */
export function translateProject(input: ProjectInput): readonly Placed[] {
  const services = activeServices(input);
  const context: ProjectContext = { ...input, services, shared: new Map() };
  noteProject(context);
  const made = [...services.values()].flatMap((service) => {
    const each: ServiceContext = { ...context, service, path: ["services", service.name] };
    return serviceParts(each);
  });
  const aliases = aliasObjects(context);
  // Networks and policies stand before the pods, which are never open to others.
  const networks = [...networkObjects(context), ...isolationObjects(context)];
  return [...namespaceObject(input), ...networks, ...context.shared.values(), ...made, ...aliases];
}

function namespaceObject({ ownNamespace, name, model, tell: _ }: ProjectInput): readonly Placed[] {
  const place = model.name?.place ?? model.services?.place;
  if (ownNamespace === undefined || place === undefined) return [];
  return [
    at(place, {
      apiVersion: "v1",
      kind: "Namespace",
      metadata: { name: ownNamespace, labels: { [PROJECT_LABEL]: name } },
    }),
  ];
}

function activeServices({ model, profiles, named }: ProjectInput): ReadonlyMap<string, ActiveService> {
  const all = model.services?.value ?? new Map();
  const isOn = (name: string, service: ActiveService["model"]): boolean => {
    const own = service.profiles?.value ?? [];
    return (
      own.length === 0 || named.includes(name) || own.some(({ value }) => profiles.has(value) || profiles.has("*"))
    );
  };
  return new Map(
    [...all].flatMap(([name, { value, place }]) =>
      isOn(name, value) ? [[name, { name, model: value, place }] as const] : [],
    ),
  );
}

function serviceParts(context: ServiceContext): readonly Placed[] {
  const { model, place, name } = context.service;
  const others = [...context.services.keys()].filter((other) => other !== name && dnsName(other) === dnsName(name));
  if (others.length > 0)
    context.tell.problem(
      place,
      context.path,
      `${[name, ...others].join(" and ")} are one name in DNS: ${dnsName(name)}`,
    );
  if (model.image === undefined && model.build === undefined) context.tell.problem(place, context.path, "want image");
  noteBuild(context);
  noteUnhonoured(context);
  if (usesOtherNetwork(model)) {
    checkMate(context);
    return [];
  }
  return [...serviceObjects(context), ...accessObjects(context), workloadObject(context)];
}

function noteProject({ model, tell, services }: ProjectContext): void {
  const note = (
    found: { readonly place: Placed["place"] } | undefined,
    path: readonly string[],
    message: string,
  ): void => {
    if (found !== undefined) tell.note(found.place, path, message);
  };
  note(model.version, ["version"], "the attribute is obsolete and ignored");
  note(model.models, ["models"], "accepted, not enforced: models are not run here");
  if (services.size === 0 && model.services !== undefined)
    tell.note(model.services.place, ["services"], "no service is on: choose a profile");
  noteNetworks({ model }, note);
}

function noteNetworks(
  { model }: Pick<ProjectContext, "model">,
  note: (found: { readonly place: Placed["place"] } | undefined, path: readonly string[], message: string) => void,
): void {
  for (const [name, { value }] of model.networks?.value ?? []) {
    const isOwn = isJoined({ model }, name);
    const unhonoured = isOwn ? ([] as const) : (["driver_opts", "ipam"] as const);
    for (const field of [...unhonoured, "enable_ipv4", "attachable"] as const)
      note(value[field], ["networks", name, field], "accepted, not enforced: addresses are the cluster's");
    for (const { field, place, why } of isOwn ? unhonouredRanges(value) : [])
      note({ place }, ["networks", name, field], `accepted, not enforced: ${why}`);
    if (value.driver !== undefined && !["bridge", "overlay"].includes(value.driver.value))
      note(value.driver, ["networks", name, "driver"], "accepted, not enforced: there is one network");
    note(value.external, ["networks", name, "external"], "services of other projects are reached as SERVICE.PROJECT");
  }
}
