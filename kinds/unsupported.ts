/** Groups whose kinds Kubernetes has moved to others. */
const OLD_GROUPS: ReadonlySet<string> = new Set(["extensions"]);

/** What to do instead, by kind and group: of kinds that files often hold and that are not supported. */
const ADVICE: Readonly<Record<string, string>> = {
  "APIService.apiregistration.k8s.io": "the API is not extended by servers of others; remove this object",
  "Application.argoproj.io": "apply what it points to with tsctl apply",
  "CSIDriver.storage.k8s.io": "volumes are local; remove this object",
  "Certificate.cert-manager.io": "put the certificate into a Secret of type kubernetes.io/tls",
  "ClusterIssuer.cert-manager.io": "put the certificate into a Secret of type kubernetes.io/tls",
  "CustomResourceDefinition.apiextensions.k8s.io":
    "custom kinds are not supported; what needs them needs another way to be run",
  Endpoints: "write an EndpointSlice of discovery.k8s.io/v1",
  "ExternalSecret.external-secrets.io": "write the Secret itself",
  "Gateway.gateway.networking.k8s.io": "use an Ingress or a Service of type NodePort",
  "GatewayClass.gateway.networking.k8s.io": "use an Ingress or a Service of type NodePort",
  "HTTPRoute.gateway.networking.k8s.io": "use an Ingress or a Service of type NodePort",
  "HelmRelease.helm.toolkit.fluxcd.io": "render the chart (helm template) and apply what it prints",
  "HelmChart.helm.cattle.io": "render the chart (helm template) and apply what it prints",
  "IngressRoute.traefik.io": "use an Ingress",
  "Issuer.cert-manager.io": "put the certificate into a Secret of type kubernetes.io/tls",
  "Kustomization.kustomize.toolkit.fluxcd.io": "apply the folder with tsctl apply -k",
  "MutatingWebhookConfiguration.admissionregistration.k8s.io": "webhooks are not called; remove this object",
  "PodMonitor.monitoring.coreos.com":
    "annotate the pods with prometheus.io/scrape, prometheus.io/port and prometheus.io/path",
  "PodSecurityPolicy.policy": "Kubernetes has removed it; remove this object",
  PodTemplate: "use a Deployment",
  "PrometheusRule.monitoring.coreos.com": "hand the rules to Prometheus in a ConfigMap",
  ReplicationController: "use a Deployment, or a ReplicaSet of apps/v1",
  "Rollout.argoproj.io": "use a Deployment",
  "RuntimeClass.node.k8s.io": "there is one runtime per node; remove this object and runtimeClassName",
  "SealedSecret.bitnami.com": "write the Secret itself",
  "Service.serving.knative.dev": "use a Deployment and a Service of v1",
  "ServiceMonitor.monitoring.coreos.com":
    "annotate the pods with prometheus.io/scrape, prometheus.io/port and prometheus.io/path",
  "ValidatingWebhookConfiguration.admissionregistration.k8s.io": "webhooks are not called; remove this object",
  "VerticalPodAutoscaler.autoscaling.k8s.io": "set requests, or use a HorizontalPodAutoscaler",
  "VirtualService.networking.istio.io": "use an Ingress",
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
