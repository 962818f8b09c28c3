import { parseQuantity } from "../../lib/quantity.js";
import type {
  Container,
  EnvVar,
  LifecycleHandler,
  Probe,
  ResourceRequirements,
} from "../../proto/gen/tallship/v1/container.js";
import type { PodSpec } from "../../proto/gen/tallship/v1/pod.js";
import { isSidecar } from "../pod-containers.js";
import type { Findings, Path } from "./findings.js";

/** Every container of a pod spec and where it stands. */
export function placedContainers(
  spec: PodSpec,
  path: Path,
): readonly { readonly container: Container; readonly path: Path }[] {
  return (["initContainers", "containers", "ephemeralContainers"] as const).flatMap((field) =>
    spec[field].map((container, index) => ({ container, path: [...path, field, index] })),
  );
}

/** The containers of a pod: names of their own, mounts of volumes that exist, host ports that do not clash. */
export function checkContainers(spec: PodSpec, path: Path, findings: Findings): void {
  const all = placedContainers(spec, path);
  const pathOf = (index: number): Path => all[index]?.path ?? path;
  findings.unique(
    all.map(({ container }) => container.name),
    (index) => [...pathOf(index), "name"],
  );
  const volumes = new Set(spec.volumes.map(({ name }) => name));
  for (const entry of all)
    checkContainer(entry.container, entry.path, findings, { volumes, hostNetwork: spec.hostNetwork });
  for (const [index, container] of spec.initContainers.entries())
    if (!isSidecar(container)) checkOneOff(container, [...path, "initContainers", index], findings);
  for (const [index, container] of spec.ephemeralContainers.entries())
    checkEphemeral(container, spec, [...path, "ephemeralContainers", index], findings);
  checkHostPorts(spec, path, findings);
}

/** What is added to a running pod takes nothing from it and is not looked after. */
function checkEphemeral(container: Container, spec: PodSpec, path: Path, findings: Findings): void {
  for (const name of ["livenessProbe", "readinessProbe", "startupProbe", "lifecycle", "resources"] as const)
    if (container[name] !== undefined)
      findings.add("forbidden", [...path, name], "an ephemeral container cannot have this");
  if (container.ports.length > 0)
    findings.add("forbidden", [...path, "ports"], "an ephemeral container cannot have this");
  const target = container.targetContainerName;
  if (target !== "" && !spec.containers.some(({ name }) => name === target))
    findings.add("not_found", [...path, "targetContainerName"], `the pod has no container ${JSON.stringify(target)}`);
}

/** An init container that ends before the next begins is not looked after beside its run. */
function checkOneOff(container: Container, path: Path, findings: Findings): void {
  for (const name of ["livenessProbe", "readinessProbe", "startupProbe", "lifecycle"] as const)
    if (container[name] !== undefined)
      findings.add("forbidden", [...path, name], "only an init container with restartPolicy Always can have this");
}

interface PodFacts {
  readonly volumes: ReadonlySet<string>;
  readonly hostNetwork: boolean;
}

function checkContainer(container: Container, path: Path, findings: Findings, pod: PodFacts): void {
  if (container.image !== "" && /\s/.test(container.image))
    findings.add(
      "invalid",
      [...path, "image"],
      `want an image reference without spaces, found ${JSON.stringify(container.image)}`,
    );
  findings.unique(
    container.ports.map(({ name }) => name),
    (index) => [...path, "ports", index, "name"],
  );
  if (pod.hostNetwork)
    for (const [index, { hostPort, containerPort }] of container.ports.entries())
      if (hostPort !== 0 && hostPort !== containerPort)
        findings.add(
          "invalid",
          [...path, "ports", index, "hostPort"],
          `want ${containerPort}, as containerPort says, with hostNetwork`,
        );
  checkEnvironment(container, path, findings);
  checkMounts(container, path, findings, pod.volumes);
  if (container.resources !== undefined) checkResources(container.resources, [...path, "resources"], findings);
  checkSecurity(container, [...path, "securityContext"], findings);
  for (const name of ["livenessProbe", "readinessProbe", "startupProbe"] as const) {
    const probe = container[name];
    if (probe !== undefined) checkProbe(probe, name, [...path, name], findings);
  }
  for (const name of ["postStart", "preStop"] as const) {
    const handler = container.lifecycle?.[name];
    if (handler !== undefined) checkHandler(handler, [...path, "lifecycle", name], findings);
  }
}

function checkEnvironment(container: Container, path: Path, findings: Findings): void {
  for (const [index, variable] of container.env.entries()) checkVariable(variable, [...path, "env", index], findings);
  for (const [index, { configMapRef, secretRef }] of container.envFrom.entries()) {
    const here = [...path, "envFrom", index];
    findings.exactlyOne({ configMapRef, secretRef }, here);
    if (configMapRef?.name === "")
      findings.add("required", [...here, "configMapRef", "name"], "this field is required");
    if (secretRef?.name === "") findings.add("required", [...here, "secretRef", "name"], "this field is required");
  }
}

function checkVariable(variable: EnvVar, path: Path, findings: Findings): void {
  const { valueFrom } = variable;
  if (valueFrom === undefined) return;
  if (variable.value !== "") findings.add("forbidden", [...path, "valueFrom"], "not together with value");
  const { fieldRef, resourceFieldRef, configMapKeyRef, secretKeyRef } = valueFrom;
  findings.exactlyOne({ fieldRef, resourceFieldRef, configMapKeyRef, secretKeyRef }, [...path, "valueFrom"]);
  if (configMapKeyRef?.name === "")
    findings.add("required", [...path, "valueFrom", "configMapKeyRef", "name"], "this field is required");
  if (secretKeyRef?.name === "")
    findings.add("required", [...path, "valueFrom", "secretKeyRef", "name"], "this field is required");
}

