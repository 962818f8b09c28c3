import {
  anything,
  byForm,
  type Fields,
  fields,
  flag,
  list,
  mapOf,
  pairs,
  type Reader,
  text,
  turned,
  word,
} from "./reader.js";
import { SERVICE, type ServiceModel } from "./service.js";

/** What somebody else made; the older form names it. */
const external: Reader<{ readonly name: string | undefined }> = byForm<{ readonly name: string | undefined }>({
  scalar: (node, reading) => (flag(node, reading) === true ? { name: undefined } : undefined),
  map: turned(fields({ name: text }), ({ name }) => ({ value: { name: name?.value } })),
});

const RANGE = { subnet: text, gateway: anything, ip_range: anything, aux_addresses: anything } as const;

const NETWORK = {
  attachable: anything,
  driver: text,
  driver_opts: mapOf(word, ""),
  enable_ipv4: anything,
  enable_ipv6: flag,
  external,
  internal: flag,
  ipam: fields({ driver: anything, config: list(fields(RANGE)), options: anything }),
  labels: pairs,
  name: text,
} as const;

const VOLUME = { driver: text, driver_opts: mapOf(word), external, labels: pairs, name: text } as const;

const FILE = {
  file: text,
  environment: text,
  content: text,
  external,
  name: text,
  labels: pairs,
  driver: anything,
  driver_opts: anything,
  template_driver: anything,
} as const;

/** A config or secret of the project. */
export type FileModel = Fields<typeof FILE>;
/** A named volume. */
export type VolumeModel = Fields<typeof VOLUME>;
/** A network. */
export type NetworkModel = Fields<typeof NETWORK>;

const service: Reader<ServiceModel> = fields(SERVICE);

const PROJECT = {
  version: word,
  name: text,
  services: mapOf(service),
  networks: mapOf<NetworkModel>(fields(NETWORK), {}),
  volumes: mapOf<VolumeModel>(fields(VOLUME), {}),
  configs: mapOf<FileModel>(fields(FILE)),
  secrets: mapOf<FileModel>(fields(FILE)),
  models: anything,
  include: list(anything),
} as const;

/** A whole project as its merged files say it. */
export type ProjectModel = Fields<typeof PROJECT>;

/** Reads the merged tree. */
export const project: Reader<ProjectModel> = fields(PROJECT);
