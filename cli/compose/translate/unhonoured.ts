import type { ServiceModel } from "../model/service.js";
import { noteField, type ServiceContext } from "./context.js";

/** Fields that are read and have no effect, with what happens instead. */
const UNHONOURED: { readonly [K in keyof ServiceModel]?: string } = {
  blkio_config: "block devices are shared without weights",
  cgroup: "containers have control groups of their own",
  cgroup_parent: "containers have control groups of their own",
  cpu_percent: "use cpus",
  cpu_period: "use cpus",
  cpu_quota: "use cpus",
  cpu_rt_period: "there are no real-time groups",
  cpu_rt_runtime: "there are no real-time groups",
  cpuset: "containers use any core",
  credential_spec: "there are no Windows nodes",
  develop: "files are not watched: build an image and apply again",
  device_cgroup_rules: "only what devices names can be used; or use privileged",
  domainname: "the domain is that of the cluster",
  driver_opts: "has no effect",
  isolation: "there are no Windows nodes",
  label_file: "use labels",
  mac_address: "addresses are the cluster's",
  mem_swappiness: "containers do not swap",
  memswap_limit: "containers do not swap",
  models: "models are not run here",
  oom_kill_disable: "the kernel may kill what is over its limit",
  oom_score_adj: "is set by what the container reserves",
  provider: "providers are not run here",
  pull_refresh_after: "images are pulled as pull_policy says",
  runtime: "there is one runtime per node",
  storage_opt: "the file system of a container has no size",
  use_api_socket: "there is no docker socket",
  uts: "containers have a host name of their own",
  volumes_from: "name the volume in both services",
};

/** Names everything in the service that has no effect. */
export function noteUnhonoured(context: ServiceContext): void {
  const { model } = context.service;
  for (const [field, why] of Object.entries(UNHONOURED)) {
    const found = fieldOf(model, field);
    if (found !== undefined) noteField(context, field, found.place, `accepted, not enforced: ${why}`);
  }
  if (model.init?.value === true)
    noteField(context, "init", model.init.place, "accepted, not enforced: the command itself is process 1");
  const { logging } = model;
  if (logging !== undefined && !["json-file", "local"].includes(logging.value.driver?.value ?? "json-file"))
    noteField(
      context,
      "logging",
      logging.place,
      "accepted, not enforced: logs are kept on the node, where tsctl reads them",
    );
  if (model.userns_mode !== undefined && model.userns_mode.value !== "host")
    noteField(
      context,
      "userns_mode",
      model.userns_mode.place,
      "accepted, not enforced: containers share the node's user ids",
    );
  for (const link of model.external_links?.value ?? [])
    noteField(
      context,
      "external_links",
      link.place,
      "accepted, not enforced: use the full name SERVICE.NAMESPACE of a service elsewhere",
    );
  noteNetworks(context);
}

function fieldOf(model: ServiceModel, field: string): ServiceModel[keyof ServiceModel] {
  return Object.entries(model).find(([name]) => name === field)?.[1];
}

function noteNetworks(context: ServiceContext): void {
  for (const [name, { value }] of context.service.model.networks?.value ?? []) {
    const declared = context.model.networks?.value.get(name);
    const place = context.service.model.networks?.value.get(name)?.place ?? context.service.place;
    if (name !== "default" && declared === undefined)
      context.tell.problem(
        place,
        [...context.path, "networks"],
        `network ${name} is not declared under networks`,
        "not_found",
      );
    for (const [field, setting] of Object.entries(value))
      if (field !== "aliases" && setting !== undefined)
        noteField(context, "networks", setting.place, `accepted, not enforced: ${field}: addresses are the cluster's`);
  }
}