function checkMounts(container: Container, path: Path, findings: Findings, volumes: ReadonlySet<string>): void {
  findings.unique(
    container.volumeMounts.map(({ mountPath }) => mountPath),
    (index) => [...path, "volumeMounts", index, "mountPath"],
  );
  for (const [index, mount] of container.volumeMounts.entries()) {
    const here = [...path, "volumeMounts", index];
    if (mount.name !== "" && !volumes.has(mount.name))
      findings.add("not_found", [...here, "name"], `the pod has no volume ${JSON.stringify(mount.name)}`);
    if (mount.mountPath.includes(":")) findings.add("invalid", [...here, "mountPath"], "want a path without ':'");
    if (mount.subPath !== "" && mount.subPathExpr !== "")
      findings.add("forbidden", [...here, "subPathExpr"], "not together with subPath");
    if (mount.recursiveReadOnly === "Enabled" && !mount.readOnly)
      findings.add("forbidden", [...here, "recursiveReadOnly"], "only together with readOnly: true");
    if (mount.mountPropagation === "Bidirectional" && container.securityContext?.privileged !== true)
      findings.add("forbidden", [...here, "mountPropagation"], "only privileged containers can have Bidirectional");
  }
}

function checkResources(resources: ResourceRequirements, path: Path, findings: Findings): void {
  for (const part of ["limits", "requests"] as const)
    for (const [name, text] of Object.entries(resources[part]))
      if ((parseQuantity(text) ?? 0) < 0)
        findings.add("invalid", [...path, part, name], `want at least 0, found ${text}`);
  for (const [name, text] of Object.entries(resources.requests)) {
    const most = resources.limits[name];
    const asked = parseQuantity(text);
    const limit = most === undefined ? undefined : parseQuantity(most);
    if (asked === undefined || limit === undefined) continue;
    if (asked > limit)
      findings.add("invalid", [...path, "requests", name], `want at most the limit ${most}, found ${text}`);
    else if (isWhole(name) && asked !== limit)
      findings.add(
        "invalid",
        [...path, "requests", name],
        `want the limit ${most}: ${name} cannot be overcommitted, found ${text}`,
      );
  }
}

/** Extended resources and huge pages: there is no sharing what somebody else has. */
function isWhole(resource: string): boolean {
  return resource.startsWith("hugepages-") || (resource.includes("/") && !resource.startsWith("kubernetes.io/"));
}

function checkSecurity(container: Container, path: Path, findings: Findings): void {
  const context = container.securityContext;
  if (context === undefined) return;
  if (context.allowPrivilegeEscalation === false && context.privileged === true)
    findings.add("invalid", [...path, "allowPrivilegeEscalation"], "want true for a privileged container");
  if (context.seccompProfile?.type === "Localhost" && context.seccompProfile.localhostProfile === "")
    findings.add("required", [...path, "seccompProfile", "localhostProfile"], "type Localhost needs this field");
}

function checkProbe(probe: Probe, name: string, path: Path, findings: Findings): void {
  const { exec, httpGet, tcpSocket, grpc } = probe;
  findings.exactlyOne({ exec, httpGet, tcpSocket, grpc }, path);
  if (name !== "readinessProbe" && (probe.successThreshold ?? 1) !== 1)
    findings.add("invalid", [...path, "successThreshold"], `want 1, found ${probe.successThreshold}`);
  if (exec !== undefined && exec.command.length === 0)
    findings.add("required", [...path, "exec", "command"], "this field is required");
  if (name === "readinessProbe" && probe.terminationGracePeriodSeconds !== undefined)
    findings.add("forbidden", [...path, "terminationGracePeriodSeconds"], "a readiness probe ends no container");
}

function checkHandler(handler: LifecycleHandler, path: Path, findings: Findings): void {
  const { exec, httpGet, tcpSocket, sleep } = handler;
  findings.exactlyOne({ exec, httpGet, tcpSocket, sleep }, path);
  if (exec !== undefined && exec.command.length === 0)
    findings.add("required", [...path, "exec", "command"], "this field is required");
  if (sleep !== undefined && sleep.seconds < 0)
    findings.add("invalid", [...path, "sleep", "seconds"], `want at least 0, found ${sleep.seconds}`);
}

function checkHostPorts(spec: PodSpec, path: Path, findings: Findings): void {
  const ports = spec.containers.flatMap((container, at) =>
    container.ports.map((port, index) => ({ port, path: [...path, "containers", at, "ports", index, "hostPort"] })),
  );
  for (const { port, path: where } of ports)
    if (port.hostPort !== 0 && port.hostIP === "::1" && port.protocol === "SCTP")
      findings.add(
        "invalid",
        [...where.slice(0, -1), "hostIP"],
        "from ::1 no SCTP leads to pods: want 127.0.0.1, or an address of the node",
      );
  findings.unique(
    ports.map(({ port }) =>
      port.hostPort === 0 ? "" : `${port.hostIP || "*"}:${port.hostPort}/${port.protocol || "TCP"}`,
    ),
    (index) => ports[index]?.path ?? path,
  );
}
