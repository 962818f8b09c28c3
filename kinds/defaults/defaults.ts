import type { Typed } from "../object.js";
import type { KindMap, KindName } from "../registry.js";
import { type FieldSchema, messageSchema } from "../schema.js";
import { defaultCronJob, defaultJob } from "./batch.js";
import { defaultNamespace, defaultSecret } from "./config.js";
import { defaultDaemonSet } from "./daemon-set.js";
import { defaultPod } from "./pod.js";
import { defaultBinding, defaultLimitRange, defaultNetworkPolicy } from "./policy.js";
import { defaultService } from "./service.js";
import { defaultDeployment, defaultReplicaSet, defaultStatefulSet } from "./workload.js";

/** Defaults that one kind has beyond the rules of its fields. */
type Defaults = { readonly [K in KindName]?: (object: KindMap[K]) => KindMap[K] };

const DEFAULTS: Defaults = {
  ClusterRoleBinding: defaultBinding,
  CronJob: defaultCronJob,
  DaemonSet: defaultDaemonSet,
  Deployment: defaultDeployment,
  Job: defaultJob,
  LimitRange: defaultLimitRange,
  Namespace: defaultNamespace,
  NetworkPolicy: defaultNetworkPolicy,
  Pod: defaultPod,
  ReplicaSet: defaultReplicaSet,
  RoleBinding: defaultBinding,
  Secret: defaultSecret,
  Service: defaultService,
  StatefulSet: defaultStatefulSet,
};

/**
 * The object with every absent field filled that has a default, as Kubernetes fills it. Doing it twice equals doing it
 * once. What changes nothing is shared with the object given.
 */
export function applyDefaults<K extends KindName>(typed: Typed<K>): Typed<K> {
  const { kind, object } = typed;
  const own = DEFAULTS[kind];
  const shaped = own === undefined ? object : own(object);
  // The kind's message has the kind's name and stays of its type.
  return { kind, object: fillMessage(kind, shaped) } as Typed<K>;
}

/** Fills the defaults that stand in the schema, in every message that is present. */
function fillMessage<T extends object>(messageName: string, message: T): T {
  // The message has the fields of its schema.
  const values = message as Readonly<Record<string, unknown>>;
  const changes: Record<string, unknown> = {};
  let isChanged = false;
  for (const field of messageSchema(messageName).fields) {
    const before = values[field.name];
    const after = fillField(field, before);
    if (after === before) continue;
    changes[field.name] = after;
    isChanged = true;
  }
  return isChanged ? { ...message, ...changes } : message;
}

function fillField(field: FieldSchema, value: unknown): unknown {
  if (field.type === "message") return fillNested(field, value);
  if (field.shape !== "one" || field.rule.default === undefined) return value;
  const isAbsent = field.isOptional ? value === undefined : value === "";
  return isAbsent ? parseDefault(field, field.rule.default) : value;
}

function fillNested(field: FieldSchema, value: unknown): unknown {
  if (value === undefined || field.messageName === "IntOrString" || field.shape === "map") return value;
  if (!Array.isArray(value))
    return typeof value === "object" && value !== null ? fillMessage(field.messageName, value) : value;
  const filled = value.map((element: object) => fillMessage(field.messageName, element));
  return filled.some((element, at) => element !== value[at]) ? filled : value;
}

function parseDefault(field: FieldSchema, text: string): unknown {
  if (field.type === "string") return text;
  return field.type === "bool" ? text === "true" : Number(text);
}
