/** Groups whose kinds Kubernetes has moved to others. */
const OLD_GROUPS: ReadonlySet<string> = new Set(["extensions"]);

/** What to do instead, by kind and group: of kinds that files often hold and that are not supported. */
const ADVICE: Readonly<Record<string, string>> = {
  "APIService.apiregistration.k8s.io": "the API is not extended by servers of others; remove this object",
  "AdmissionCheck.kueue.x-k8s.io": "a Queue of tallship.dev/v1 admits by quota alone; remove this object",
  "Alertmanager.monitoring.coreos.com": "run it as a StatefulSet",
  "Application.argoproj.io": "apply what it points to with tsctl apply",
  "BackendConfig.cloud.google.com": "remove this object",
  "CSIDriver.storage.k8s.io": "volumes are local; remove this object",
  "Certificate.cert-manager.io": "put the certificate into a Secret of type kubernetes.io/tls",
  "CertificateSigningRequest.certificates.k8s.io":
    "certificates of the cluster come from tallshipd; put others into a Secret",
  "CiliumNetworkPolicy.cilium.io": "use a NetworkPolicy",
  "ClusterIssuer.cert-manager.io": "put the certificate into a Secret of type kubernetes.io/tls",
  "ClusterQueue.kueue.x-k8s.io":
    "write a Queue of tallship.dev/v1: its quota, cohort, borrowingLimit and lendingLimit mean the same",
  "ClusterSecretStore.external-secrets.io": "write the Secret itself",
  ComponentStatus: "ask tsctl doctor and tsctl get nodes",
  "CustomResourceDefinition.apiextensions.k8s.io":
    "custom kinds are not supported; what needs them needs another way to be run",
  "DestinationRule.networking.istio.io": "remove this object",
  "DeviceClass.resource.k8s.io": "ask for devices by resources.limits, such as nvidia.com/gpu: 1",
  Endpoints: "write an EndpointSlice of discovery.k8s.io/v1",
  "ExternalSecret.external-secrets.io": "write the Secret itself",
  "FlowSchema.flowcontrol.apiserver.k8s.io": "remove this object",
  "GRPCRoute.gateway.networking.k8s.io": "use an Ingress or a Service of type NodePort",
  "Gateway.gateway.networking.k8s.io": "use an Ingress or a Service of type NodePort",
  "GatewayClass.gateway.networking.k8s.io": "use an Ingress or a Service of type NodePort",
  "GitRepository.source.toolkit.fluxcd.io": "apply what it points to with tsctl apply",
  "HTTPRoute.gateway.networking.k8s.io": "use an Ingress or a Service of type NodePort",
  "HelmChart.helm.cattle.io": "render the chart (helm template) and apply what it prints",
  "HelmRelease.helm.toolkit.fluxcd.io": "render the chart (helm template) and apply what it prints",
  "HelmRepository.source.toolkit.fluxcd.io": "render the chart (helm template) and apply what it prints",
  "IPAddressPool.metallb.io": "name the addresses in the ConfigMap load-balancer-pool of kube-system",
  "InferenceService.serving.kserve.io": "use a Deployment and a Service of v1, with a HorizontalPodAutoscaler",
  "IngressRoute.traefik.io": "use an Ingress",
  "Issuer.cert-manager.io": "put the certificate into a Secret of type kubernetes.io/tls",
  "Job.batch.volcano.sh": "use a Job of batch/v1 with the annotation tallship.dev/gang: all",
  "JobSet.jobset.x-k8s.io":
    "write an Indexed Job of batch/v1 for each role, with a PodGroup of tallship.dev/v1 around them",
  "Kustomization.kustomize.toolkit.fluxcd.io": "apply the folder with tsctl apply -k",
  "L2Advertisement.metallb.io": "addresses are announced on the hosts' link by themselves; remove this object",
  "LeaderWorkerSet.leaderworkerset.x-k8s.io":
    "use a StatefulSet with a PodGroup of tallship.dev/v1 (minMember) around its pods",
  "Lease.coordination.k8s.io": "the cluster keeps its own leases; remove this object",
  "LocalQueue.kueue.x-k8s.io": "label pods or jobs with tallship.dev/queue: the name of a Queue of tallship.dev/v1",
  "MPIJob.kubeflow.org":
    "use an Indexed Job of batch/v1 with the annotation tallship.dev/gang: all, and a headless Service",
  "Middleware.traefik.io": "annotate the Ingress",
  "MutatingWebhookConfiguration.admissionregistration.k8s.io": "webhooks are not called; remove this object",
  "PeerAuthentication.security.istio.io": "an encrypted network is a Network of tallship.dev/v1 with encrypted: true",
  "PodGroup.scheduling.volcano.sh": "use PodGroup of tallship.dev/v1; pods join it by the label tallship.dev/pod-group",
  "PodGroup.scheduling.x-k8s.io": "use PodGroup of tallship.dev/v1; the label of its pods may stay",
  "PodMonitor.monitoring.coreos.com":
    "annotate the pods with prometheus.io/scrape, prometheus.io/port and prometheus.io/path",
  "PodSecurityPolicy.policy": "Kubernetes has removed it; remove this object",
  PodTemplate: "use a Deployment",
  "PriorityLevelConfiguration.flowcontrol.apiserver.k8s.io": "remove this object",
  "Prometheus.monitoring.coreos.com": "run it as a StatefulSet",
  "PrometheusRule.monitoring.coreos.com": "hand the rules to Prometheus in a ConfigMap",
  "PyTorchJob.kubeflow.org":
    "use an Indexed Job of batch/v1 with the annotation tallship.dev/gang: all, and a headless Service",
  "Queue.scheduling.volcano.sh": "use Queue of tallship.dev/v1",
  "RayCluster.ray.io": "use a Deployment or StatefulSet for the head and one for the workers",
  "RayJob.ray.io": "use a Job of batch/v1 with the annotation tallship.dev/gang: all",
  ReplicationController: "use a Deployment, or a ReplicaSet of apps/v1",
  "ResourceClaim.resource.k8s.io": "ask for devices by resources.limits, such as nvidia.com/gpu: 1",
  "ResourceClaimTemplate.resource.k8s.io": "ask for devices by resources.limits, such as nvidia.com/gpu: 1",
  "ResourceFlavor.kueue.x-k8s.io":
    "choose devices by the annotation tallship.dev/gpu-model, nodes by nodeSelector; remove this object",
  "Rollout.argoproj.io": "use a Deployment",
  "RuntimeClass.node.k8s.io": "there is one runtime per node; remove this object and runtimeClassName",
  "ScaledObject.keda.sh": "use a HorizontalPodAutoscaler",
  "SealedSecret.bitnami.com": "write the Secret itself",
  "Service.serving.knative.dev": "use a Deployment and a Service of v1",
  "ServiceMonitor.monitoring.coreos.com":
    "annotate the pods with prometheus.io/scrape, prometheus.io/port and prometheus.io/path",
  "TFJob.kubeflow.org":
    "use an Indexed Job of batch/v1 with the annotation tallship.dev/gang: all, and a headless Service",
  "TrainJob.trainer.kubeflow.org":
    "use an Indexed Job of batch/v1 with the annotation tallship.dev/gang: all, and a headless Service",
  "ValidatingAdmissionPolicy.admissionregistration.k8s.io": "remove this object",
  "ValidatingAdmissionPolicyBinding.admissionregistration.k8s.io": "remove this object",
  "ValidatingWebhookConfiguration.admissionregistration.k8s.io": "webhooks are not called; remove this object",
  "VerticalPodAutoscaler.autoscaling.k8s.io": "set requests, or use a HorizontalPodAutoscaler",
  "VirtualService.networking.istio.io": "use an Ingress",
  "VolumeSnapshot.snapshot.storage.k8s.io": "volumes have no snapshots: copy their files with tsctl cp",
  "VolumeSnapshotClass.snapshot.storage.k8s.io": "volumes have no snapshots; remove this object",
  "Workload.kueue.x-k8s.io": "label pods or jobs with tallship.dev/queue: the name of a Queue of tallship.dev/v1",
};

/** What to do instead of a kind that is not supported; undefined when nobody has said. */
export function adviceOn(kind: string, group: string): string | undefined {
  const name = group === "" ? kind : `${kind}.${group}`;
  return Object.hasOwn(ADVICE, name) ? ADVICE[name] : undefined;
}

/** True for a group whose kinds stand elsewhere by now. */
export function isOldGroup(group: string): boolean {
  return OLD_GROUPS.has(group);
}
