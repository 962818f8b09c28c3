import type { ProjectModel } from "../model/project.js";
import type { Located } from "../model/reader.js";
import type { ServiceModel } from "../model/service.js";
import { type ActiveService, noteField, type ProjectContext, type ServiceContext } from "./context.js";

/** The service or container that a network_mode names; undefined for the modes that name none. */
function named(model: ServiceModel): { readonly by: "service" | "container"; readonly name: string } | undefined {
  const [, by, name = ""] = /^(service|container):(.*)$/.exec(model.network_mode?.value ?? "") ?? [];
  return by === "service" || by === "container" ? { by, name } : undefined;
}

/** True for a service that uses the network of another one: it is a container of that one's pod. */
export function usesOtherNetwork(model: ServiceModel): boolean {
  return named(model) !== undefined;
}

/** Name of the service whose pod a service is in, its own unless it uses the network of another; undefined when what it names is no service of these. */
export function ownerOf(name: string, modelOf: ReadonlyMap<string, ServiceModel>): string | undefined {
  const passed = new Set<string>();
  let at = name;
  while (!passed.has(at)) {
    passed.add(at);
    const model = modelOf.get(at);
    if (model === undefined) return undefined;
    const next = named(model);
    if (next === undefined) return at;
    at = next.by === "service" ? next.name : (containerNamed(next.name, modelOf) ?? "");
  }
  return undefined;
}

function containerNamed(name: string, modelOf: ReadonlyMap<string, ServiceModel>): string | undefined {
  return [...modelOf].find(([, { container_name }]) => container_name?.value === name)?.[0];
}

/** The services of a project as ownerOf takes them. */
export function modelsOf(services: ProjectContext["services"]): ReadonlyMap<string, ServiceModel> {
  return new Map([...services].map(([name, { model }]) => [name, model]));
}

/** The same of all services that the files name, whatever their profiles. */
export function modelsIn({ services }: ProjectModel): ReadonlyMap<string, ServiceModel> {
  return new Map([...(services?.value ?? [])].map(([name, { value }]) => [name, value]));
}

/** The services that are containers of a service's pod beside its own. */
export function matesOf(context: ServiceContext): readonly ActiveService[] {
  const models = modelsOf(context.services);
  const own = context.service.name;
  return [...context.services.values()].filter(({ name }) => name !== own && ownerOf(name, models) === own);
}

/** Fields that are those of the pod, which another service decides. */
const POD_FIELDS = [
  ...(["dns", "dns_opt", "dns_search", "extra_hosts", "group_add", "hostname", "ipc", "links", "pid"] as const),
  ...(["platform", "scale", "stop_grace_period", "sysctls"] as const),
] as const;
const DEPLOY_FIELDS = ["mode", "placement", "replicas", "restart_policy", "rollback_config", "update_config"] as const;

/** Tells what is wrong with a service that is in the pod of another, and which of its fields are another one's to say. */
export function checkMate(context: ServiceContext): void {
  const { service, services, tell, path } = context;
  const { network_mode: mode, ports, networks, deploy } = service.model;
  if (mode === undefined) return;
  const owner = ownerOf(service.name, modelsOf(services));
  if (owner === undefined) {
    tellOwner(context, mode);
    return;
  }
  const taken = `${owner} decides: they share its network, and so a pod`;
  for (const [field, found] of Object.entries({ ports, networks }))
    if (found !== undefined)
      tell.problem(found.place, [...path, field], `write it for ${owner}, whose network it uses`);
  if (isTask(services.get(owner)?.model))
    tell.problem(
      mode.place,
      [...path, "network_mode"],
      `${owner} is a task: it ends, and its network with it`,
      "not_supported",
    );
  for (const field of POD_FIELDS) {
    const found = service.model[field];
    if (found !== undefined) noteField(context, field, found.place, `accepted, not enforced: ${taken}`);
  }
  const { restart } = service.model;
  if (restart !== undefined && !["always", "unless-stopped"].includes(restart.value))
    noteField(context, "restart", restart.place, `accepted, not enforced: ${taken}`);
  for (const field of DEPLOY_FIELDS) {
    const found = deploy?.value[field];
    if (found !== undefined) noteField(context, "deploy", found.place, `accepted, not enforced: ${field}: ${taken}`);
  }
}

function isTask(model: ServiceModel | undefined): boolean {
  return model?.restart?.value === "no" || model?.deploy?.value.restart_policy?.value.condition?.value === "none";
}

function tellOwner({ model, service, tell, path }: ServiceContext, mode: Located<string>): void {
  const owner = ownerOf(service.name, modelsIn(model));
  const other = named(service.model);
  const why =
    owner !== undefined
      ? `the profile of service ${owner} is off`
      : other?.by === "service"
        ? `there is no service ${other.name} with a network of its own`
        : `no service of the project has the container name ${other?.name}: only they share a network here`;
  tell.problem(mode.place, [...path, "network_mode"], why, "not_found");
}
