import type {
  Container,
  ContainerPort,
  EnvFromSource,
  EnvVar,
  Probe,
  ResourceRequirements,
} from "../../proto/gen/tallship/v1/container.js";
import type { IntOrString } from "../../proto/gen/tallship/v1/meta.js";
import type { ContainerState, ContainerStatus } from "../../proto/gen/tallship/v1/pod.js";
import type { Volume, VolumeMount } from "../../proto/gen/tallship/v1/volume.js";
import { entries, oneLine, timeText } from "./facts.js";
import { Page } from "./page.js";

/** The containers of a pod or template; a template's have no state. */
export function containersPage(
  containers: readonly Container[],
  statuses: readonly ContainerStatus[] | undefined,
  nowMs: number,
): Page {
  const page = new Page();
  for (const container of containers) {
    const status = statuses?.find(({ name }) => name === container.name);
    page.section(container.name, containerPage(container, statuses === undefined ? undefined : { status, nowMs }));
  }
  return page;
}

function containerPage(
  container: Container,
  live: { readonly status: ContainerStatus | undefined; readonly nowMs: number } | undefined,
): Page {
  const page = new Page().factIf("Container ID", live?.status?.containerID);
  page.fact("Image", container.image).factIf("Image ID", live?.status?.imageID);
  page.fact("Ports", container.ports.map(containerPortText).join(", "));
  const onHost = container.ports.filter(({ hostPort }) => hostPort !== 0);
  page.factIf("Host Ports", onHost.map(({ hostPort, protocol }) => `${hostPort}/${protocol || "TCP"}`).join(", "));
  if (container.command.length > 0)
    page.fact(
      "Command",
      container.command.map((word) => oneLine(word, 200)),
    );
  if (container.args.length > 0)
    page.fact(
      "Args",
      container.args.map((word) => oneLine(word, 200)),
    );
  if (live !== undefined) statePart(page, live.status, live.nowMs);
  resourcesPart(page, container.resources);
  page.factIf("Liveness", probeText(container.livenessProbe));
  page.factIf("Readiness", probeText(container.readinessProbe));
  page.factIf("Startup", probeText(container.startupProbe));
  page.factIf("Environment from", container.envFrom.map(sourceText).join(", "));
  page.fact("Environment", container.env.map(variableText));
  page.fact("Mounts", container.volumeMounts.map(mountText));
  return page;
}

function containerPortText({ containerPort, protocol, name }: ContainerPort): string {
  return `${containerPort}/${protocol || "TCP"}${name === "" ? "" : ` (${name})`}`;
}

function sourceText({ configMapRef, secretRef, prefix }: EnvFromSource): string {
  const from = configMapRef === undefined ? `secret ${secretRef?.name}` : `config ${configMapRef.name}`;
  return prefix === "" ? from : `${from} with prefix ${prefix}`;
}

function mountText({ mountPath, name, readOnly, subPath }: VolumeMount): string {
  return `${mountPath} from ${name} (${readOnly ? "ro" : "rw"}${subPath === "" ? "" : `, path ${subPath}`})`;
}

function statePart(page: Page, status: ContainerStatus | undefined, nowMs: number): void {
  statePage(page, "State", status?.state, nowMs);
  page.factIf("  Paused", status?.paused === true ? "True" : "");
  if (status?.lastState?.terminated !== undefined) statePage(page, "Last State", status.lastState, nowMs);
  page.fact("Ready", status?.ready === true ? "True" : "False");
  page.fact("Restart Count", String(status?.restartCount ?? 0));
}

function statePage(page: Page, name: string, state: ContainerState | undefined, nowMs: number): void {
  const { waiting, running, terminated } = state ?? {};
  if (running !== undefined) {
    page.fact(name, "Running").factIf("  Started", timeText(running.startedAt, nowMs));
  } else if (terminated !== undefined) {
    page
      .fact(name, "Terminated")
      .factIf("  Reason", terminated.reason)
      .factIf("  Message", oneLine(terminated.message));
    page.fact("  Exit Code", terminated.reason === "ContainerStatusUnknown" ? "lost" : String(terminated.exitCode));
    if (terminated.signal !== 0) page.fact("  Signal", String(terminated.signal));
    page
      .factIf("  Started", timeText(terminated.startedAt, nowMs))
      .factIf("  Finished", timeText(terminated.finishedAt, nowMs));
  } else {
    page
      .fact(name, "Waiting")
      .factIf("  Reason", waiting?.reason)
      .factIf("  Message", oneLine(waiting?.message ?? ""));
  }
}

