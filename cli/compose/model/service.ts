import { type HostDevice, parseDevicePath } from "../../../kinds/host-devices.js";
import { deploy } from "./deploy.js";
import { type Mount, parseMount } from "./mounts.js";
import { type PublishedPort, parsePort, parseRange, protocolOf } from "./ports.js";
import {
  anything,
  byForm,
  bytes,
  decimal,
  duration,
  type Fields,
  fields,
  flag,
  type Located,
  list,
  listOrOne,
  mapOf,
  oneOf,
  pairs,
  type Reader,
  type Turned,
  text,
  turned,
  whole,
  word,
} from "./reader.js";
import { splitWords } from "./words.js";

const commandLine: Reader<readonly string[]> = byForm({
  scalar: turned<string, readonly string[]>(text, (line) => {
    const value = splitWords(line);
    return value === undefined ? { wrong: "a quote is not closed" } : { value };
  }),
  list: turned(list(word), (words) => ({ value: words.map(({ value }) => value) })),
});

/** What a service needs of another one before it starts. */
export interface Dependency {
  readonly condition: "service_started" | "service_healthy" | "service_completed_successfully";
  readonly isRequired: boolean;
  readonly restarts: boolean;
}

const STARTED: Dependency = { condition: "service_started", isRequired: true, restarts: false };

const dependency: Reader<Dependency> = turned(
  fields({
    condition: oneOf(["service_started", "service_healthy", "service_completed_successfully"]),
    required: flag,
    restart: flag,
  }),
  ({ condition, required, restart }) => ({
    value: {
      condition: condition?.value ?? "service_started",
      isRequired: required?.value ?? true,
      restarts: restart?.value ?? false,
    },
  }),
);

function namesAsMap<T>(
  absent: T,
  map: Reader<ReadonlyMap<string, Located<T>>>,
): Reader<ReadonlyMap<string, Located<T>>> {
  const names = turned(list(text), (all) => ({
    value: new Map(all.map(({ value, place }) => [value, { value: absent, place }])),
  }));
  return byForm({ list: names, map });
}

/** A limit of processes; -1 is none. */
export interface Ulimit {
  readonly soft: number;
  readonly hard: number;
}

function longUlimit({
  soft,
  hard,
}: {
  readonly soft?: Located<number> | undefined;
  readonly hard?: Located<number> | undefined;
}): Turned<Ulimit> {
  if (soft === undefined || hard === undefined) return { wrong: "want soft and hard" };
  return { value: { soft: soft.value, hard: hard.value } };
}

/** How a service is part of a network. */
export type NetworkUse = Fields<typeof NETWORK_USE>;

const NETWORK_USE = {
  aliases: list(text),
  ipv4_address: anything,
  ipv6_address: anything,
  link_local_ips: anything,
  mac_address: anything,
  driver_opts: anything,
  gw_priority: anything,
  interface_name: anything,
  priority: anything,
} as const;

const LONG_PORT = {
  name: text,
  target: whole,
  published: word,
  host_ip: text,
  protocol: text,
  app_protocol: text,
  mode: oneOf(["ingress", "host"]),
} as const;

const longPort: Reader<readonly PublishedPort[]> = turned<Fields<typeof LONG_PORT>, readonly PublishedPort[]>(
  fields(LONG_PORT),
  ({ name, target, published, host_ip, protocol, app_protocol, mode }) => {
    if (target === undefined) return { wrong: "want target: the port of the container" };
    const asked = published === undefined || published.value === "" ? [undefined] : parseRange(published.value);
    const spoken = protocolOf(protocol?.value ?? "tcp");
    if (asked === undefined) return { wrong: `want a port or a range as published, found ${published?.value}` };
    if (spoken === undefined) return { wrong: `want tcp, udp or sctp, found ${protocol?.value}` };
    const port = {
      name: name?.value ?? "",
      target: target.value,
      published: asked[0],
      protocol: spoken,
      hostIP: host_ip?.value ?? "",
      mode: mode?.value ?? "ingress",
      appProtocol: app_protocol?.value ?? "",
    };
    return { value: [port] };
  },
);

