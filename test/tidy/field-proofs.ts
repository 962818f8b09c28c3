/** A test that shows what fields of the pod spec promise, beside the rows of test/e2e/fields. */
export interface FieldProof {
  /** Where it is. */
  readonly path: string;
  /** Its title, or the name of its row. */
  readonly title: string;
  /** The fields that it would not hold without, as Message.field. */
  readonly fields: readonly string[];
}

/** The tests that prove what test/e2e/fields does not. A new field of the pod spec gets a row there, or a line here. */
export const FIELD_PROOFS: readonly FieldProof[] = [
  {
    path: "agent/pods.real.test.ts",
    title: "a failing liveness probe restarts its container, a failing readiness probe takes it from its services",
    fields: ["Container.livenessProbe", "Container.readinessProbe", "Probe.exec"],
  },
  {
    path: "agent/pods.real.test.ts",
    title: "init containers work one after the other, a sidecar beside the rest, and the sidecar ends last",
    fields: ["Container.startupProbe"],
  },
  {
    path: "agent/pods.real.test.ts",
    title: "probes over the network: http with headers and redirects, tcp, and what does not answer",
    fields: ["Probe.httpGet", "HTTPGetAction.host", "Probe.tcpSocket", "TCPSocketAction.host"],
  },
  {
    path: "agent/checks/http-check.real.test.ts",
    title:
      "a probe over HTTPS asks whoever answers, whatever authority signed the certificate, and takes the status for what it is",
    fields: ["HTTPGetAction.scheme"],
  },
  {
    path: "agent/checks/grpc-check.real.test.ts",
    title: "a gRPC probe passes on SERVING only, for the service that it names",
    fields: ["Probe.grpc", "GRPCAction.port", "GRPCAction.service"],
  },
  {
    path: "agent/pods.real.test.ts",
    title: "last words: from the file, from the log where the policy says so, and the deadline of a pod",
    fields: ["Container.terminationMessagePath", "Container.terminationMessagePolicy", "PodSpec.activeDeadlineSeconds"],
  },
  {
    path: "agent/pods.real.test.ts",
    title: "what a pod asks of its namespaces, mounts and environment is so in its containers",
    fields: [
      "SecurityContext.procMount",
      "SeccompProfile.localhostProfile",
      "VolumeMount.subPathExpr",
      "VolumeMount.recursiveReadOnly",
    ],
  },
  {
    path: "agent/pods.real.test.ts",
    title: "a mount travels into a container that asks for it, from a container that may send it, and to no other",
    fields: ["VolumeMount.mountPropagation"],
  },
  {
    path: "agent/resize.real.test.ts",
    title: "a container whose policy asks for it is restarted with the new limits",
    fields: ["Container.resizePolicy", "ContainerResizePolicy.resourceName", "ContainerResizePolicy.restartPolicy"],
  },
  {
    path: "agent/image-volumes.real.test.ts",
    title: "an image volume shows the image's files, whole or in part, and nothing of it can be written or run",
    fields: ["Volume.image", "ImageVolumeSource.reference"],
  },
  {
    // The kernel at hand has no NFS: what would be mounted is shown.
    path: "agent/volume/volume-plan.test.ts",
    title: "a claim is the volume that it is bound to",
    fields: ["Volume.nfs", "NFSVolumeSource.server", "NFSVolumeSource.path", "NFSVolumeSource.readOnly"],
  },
  {
    path: "agent/userns.real.test.ts",
    title:
      "root in the pod is root there and an id of nobody's outside; no two pods share ids; deleted, nothing is left",
    fields: ["PodSpec.hostUsers"],
  },
  {
    path: "agent/pod-fields.real.test.ts",
    title: "groups that the image gives the user count, unless the pod's policy is strict",
    fields: ["PodSecurityContext.supplementalGroupsPolicy"],
  },
  {
    path: "agent/volume/lasting.real.test.ts",
    title: "with OnRootMismatch a folder that is the group's already is not gone through, and one that is not is",
    fields: ["PodSecurityContext.fsGroupChangePolicy"],
  },
  {
    path: "agent/hooks/pull-secrets.real.test.ts",
    title: "who names a secret with the right one gets the image",
    fields: ["PodSpec.imagePullSecrets", "LocalObjectReference.name"],
  },
  {
    path: "controlplane/controllers/volumes/volumes.test.ts",
    title: "one that the selector selects",
    fields: ["PersistentVolumeClaimSpec.selector"],
  },
  {
    path: "controlplane/controllers/volumes/volumes.test.ts",
    title: "the one that it names",
    fields: ["PersistentVolumeClaimSpec.volumeName"],
  },
  {
    path: "kinds/node-selector.test.ts",
    title: "one term of several is enough, and none matches nothing",
    fields: ["NodeSelectorTerm.matchFields"],
  },
  {
    // Among them preferences with their weights, and every part of a spread.
    path: "scheduler/schedule.test.ts",
    title: "on random clusters, through any changes, the decision equals the naive definition's",
    fields: [
      "NodeAffinity.preferredDuringSchedulingIgnoredDuringExecution",
      "PreferredSchedulingTerm.weight",
      "PreferredSchedulingTerm.preference",
      "PodAffinity.preferredDuringSchedulingIgnoredDuringExecution",
      "WeightedPodAffinityTerm.weight",
      "WeightedPodAffinityTerm.podAffinityTerm",
      "TopologySpreadConstraint.whenUnsatisfiable",
      "TopologySpreadConstraint.labelSelector",
      "TopologySpreadConstraint.minDomains",
      "TopologySpreadConstraint.nodeAffinityPolicy",
      "TopologySpreadConstraint.matchLabelKeys",
    ],
  },
  {
    path: "scheduler/filters/filters.test.ts",
    title: "topology-spread: one more than the emptiest node has is refused beyond maxSkew",
    fields: [
      "PodSpec.topologySpreadConstraints",
      "TopologySpreadConstraint.maxSkew",
      "TopologySpreadConstraint.topologyKey",
    ],
  },
  {
    path: "scheduler/filters/filters.test.ts",
    title:
      "topology-spread: a node whose taints a pod does not bear counts as a place for it, unless the constraint honours taints",
    fields: ["TopologySpreadConstraint.nodeTaintsPolicy"],
  },
  {
    path: "scheduler/filters/filters.test.ts",
    title: "tolerated by value",
    fields: ["PodSpec.tolerations", "Toleration.key", "Toleration.value"],
  },
  { path: "scheduler/filters/filters.test.ts", title: "tolerated whatever the key", fields: ["Toleration.operator"] },
  { path: "scheduler/filters/filters.test.ts", title: "tolerated for another effect", fields: ["Toleration.effect"] },
  {
    path: "controlplane/controllers/node/nodes.test.ts",
    title: "a NoExecute taint evicts what does not tolerate it, now or when its time is over",
    fields: ["Toleration.tolerationSeconds"],
  },
  {
    path: "controlplane/scheduling/scheduling-loop.test.ts",
    title: "pods of another scheduler, finished and deleted ones are left alone",
    fields: ["PodSpec.schedulerName"],
  },
  {
    path: "controlplane/scheduling/scheduling-loop.test.ts",
    title: "a pod with gates waits, untried, until the last of them is taken away",
    fields: ["PodSpec.schedulingGates", "PodSchedulingGate.name"],
  },
  {
    path: "controlplane/scheduling/preemption.test.ts",
    title: "who must not preempt, and who meets nobody of lower priority, waits; nobody is evicted for it",
    fields: ["PodSpec.preemptionPolicy"],
  },
  { path: "scheduler/pod-requests.test.ts", title: "overhead comes on top", fields: ["PodSpec.overhead"] },
];
