import {
  anything,
  bytes,
  decimal,
  duration,
  type Fields,
  fields,
  list,
  oneOf,
  pairs,
  text,
  whole,
  word,
} from "./reader.js";

const DEVICE = {
  capabilities: list(text),
  driver: text,
  count: word,
  device_ids: list(text),
  options: anything,
} as const;
const AMOUNTS = { cpus: decimal, memory: bytes } as const;
const UPDATE = {
  parallelism: whole,
  delay: duration,
  failure_action: oneOf(["continue", "pause", "rollback"]),
  monitor: duration,
  max_failure_ratio: decimal,
  order: oneOf(["start-first", "stop-first"]),
} as const;

const DEPLOY = {
  endpoint_mode: oneOf(["vip", "dnsrr"]),
  labels: pairs,
  mode: oneOf(["replicated", "global", "replicated-job", "global-job"]),
  placement: fields({
    constraints: list(text),
    preferences: anything,
    max_replicas_per_node: whole,
  }),
  replicas: whole,
  resources: fields({
    limits: fields({ ...AMOUNTS, pids: anything }),
    reservations: fields({ ...AMOUNTS, devices: list(fields(DEVICE)), generic_resources: anything }),
  }),
  restart_policy: fields({
    condition: oneOf(["none", "on-failure", "any"]),
    delay: duration,
    max_attempts: whole,
    window: duration,
  }),
  rollback_config: fields(UPDATE),
  update_config: fields(UPDATE),
} as const;

/** How a service is run on a cluster. */
export type Deploy = Fields<typeof DEPLOY>;

/** Reads `deploy`. */
export const deploy = fields(DEPLOY);