const LONG_MOUNT = {
  type: oneOf(["volume", "bind", "tmpfs", "image", "npipe", "cluster"]),
  source: text,
  target: text,
  read_only: flag,
  consistency: anything,
  bind: fields({ propagation: anything, create_host_path: anything, selinux: anything, recursive: anything }),
  volume: fields({ nocopy: flag, subpath: text, labels: anything }),
  tmpfs: fields({ size: bytes, mode: anything }),
  image: fields({ subpath: text }),
} as const;

const longMount = turned<Fields<typeof LONG_MOUNT>, Mount>(
  fields(LONG_MOUNT),
  ({ type, source, target, read_only, bind, volume, tmpfs }) => {
    if (target === undefined) return { wrong: "want target: the path in the container" };
    const others = [
      ...(bind?.value.propagation === undefined ? [] : ["propagation"]),
      ...(tmpfs?.value.mode === undefined ? [] : ["mode"]),
    ];
    return {
      value: {
        type: type?.value ?? "volume",
        source: source?.value ?? "",
        target: target.value,
        isReadOnly: read_only?.value ?? false,
        subPath: volume?.value.subpath?.value ?? "",
        isFilled:
          (type?.value ?? "volume") === "volume" &&
          volume?.value.nocopy?.value !== true &&
          volume?.value.subpath === undefined,
        sizeBytes: tmpfs?.value.size?.value,
        others,
      },
    };
  },
);

const FILE_USE = { source: text, target: text, uid: word, gid: word, mode: word } as const;

/** How a service uses a config or secret. */
export type FileUse = Fields<typeof FILE_USE>;

const fileUse: Reader<FileUse> = byForm<FileUse>({
  scalar: (node, reading) => {
    const value = text(node, reading);
    return value === undefined ? undefined : { source: { value, place: node.place } };
  },
  map: fields(FILE_USE),
});

const ENV_FILE = { path: text, required: flag, format: oneOf(["raw"]) } as const;
const envFile: Reader<Fields<typeof ENV_FILE>> = byForm<Fields<typeof ENV_FILE>>({
  scalar: (node, reading) => {
    const value = text(node, reading);
    return value === undefined ? undefined : { path: { value, place: node.place } };
  },
  map: fields(ENV_FILE),
});

const HEALTHCHECK = {
  test: byForm<readonly string[]>({
    scalar: turned(text, (line) => ({ value: ["CMD-SHELL", line] })),
    list: turned(list(word), (words) => ({ value: words.map(({ value }) => value) })),
  }),
  interval: duration,
  timeout: duration,
  retries: whole,
  start_period: duration,
  start_interval: duration,
  disable: flag,
} as const;

/** How a service's health is found out. */
export type Healthcheck = Fields<typeof HEALTHCHECK>;

const GPU = { driver: text, count: word, device_ids: list(text), capabilities: anything, options: anything } as const;

const HOOK = fields({
  command: commandLine,
  user: anything,
  privileged: anything,
  working_dir: anything,
  environment: anything,
});

/** How a service's image is built. */
export type BuildModel = Fields<typeof BUILD>;

const BUILD = {
  context: text,
  dockerfile: text,
  dockerfile_inline: text,
  args: pairs,
  labels: pairs,
  target: text,
  network: text,
  no_cache: flag,
  pull: flag,
  tags: list(text),
  additional_contexts: anything,
  cache_from: anything,
  cache_to: anything,
  entitlements: anything,
  extra_hosts: anything,
  isolation: anything,
  platforms: anything,
  privileged: anything,
  provenance: anything,
  sbom: anything,
  secrets: anything,
  shm_size: anything,
  ssh: anything,
  ulimits: anything,
} as const;

/** A text alone is the context. */
const build: Reader<BuildModel> = byForm({
  scalar: (node, reading) => {
    const context = text(node, reading);
    return context === undefined ? undefined : { context: { value: context, place: node.place } };
  },
  map: fields(BUILD),
});

const DEVICE_WANTED = { wrong: "want PATH[:PATH][:rwm], the paths absolute" } as const;