function resourcesPart(page: Page, resources: ResourceRequirements | undefined): void {
  if (resources === undefined) return;
  page.factIf("Limits", entries(resources.limits, " ").join(", "));
  page.factIf("Requests", entries(resources.requests, " ").join(", "));
}

function variableText({ name, value, valueFrom }: EnvVar): string {
  if (valueFrom === undefined) return `${name}: ${oneLine(value, 200)}`;
  const { fieldRef, resourceFieldRef, configMapKeyRef, secretKeyRef } = valueFrom;
  const from =
    fieldRef?.fieldPath ??
    resourceFieldRef?.resource ??
    (configMapKeyRef === undefined ? undefined : `key ${configMapKeyRef.key} of config ${configMapKeyRef.name}`) ??
    `key ${secretKeyRef?.key} of secret ${secretKeyRef?.name}`;
  return `${name}: from ${from}`;
}

function probeText(probe: Probe | undefined): string | undefined {
  if (probe === undefined) return undefined;
  const { initialDelaySeconds: delay, timeoutSeconds = 1, periodSeconds = 10 } = probe;
  const { successThreshold = 1, failureThreshold = 3 } = probe;
  const times = `delay=${delay}s timeout=${timeoutSeconds}s period=${periodSeconds}s`;
  return `${actionText(probe)} ${times} #success=${successThreshold} #failure=${failureThreshold}`;
}

function actionText({ httpGet, exec, tcpSocket, grpc }: Probe): string {
  if (httpGet !== undefined) {
    const scheme = httpGet.scheme.toLowerCase() || "http";
    return `http-get ${scheme}://${httpGet.host}:${portText(httpGet.port)}${httpGet.path}`;
  }
  if (exec !== undefined) return `exec ${JSON.stringify(exec.command)}`;
  if (tcpSocket !== undefined) return `tcp-socket ${tcpSocket.host}:${portText(tcpSocket.port)}`;
  return `grpc :${grpc?.port ?? 0}`;
}

function portText(port: IntOrString | undefined): string {
  return String(port?.value?.value ?? "");
}

/** The volumes of a pod or template: what each is of. */
export function volumesPage(volumes: readonly Volume[]): Page {
  const page = new Page();
  for (const volume of volumes) page.fact(volume.name, volumeText(volume));
  return page;
}

function volumeText({
  emptyDir,
  hostPath,
  configMap,
  secret,
  persistentVolumeClaim,
  ephemeral,
  nfs,
  image,
  projected,
  downwardAPI,
}: Volume): string {
  if (emptyDir !== undefined)
    return `emptyDir${emptyDir.medium === "" ? "" : ` (${emptyDir.medium})`}${emptyDir.sizeLimit === "" ? "" : ` of at most ${emptyDir.sizeLimit}`}`;
  if (hostPath !== undefined) return `path ${hostPath.path} of the host`;
  if (configMap !== undefined) return `config ${configMap.name}${configMap.optional === true ? " (optional)" : ""}`;
  if (secret !== undefined) return `secret ${secret.secretName}${secret.optional === true ? " (optional)" : ""}`;
  if (persistentVolumeClaim !== undefined) return `claim ${persistentVolumeClaim.claimName}`;
  if (ephemeral !== undefined) return "a claim of the pod's own, which goes with it";
  if (nfs !== undefined) return `nfs ${nfs.server}:${nfs.path}`;
  if (image !== undefined) return `image ${image.reference}`;
  if (projected !== undefined) return `${projected.sources.length} projected sources`;
  return downwardAPI === undefined ? "" : "fields of the pod";
}
