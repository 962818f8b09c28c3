import type { Located } from "../model/reader.js";
import { noteField, objectOf, type ServiceContext } from "./context.js";
import { isAwaited } from "./depends-on.js";
import { dnsName, PROJECT_LABEL, SERVICE_LABEL } from "./names.js";
import { at, type Part, type Placed } from "./part.js";
import { podTemplate } from "./pod.js";

/** What keeps a service: servers are deployments or daemon sets, tasks are jobs. */
export type WorkloadKind = "Deployment" | "DaemonSet" | "Job";

/** The service's workload. */
export function workloadObject(context: ServiceContext): Placed {
  const { service } = context;
  const kind = kindOf(context);
  const { template, isKept } = podTemplate(context, kind === "Job" ? jobPolicy(context) : undefined);
  const deployLabels: Record<string, string> = {};
  const annotations: Record<string, Part> = {};
  for (const [name, { value = "", place }] of service.model.deploy?.value.labels?.value ?? [])
    annotations[name] = at(place, value);
  if (isRollbackOff(context)) annotations["tallship.dev/rollback"] = "off";
  const labels = { ...deployLabels, [SERVICE_LABEL]: dnsName(service.name) };
  const head = {
    apiVersion: kind === "Job" ? "batch/v1" : "apps/v1",
    kind,
    name: service.name,
    place: service.place,
    labels,
    annotations: Object.keys(annotations).length === 0 ? undefined : annotations,
  };
  return objectOf(context, head, { spec: { ...specOf(kind, context, isKept), template } });
}

/** A service that ends is a job: one that another waits for to complete, one that is never restarted, or one that says so. */
function kindOf(context: ServiceContext): WorkloadKind {
  const { deploy, restart } = context.service.model;
  const mode = deploy?.value.mode;
  if (mode?.value === "global") return "DaemonSet";
  if (mode?.value === "global-job")
    context.tell.problem(
      mode.place,
      [...context.path, "deploy", "mode"],
      "global-job is not supported: use replicated-job or global",
      "not_supported",
    );
  if (mode?.value === "replicated-job" || restart?.value === "no") return "Job";
  if (deploy?.value.restart_policy?.value.condition?.value === "none") return "Job";
  return isAwaited(context) ? "Job" : "Deployment";
}

function specOf(kind: WorkloadKind, context: ServiceContext, isKept: boolean): { readonly [key: string]: Part } {
  const { deploy, scale } = context.service.model;
  const replicas = deploy?.value.replicas ?? scale;
  const count = replicas === undefined ? undefined : at(replicas.place, replicas.value);
  if (kind === "Job") return { parallelism: count, completions: count, backoffLimit: attemptsOf(context) };
  noteRestart(context);
  const matchLabels = { [PROJECT_LABEL]: context.name, [SERVICE_LABEL]: dnsName(context.service.name) };
  const selector = { matchLabels };
  if (kind === "DaemonSet") {
    if (replicas !== undefined) noteField(context, "deploy", replicas.place, "mode global runs one on every node");
    return { selector };
  }
  return { replicas: count, selector, ...updateParts(context, isKept) };
}

/** How a change is rolled out. What writes to a volume is stopped first: two at once would hurt what is in it. */
function updateParts(context: ServiceContext, isKept: boolean): { readonly [key: string]: Part } {
  const { deploy, ports } = context.service.model;
  const update = deploy?.value.update_config;
  noteUpdates(context);
  const isOnHost = (ports?.value ?? []).some(({ value }) => value.some(({ mode }) => mode === "host"));
  if (update === undefined) return isKept || isOnHost ? { strategy: { type: "Recreate" } } : {};
  const { parallelism, order, monitor } = update.value;
  const isStartFirst = order?.value === "start-first" && !isKept;
  if (order?.value === "start-first" && isKept)
    noteField(context, "deploy", order.place, "what writes to a volume is stopped first");
  const amount: Part = parallelism?.value === 0 ? "100%" : (parallelism?.value ?? 1);
  const rollingUpdate = isStartFirst
    ? { maxSurge: amount, maxUnavailable: 0 }
    : { maxSurge: 0, maxUnavailable: amount };
  const seconds = monitor === undefined ? undefined : at(monitor.place, Math.ceil(monitor.value / 1000));
  return { minReadySeconds: seconds, strategy: at(update.place, { type: "RollingUpdate", rollingUpdate }) };
}

function noteUpdates(context: ServiceContext): void {
  const { update_config: update, rollback_config: rollback } = context.service.model.deploy?.value ?? {};
  const note = (found: Located<unknown> | undefined, why: string): void => {
    if (found !== undefined) noteField(context, "deploy", found.place, `accepted, not enforced: ${why}`);
  };
  note(update?.value.delay, "the next is replaced once the one before is ready for as long as monitor says");
  note(update?.value.max_failure_ratio, "a roll-out fails when it makes no progress");
  note(rollback, "a rollback is rolled out as an update is");
}

function isRollbackOff(context: ServiceContext): boolean {
  const action = context.service.model.deploy?.value.update_config?.value.failure_action?.value;
  return action === "pause" || action === "continue";
}

function noteRestart(context: ServiceContext): void {
  const { restart, deploy } = context.service.model;
  const policy = deploy?.value.restart_policy;
  const onFailure = 'a container that ends with success is started again too; write restart: "no" for a task';
  if (restart !== undefined && !/^(always|unless-stopped|on-failure(:\d+)?)$/.test(restart.value))
    context.tell.problem(
      restart.place,
      [...context.path, "restart"],
      `want no, always, on-failure[:N] or unless-stopped, found ${restart.value}`,
    );
  else if (restart?.value.startsWith("on-failure") === true) noteField(context, "restart", restart.place, onFailure);
  if (policy?.value.condition?.value === "on-failure")
    noteField(context, "deploy", policy.value.condition.place, onFailure);
  for (const field of ["delay", "max_attempts", "window"] as const) {
    const found = policy?.value[field];
    if (found !== undefined)
      noteField(
        context,
        "deploy",
        found.place,
        `accepted, not enforced: ${field}: restarts wait longer each time, and never end`,
      );
  }
}

function jobPolicy(context: ServiceContext): string {
  const { restart, deploy } = context.service.model;
  const isRetried =
    restart?.value.startsWith("on-failure") === true ||
    deploy?.value.restart_policy?.value.condition?.value === "on-failure";
  return isRetried ? "OnFailure" : "Never";
}

function attemptsOf(context: ServiceContext): Part {
  const { restart, deploy } = context.service.model;
  const most = deploy?.value.restart_policy?.value.max_attempts;
  const asked = /^on-failure:(\d+)$/.exec(restart?.value ?? "")?.[1];
  if (most !== undefined) return at(most.place, most.value);
  if (asked !== undefined) return Number(asked);
  return jobPolicy(context) === "OnFailure" ? undefined : 0;
}
