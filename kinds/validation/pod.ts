import { deepEqual } from "../../lib/deep-equal.js";
import type { Container } from "../../proto/gen/tallship/v1/container.js";
import type { Toleration } from "../../proto/gen/tallship/v1/placement.js";
import type { Pod, PodSpec, PodTemplateSpec } from "../../proto/gen/tallship/v1/pod.js";
import { networksError, networksOf } from "../network.js";
import { checkContainers } from "./container.js";
import { checkDeviceShares } from "./device-shares.js";
import type { Findings, Path } from "./findings.js";
import { checkHostUsers } from "./host-users.js";
import { checkPodAnnotations } from "./meta.js";
import { checkResize, checkResizePolicies, unresized } from "./resize.js";
import { checkVolumes } from "./volume.js";

/** A sound spec, and after creation only the changes that Kubernetes allows. */
export function checkPod(pod: Pod, findings: Findings, previous: Pod | undefined): void {
  if (pod.spec === undefined) {
    findings.add("required", ["spec"], "this field is required");
    return;
  }
  checkPodSpec(pod.spec, ["spec"], findings);
  checkPodAnnotations(pod.metadata, ["metadata"], findings);
  checkPodNetworks({ metadata: pod.metadata, spec: pod.spec }, ["metadata"], findings);
  if (previous !== undefined && networksOf(pod.metadata).join() !== networksOf(previous.metadata).join())
    findings.add(
      "immutable",
      ["metadata", "annotations"],
      "a pod's networks cannot be changed: delete it and create it anew",
    );
  if (previous === undefined && pod.spec.ephemeralContainers.length > 0)
    findings.add("forbidden", ["spec", "ephemeralContainers"], "only a running pod can have them");
  checkGates(pod.spec, previous?.spec, findings);
  if (previous?.spec !== undefined && !previous.spec.ephemeralContainers.every(isKeptIn(pod.spec)))
    findings.add("immutable", ["spec", "ephemeralContainers"], "they can only be added");
  if (previous?.spec !== undefined) checkResize(pod.spec, previous.spec, findings);
  if (previous?.spec !== undefined && !deepEqual(withoutChangeable(pod.spec, previous.spec), previous.spec))
    findings.add("immutable", ["spec"], `only ${CHANGEABLE} may change: delete the pod and create it anew`);
}

const CHANGEABLE =
  "images, resources of cpu and memory, activeDeadlineSeconds, terminationGracePeriodSeconds and tolerations";

/** Gates are only ever taken away; until all are, nobody places the pod. */
function checkGates(spec: PodSpec, previous: PodSpec | undefined, findings: Findings): void {
  const path = ["spec", "schedulingGates"];
  findings.unique(
    spec.schedulingGates.map(({ name }) => name),
    (index) => [...path, index, "name"],
  );
  for (const [index, { name }] of spec.schedulingGates.entries())
    if (previous !== undefined && !previous.schedulingGates.some((gate) => gate.name === name))
      findings.add("forbidden", [...path, index], `only deletion is allowed, but found new scheduling gate ${name}`);
  if (spec.schedulingGates.length > 0 && spec.nodeName !== "")
    findings.add("forbidden", ["spec", "nodeName"], "cannot be set until all schedulingGates have been cleared");
}

function isKeptIn({ ephemeralContainers }: PodSpec): (before: Container) => boolean {
  return (before) => ephemeralContainers.some((one) => one.name === before.name && deepEqual(one, before));
}

/** The networks that a pod, or pods of a template, are to join. */
export function checkPodNetworks(
  { metadata, spec }: Pick<PodTemplateSpec, "metadata" | "spec">,
  path: Path,
  findings: Findings,
): void {
  const wrong = networksError(metadata, spec?.hostNetwork === true);
  if (wrong !== undefined) findings.add("invalid", [...path, "annotations", wrong.annotation], wrong.message);
}

