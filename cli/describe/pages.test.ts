import { afterEach, expect, test } from "vitest";
import { openTsctlBench, type TsctlBench } from "../../test/kit/tsctl-bench.js";
import { objectOf, succeed } from "../../test/kit/tsctl-steps.js";

let bench: TsctlBench;
afterEach(() => bench.close());

// Each page from the end of its head on, as kubectl lays it out, for an object that has every part of it.
const rows = [
  {
    line: "describe hpa web",
    objects: [
      `{apiVersion: autoscaling/v2, kind: HorizontalPodAutoscaler, metadata: {name: web, namespace: default}, spec: {scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}, minReplicas: 2, maxReplicas: 9, metrics: [{type: Resource, resource: {name: cpu, target: {type: Utilization, averageUtilization: 50}}}, {type: Pods, pods: {metric: {name: rps}, target: {type: AverageValue, averageValue: 1k}}}, {type: Object, object: {describedObject: {kind: Service, name: q}, metric: {name: depth}, target: {type: Value, value: "30"}}}], behavior: {scaleDown: {stabilizationWindowSeconds: 60, selectPolicy: Max, policies: [{type: Pods, value: 4, periodSeconds: 15}]}}}}`,
    ],
    want: `Reference:        Deployment/web
Metrics:          ( current / target )
  resource cpu on pods (as a percentage of request):  <unknown> / 50%
  "rps" on pods:                                      <unknown> / 1k
  "depth" on Service/q (target value):                <unknown> / 30
Min replicas:     2
Max replicas:     9
Behavior:
  Scale Down:
    Stabilization Window:  60 seconds
    Select Policy:         Max
    Policies:
      Type   Value   Period
      ----   -----   ------
      Pods   4       15 seconds
Deployment pods:  0 current / 0 desired
Conditions:       <none>
Events:           <none>
`,
  },
  {
    line: "describe ingress web",
    objects: [
      "{apiVersion: v1, kind: Service, metadata: {name: web, namespace: default}, spec: {ports: [{name: http, port: 80}]}}",
      "{apiVersion: discovery.k8s.io/v1, kind: EndpointSlice, metadata: {name: web-1, namespace: default, labels: {kubernetes.io/service-name: web}}, addressType: IPv4, endpoints: [{addresses: [10.1.0.1]}, {addresses: [10.1.0.2]}], ports: [{name: http, port: 8080}]}",
      "{apiVersion: networking.k8s.io/v1, kind: Ingress, metadata: {name: web, namespace: default}, spec: {ingressClassName: tallship, tls: [{hosts: [a.example], secretName: cert}], rules: [{host: a.example, http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: web, port: {name: http}}}}, {path: /no, pathType: Exact, backend: {service: {name: gone, port: {number: 1}}}}]}}]}}",
    ],
    want: `Address:          <none>
Ingress Class:    tallship
Default backend:  <default>
TLS:              cert terminates a.example
Rules:
  Host        Path   Backends
  ----        ----   --------
  a.example
              /      web:http (10.1.0.1:8080, 10.1.0.2:8080)
              /no    gone:1 (<error: services "gone" not found>)
Events:           <none>
`,
  },
  {
    line: "describe networkpolicy web",
    objects: [
      "{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {name: web, namespace: default}, spec: {podSelector: {matchLabels: {app: web}}, policyTypes: [Ingress, Egress], ingress: [{ports: [{port: 80}, {port: 100, endPort: 200, protocol: UDP}], from: [{podSelector: {matchLabels: {a: b}}, namespaceSelector: {matchLabels: {c: d}}}, {ipBlock: {cidr: 10.0.0.0/8, except: [10.1.0.0/16]}}]}, {}]}}",
    ],
    want: `Spec:
  PodSelector:   app=web
  Allowing ingress traffic:
    To Port: 80/TCP
    To Port: 100-200/UDP
    From:
      NamespaceSelector: c=d
      PodSelector: a=b
    From:
      IPBlock:
        CIDR: 10.0.0.0/8
        Except: 10.1.0.0/16
    ----------
    To Port: <any> (traffic allowed to all ports)
    From: <any> (traffic not restricted by source)
  Allowing egress traffic:
    <none> (Selected pods are isolated for egress connectivity)
  Policy Types:  Ingress, Egress
`,
  },
  {
    line: "describe networkpolicy all",
    objects: [
      "{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {name: all, namespace: default}, spec: {podSelector: {}, policyTypes: [Ingress]}}",
    ],
    want: `Spec:
  PodSelector:   <none> (Allowing the specific traffic to all pods in this namespace)
  Allowing ingress traffic:
    <none> (Selected pods are isolated for ingress connectivity)
  Not affecting egress traffic
  Policy Types:  Ingress
`,
  },
  {
    line: "describe pdb web",
    objects: [
      "{apiVersion: policy/v1, kind: PodDisruptionBudget, metadata: {name: web, namespace: default}, spec: {maxUnavailable: 25%, selector: {matchLabels: {app: web}}}}",
    ],
    want: `Max unavailable:  25%
Selector:         app=web
Status:
  Allowed disruptions:  0
  Current:              0
  Desired:              0
  Total:                0
Conditions:       <none>
Events:           <none>
`,
  },
  {
    line: "describe ns default",
    objects: [
      "{apiVersion: v1, kind: ResourceQuota, metadata: {name: q, namespace: default}, spec: {hard: {pods: '3', requests.cpu: '2'}, scopes: [NotBestEffort]}}",
      "{apiVersion: v1, kind: LimitRange, metadata: {name: r, namespace: default}, spec: {limits: [{type: Container, default: {cpu: 200m}, defaultRequest: {cpu: 100m, memory: 1Gi}, max: {cpu: '1'}}]}}",
    ],
    want: `Status:       Active

Resource Quotas
  Name:  q
  Resource       Used   Hard
  --------       ----   ----
  pods           0      3
  requests.cpu   0      2

Resource Limits
  Type        Resource   Min   Max   Default Request   Default Limit   Max Limit/Request Ratio
  ----        --------   ---   ---   ---------------   -------------   -----------------------
  Container   cpu        -     1     100m              200m            -
  Container   memory     -     -     1Gi               -               -
`,
  },
];

for (const { line, objects, want } of rows)
  test(line, async () => {
    bench = await openTsctlBench();
    for (const text of objects) await bench.api.create(objectOf(text));
    await bench.api.caughtUp();
    const page = await succeed(bench, line);
    expect(page.split(/^Created:.*\n/m)[1]).toBe(want);
  });