/** A device of the node, in the short form or the long one. */
const device: Reader<Omit<HostDevice, "container">> = byForm<Omit<HostDevice, "container">>({
  scalar: turned(word, (written): Turned<Omit<HostDevice, "container">> => {
    const found = parseDevicePath(written);
    return found === undefined ? DEVICE_WANTED : { value: found };
  }),
  map: turned(
    fields({ source: text, target: text, permissions: text }),
    ({ source, target, permissions }): Turned<Omit<HostDevice, "container">> => {
      const from = source?.value ?? "";
      const found = parseDevicePath(`${from}:${target?.value ?? from}:${permissions?.value ?? "rwm"}`);
      return found === undefined ? DEVICE_WANTED : { value: found };
    },
  ),
});

/** Every field of a service in the Compose Specification. */
export const SERVICE = {
  annotations: pairs,
  attach: flag,
  blkio_config: anything,
  build,
  cap_add: list(text),
  cap_drop: list(text),
  cgroup: anything,
  cgroup_parent: anything,
  command: commandLine,
  configs: list(fileUse),
  container_name: text,
  cpu_count: decimal,
  cpu_percent: anything,
  cpu_period: anything,
  cpu_quota: anything,
  cpu_rt_period: anything,
  cpu_rt_runtime: anything,
  cpu_shares: whole,
  cpus: decimal,
  cpuset: anything,
  credential_spec: anything,
  depends_on: namesAsMap(STARTED, mapOf(dependency, STARTED)),
  deploy,
  develop: anything,
  device_cgroup_rules: anything,
  devices: list(device),
  dns: listOrOne(text),
  dns_opt: listOrOne(text),
  dns_search: listOrOne(text),
  domainname: text,
  driver_opts: anything,
  entrypoint: commandLine,
  env_file: listOrOne(envFile),
  environment: pairs,
  expose: list(word),
  external_links: list(text),
  extra_hosts: pairs,
  gpus: byForm<readonly Located<Fields<typeof GPU>>[]>({
    scalar: turned(oneOf(["all"]), () => ({ value: [] })),
    list: list(fields(GPU)),
  }),
  group_add: list(word),
  healthcheck: fields(HEALTHCHECK),
  hostname: text,
  image: text,
  init: flag,
  ipc: text,
  isolation: anything,
  label_file: anything,
  labels: pairs,
  links: list(text),
  logging: fields({ driver: text, options: anything }),
  mac_address: anything,
  mem_limit: bytes,
  mem_reservation: bytes,
  mem_swappiness: anything,
  memswap_limit: anything,
  models: anything,
  network_mode: text,
  networks: namesAsMap<NetworkUse>({}, mapOf<NetworkUse>(fields(NETWORK_USE), {})),
  oom_kill_disable: anything,
  oom_score_adj: anything,
  pid: text,
  pids_limit: anything,
  platform: text,
  ports: list(byForm<readonly PublishedPort[]>({ scalar: turned(word, parsePort), map: longPort })),
  post_start: list(HOOK),
  pre_stop: list(HOOK),
  privileged: flag,
  profiles: list(text),
  provider: anything,
  pull_policy: text,
  pull_refresh_after: anything,
  read_only: flag,
  restart: text,
  runtime: anything,
  scale: whole,
  secrets: list(fileUse),
  security_opt: list(text),
  shm_size: bytes,
  stdin_open: flag,
  stop_grace_period: duration,
  stop_signal: text,
  storage_opt: anything,
  sysctls: pairs,
  tmpfs: listOrOne(text),
  tty: flag,
  ulimits: mapOf(
    byForm<Ulimit>({
      scalar: turned(whole, (both) => ({ value: { soft: both, hard: both } })),
      map: turned(fields({ soft: whole, hard: whole }), longUlimit),
    }),
  ),
  use_api_socket: anything,
  user: word,
  userns_mode: text,
  uts: anything,
  volumes: list(byForm({ scalar: turned(text, parseMount), map: longMount })),
  volumes_from: anything,
  working_dir: text,
} as const;

/** A service as the merged files say it. */
export type ServiceModel = Fields<typeof SERVICE>;