/** Everything in a pod spec that spans several fields. */
export function checkPodSpec(spec: PodSpec, path: Path, findings: Findings): void {
  checkVolumes(spec.volumes, [...path, "volumes"], findings);
  checkContainers(spec, path, findings);
  checkDeviceShares(spec, path, findings);
  checkResizePolicies(spec, path, findings);
  if (spec.hostPID && spec.shareProcessNamespace === true)
    findings.add("forbidden", [...path, "shareProcessNamespace"], "not together with hostPID");
  checkHostUsers(spec, path, findings);
  checkSysctls(spec, [...path, "securityContext", "sysctls"], findings);
  for (const [index, toleration] of spec.tolerations.entries())
    checkToleration(toleration, [...path, "tolerations", index], findings);
  if (spec.dnsPolicy === "None" && (spec.dnsConfig?.nameservers.length ?? 0) === 0)
    findings.add("required", [...path, "dnsConfig", "nameservers"], "dnsPolicy None needs a name server");
  findings.unique(
    spec.topologySpreadConstraints.map(({ topologyKey, whenUnsatisfiable }) => `${topologyKey} ${whenUnsatisfiable}`),
    (index) => [...path, "topologySpreadConstraints", index],
  );
  if (
    spec.securityContext?.seccompProfile?.type === "Localhost" &&
    spec.securityContext.seccompProfile.localhostProfile === ""
  )
    findings.add(
      "required",
      [...path, "securityContext", "seccompProfile", "localhostProfile"],
      "type Localhost needs this field",
    );
}

/** Settings that belong to a pod's own namespaces and cannot harm the node or its other pods: Kubernetes' list, and what compose files ask for. */
const SYSCTLS: ReadonlySet<string> = new Set([
  "kernel.shm_rmid_forced",
  "net.core.somaxconn",
  "net.ipv4.conf.all.src_valid_mark",
  "net.ipv4.ip_forward",
  "net.ipv4.ip_local_port_range",
  "net.ipv4.ip_local_reserved_ports",
  "net.ipv4.ip_unprivileged_port_start",
  "net.ipv4.ping_group_range",
  "net.ipv4.tcp_fin_timeout",
  "net.ipv4.tcp_keepalive_intvl",
  "net.ipv4.tcp_keepalive_probes",
  "net.ipv4.tcp_keepalive_time",
  "net.ipv4.tcp_rmem",
  "net.ipv4.tcp_syncookies",
  "net.ipv4.tcp_wmem",
  "net.ipv6.conf.all.disable_ipv6",
]);

function checkSysctls(spec: PodSpec, path: Path, findings: Findings): void {
  const sysctls = spec.securityContext?.sysctls ?? [];
  findings.unique(
    sysctls.map(({ name }) => name.replaceAll("/", ".")),
    (index) => [...path, index, "name"],
  );
  for (const [index, sysctl] of sysctls.entries()) {
    const name = sysctl.name.replaceAll("/", ".");
    const here = [...path, index, "name"];
    if (name !== "" && !SYSCTLS.has(name))
      findings.add("forbidden", here, `a pod may not set ${name}: it can set ${[...SYSCTLS].join(", ")}`);
    if (spec.hostNetwork && name.startsWith("net."))
      findings.add("forbidden", here, "with hostNetwork it would change the node");
    if (spec.hostIPC && name.startsWith("kernel."))
      findings.add("forbidden", here, "with hostIPC it would change the node");
  }
}

function checkToleration(toleration: Toleration, path: Path, findings: Findings): void {
  const { key, operator, value, effect, tolerationSeconds } = toleration;
  if (key === "" && operator !== "Exists")
    findings.add("invalid", [...path, "operator"], "want Exists when there is no key");
  if (operator === "Exists" && value !== "")
    findings.add("forbidden", [...path, "value"], "operator Exists takes no value");
  if (tolerationSeconds !== undefined && effect !== "NoExecute")
    findings.add("invalid", [...path, "effect"], "want NoExecute when tolerationSeconds is set");
}

/** The new spec with everything that may change put back as it was. A pod is bound once: from no node to one. */
function withoutChangeable(spec: PodSpec, before: PodSpec): PodSpec {
  const old = new Map([...before.containers, ...before.initContainers].map((container) => [container.name, container]));
  const restore = (container: Container): Container => ({
    ...unresized(container, old.get(container.name)),
    image: old.get(container.name)?.image ?? container.image,
  });
  return {
    ...spec,
    containers: spec.containers.map(restore),
    initContainers: spec.initContainers.map(restore),
    ephemeralContainers: before.ephemeralContainers,
    activeDeadlineSeconds: before.activeDeadlineSeconds,
    terminationGracePeriodSeconds: before.terminationGracePeriodSeconds,
    tolerations: before.tolerations,
    nodeName: before.nodeName === "" ? "" : spec.nodeName,
    schedulingGates: before.schedulingGates,
    priority: before.priority,
  };
}
