import { describe, expect, test } from "vitest";
import { decodeDocument } from "../decode.js";
import { applyDefaults } from "../defaults/defaults.js";
import type { Typed } from "../object.js";
import { parseYaml } from "../yaml/parse.js";
import { validate } from "./validate.js";

function read(text: string): Typed {
  const source = { name: "x", text };
  const [object] = parseYaml(source).documents.flatMap((root) => decodeDocument(root, source).objects);
  if (object === undefined) throw new Error("no object");
  return applyDefaults(object.typed);
}

function errors(text: string, previous?: string): readonly string[] {
  const found = validate(read(text), previous === undefined ? undefined : read(previous));
  return found.map(({ path, message }) => `${path}: ${message}`);
}

const pod = (spec: string): string => `{apiVersion: v1, kind: Pod, metadata: {name: p, namespace: d}, spec: {${spec}}}`;
const container = (fields: string, more = ""): string => pod(`containers: [{name: c, image: i:1, ${fields}}], ${more}`);
const service = (spec: string): string =>
  `{apiVersion: v1, kind: Service, metadata: {name: s, namespace: d}, spec: {${spec}}}`;
const deployment = (spec: string): string =>
  `{apiVersion: apps/v1, kind: Deployment, metadata: {name: d, namespace: d}, spec: {selector: {matchLabels: {a: b}}, template: {metadata: {labels: {a: b}}, spec: {containers: [{name: c, image: i:1}]}}, ${spec}}}`;

const autoscaler = (spec: string): string =>
  `{apiVersion: autoscaling/v2, kind: HorizontalPodAutoscaler, metadata: {name: a, namespace: d}, spec: {scaleTargetRef: {kind: Deployment, name: d}, ${spec}}}`;
const budget = (spec: string): string =>
  `{apiVersion: policy/v1, kind: PodDisruptionBudget, metadata: {name: b, namespace: d}, spec: {${spec}}}`;

describe("autoscalers and budgets that cannot be kept are refused", () => {
  const cpu = "{type: Resource, resource: {name: cpu, target: {type: Utilization, averageUtilization: 50}}}";
  const rows = [
    {
      name: "more at least than at most",
      text: autoscaler("minReplicas: 3, maxReplicas: 2"),
      want: "spec.maxReplicas: want at least minReplicas (3), found 2",
    },
    {
      name: "none, and nothing to come back by",
      text: autoscaler(`minReplicas: 0, maxReplicas: 2, metrics: [${cpu}]`),
      want: "spec.minReplicas: must specify at least one Object or External metric to support scaling to zero replicas",
    },
    {
      name: "a type without its source",
      text: autoscaler("maxReplicas: 2, metrics: [{type: Pods}]"),
      want: "spec.metrics[0].pods: must populate information for the given metric source",
    },
    {
      name: "a source of another type",
      text: autoscaler(
        `maxReplicas: 2, metrics: [{type: Pods, pods: {metric: {name: q}, target: {type: AverageValue, averageValue: 1}}, resource: {name: cpu, target: {type: Utilization, averageUtilization: 1}}}]`,
      ),
      want: "spec.metrics[0].resource: must populate the given metric source only",
    },
    {
      name: "a resource by its whole value",
      text: autoscaler(
        "maxReplicas: 2, metrics: [{type: Resource, resource: {name: cpu, target: {type: Value, value: 1}}}]",
      ),
      want: "spec.metrics[0].resource.target.value: not with metrics of type Resource",
    },
    {
      name: "a target of nothing",
      text: autoscaler(
        "maxReplicas: 2, metrics: [{type: Resource, resource: {name: cpu, target: {type: AverageValue, averageValue: 0m}}}]",
      ),
      want: 'spec.metrics[0].resource.target.averageValue: want more than 0, found "0m"',
    },
    {
      name: "both forms of a metric",
      text: autoscaler(`maxReplicas: 2, metrics: [${cpu}], targetCPUUtilizationPercentage: 50`),
      want: "spec.targetCPUUtilizationPercentage: the form of autoscaling/v1 does not go together with metrics",
    },
    {
      name: "both bounds of a budget",
      text: budget("minAvailable: 1, maxUnavailable: 1"),
      want: "spec.maxUnavailable: minAvailable and maxUnavailable cannot be both set",
    },
    {
      name: "more than all",
      text: budget("minAvailable: 101%"),
      want: "spec.minAvailable: want at most 100%, found 101%",
    },
    {
      name: "an operator without values",
      text: budget("minAvailable: 1, selector: {matchExpressions: [{key: a, operator: In}]}"),
      want: "spec.selector.matchExpressions[0].values: operator In needs values",
    },
  ];
  for (const { name, text, want } of rows) test(name, () => expect(errors(text)).toEqual([want]));

  test("the form of autoscaling/v1 and a v2 without metrics are sound", () => {
    expect(errors(autoscaler("maxReplicas: 3, targetCPUUtilizationPercentage: 50").replace("/v2", "/v1"))).toEqual([]);
    expect(errors(autoscaler("maxReplicas: 3"))).toEqual([]);
  });
});

describe("what does not go together is refused", () => {
  const rows = [
    {
      name: "containers of one name",
      text: pod("containers: [{name: c, image: i:1}, {name: c, image: i:1}]"),
      want: 'spec.containers[1].name: "c" stands twice',
    },
    {
      name: "ports of one name",
      text: container("ports: [{name: a, containerPort: 1}, {name: a, containerPort: 2}]"),
      want: 'spec.containers[0].ports[1].name: "a" stands twice',
    },
    {
      name: "host ports that clash",
      text: container("ports: [{hostPort: 80, containerPort: 1}, {hostPort: 80, containerPort: 2}]"),
      want: 'spec.containers[0].ports[1].hostPort: "*:80/TCP" stands twice',
    },
    {
      name: "a host port beside the host's network",
      text: container("ports: [{hostPort: 81, containerPort: 80}]", "hostNetwork: true"),
      want: "spec.containers[0].ports[0].hostPort: want 80, as containerPort says, with hostNetwork",
    },
    {
      name: "a mount of no volume",
      text: container("volumeMounts: [{name: v, mountPath: /a}]"),
      want: 'spec.containers[0].volumeMounts[0].name: the pod has no volume "v"',
    },
    {
      name: "two mounts at one path",
      text: container("volumeMounts: [{name: v, mountPath: /a}, {name: v, mountPath: /a}]", "volumes: [{name: v}]"),
      want: 'spec.containers[0].volumeMounts[1].mountPath: "/a" stands twice',
    },
    {
      name: "a path that leaves its volume",
      text: container("volumeMounts: [{name: v, mountPath: /a, subPath: ../x}]", "volumes: [{name: v}]"),
      want: "spec.containers[0].volumeMounts[0].subPath: want a relative path without '..', found \"../x\"",
    },
    {
      name: "a volume of two sources",
      text: container("", "volumes: [{name: v, emptyDir: {}, hostPath: {path: /a}}]"),
      want: "spec.volumes[0]: want only one of emptyDir, hostPath",
    },
    {
      name: "requests above limits",
      text: container("resources: {limits: {cpu: 1}, requests: {cpu: 1500m}}"),
      want: "spec.containers[0].resources.requests.cpu: want at most the limit 1, found 1500m",
    },
    {
      name: "less than nothing",
      text: container("resources: {requests: {cpu: -1}}"),
      want: "spec.containers[0].resources.requests.cpu: want at least 0, found -1",
    },
    {
      name: "devices overcommitted",
      text: container("resources: {limits: {nvidia.com/gpu: 2}, requests: {nvidia.com/gpu: 1}}"),
      want: 'spec.containers[0].resources.requests["nvidia.com/gpu"]: want the limit 2: nvidia.com/gpu cannot be overcommitted, found 1',
    },
    {
      name: "a variable of two values",
      text: container("env: [{name: A, value: x, valueFrom: {fieldRef: {fieldPath: a}}}]"),
      want: "spec.containers[0].env[0].valueFrom: not together with value",
    },
    {
      name: "a variable from nowhere",
      text: container("env: [{name: A, valueFrom: {}}]"),
      want: "spec.containers[0].env[0].valueFrom: want one of fieldRef, resourceFieldRef, configMapKeyRef, secretKeyRef",
    },
    {
      name: "a probe of an init container that ends",
      text: container("", "initContainers: [{name: d, image: i:1, livenessProbe: {exec: {command: [a]}}}]"),
      want: "spec.initContainers[0].livenessProbe: only an init container with restartPolicy Always can have this",
    },
    {
      name: "a grace of a readiness probe",
      text: container("readinessProbe: {exec: {command: [a]}, terminationGracePeriodSeconds: 3}"),
      want: "spec.containers[0].readinessProbe.terminationGracePeriodSeconds: a readiness probe ends no container",
    },
    {
      name: "a sysctl of the node's network",
      text: container("", "hostNetwork: true, securityContext: {sysctls: [{name: net.core.somaxconn, value: '1'}]}"),
      want: "spec.securityContext.sysctls[0].name: with hostNetwork it would change the node",
    },
    {
      name: "read-only below what can be written",
      text: container("volumeMounts: [{name: v, mountPath: /v, recursiveReadOnly: Enabled}]", "volumes: [{name: v}]"),
      want: "spec.containers[0].volumeMounts[0].recursiveReadOnly: only together with readOnly: true",
    },
    {
      name: "a token that no pod has",
      text: container("", "volumes: [{name: v, projected: {sources: [{serviceAccountToken: {path: t}}]}}]"),
      want: "spec.volumes[0].projected.sources[0].serviceAccountToken: pods have no API identity yet, so there is no token",
    },
    {
      name: "a probe of two actions",
      text: container("livenessProbe: {exec: {command: [a]}, tcpSocket: {port: 1}}"),
      want: "spec.containers[0].livenessProbe: want only one of exec, tcpSocket",
    },
    {
      name: "no time for a probe",
      text: container("livenessProbe: {exec: {command: [a]}, timeoutSeconds: 0}"),
      want: "spec.containers[0].livenessProbe.timeoutSeconds: want at least 1, found 0",
    },
    {
      name: "a toleration without key",
      text: container("", "tolerations: [{operator: Equal}]"),
      want: "spec.tolerations[0].operator: want Exists when there is no key",
    },
    {
      name: "gates on a pod that has its node",
      text: container("", "schedulingGates: [{name: a}], nodeName: b"),
      want: "spec.nodeName: cannot be set until all schedulingGates have been cleared",
    },
    {
      name: "a resolver without server",
      text: container("", "dnsPolicy: None"),
      want: "spec.dnsConfig.nameservers: dnsPolicy None needs a name server",
    },
    {
      name: "a selector of everything",
      text: deployment("").replace("selector: {matchLabels: {a: b}}", "selector: {}"),
      want: "spec.selector: an empty selector would take every pod",
    },
    {
      name: "a roll-out that cannot move",
      text: deployment("strategy: {rollingUpdate: {maxSurge: 0, maxUnavailable: 0%}}"),
      want: "spec.strategy.rollingUpdate.maxUnavailable: maxUnavailable and maxSurge cannot both be 0: no pod could be replaced",
    },
    {
      name: "a share that is none",
      text: deployment("strategy: {rollingUpdate: {maxSurge: many}}"),
      want: 'spec.strategy.rollingUpdate.maxSurge: want a count, or a percentage such as 25%, found "many"',
    },
    {
      name: "bounds of a recreation",
      text: deployment("strategy: {type: Recreate, rollingUpdate: {maxSurge: 1}}"),
      want: "spec.strategy.rollingUpdate: only with type RollingUpdate",
    },
    {
      name: "pods that end",
      text: deployment("").replace("spec: {containers", "spec: {restartPolicy: Never, containers"),
      want: 'spec.template.spec.restartPolicy: want Always, found "Never"',
    },
    { name: "a service without port", text: service(""), want: "spec.ports: a service with an address has a port" },
    {
      name: "ports without names",
      text: service("ports: [{port: 1}, {port: 2, name: b}]"),
      want: "spec.ports[0].name: each of several ports has a name",
    },
    {
      name: "one port twice",
      text: service("ports: [{port: 1, name: a}, {port: 1, name: b}]"),
      want: 'spec.ports[1].port: "1/TCP" stands twice',
    },
    {
      name: "a node port of a cluster address",
      text: service("ports: [{port: 1, nodePort: 30000}]"),
      want: "spec.ports[0].nodePort: may not be used when `type` is 'ClusterIP'",
    },
    {
      name: "a node port out of range",
      text: service("type: NodePort, ports: [{port: 1, nodePort: 80}]"),
      want: "spec.ports[0].nodePort: want 30000 to 32767, found 80",
    },
    {
      name: "a name that stands for nothing",
      text: service("type: ExternalName"),
      want: "spec.externalName: type ExternalName needs this field",
    },
    {
      name: "a port of a wrong name",
      text: service("ports: [{port: 1, targetPort: a--b}]"),
      want: "spec.ports[0].targetPort: want at most 15 lower-case letters, digits and single '-', with at least one letter",
    },
    {
      name: "a key in data and binaryData",
      text: "{apiVersion: v1, kind: ConfigMap, metadata: {name: c, namespace: d}, data: {a: x}, binaryData: {a: eA==}}",
      want: 'binaryData.a: "a" stands in data too',
    },
    {
      name: "an object that calls itself a copy",
      text: "{apiVersion: v1, kind: ConfigMap, metadata: {name: c, namespace: d, labels: {tallship.dev/copy-of: e}}}",
      want: 'metadata.labels["tallship.dev/copy-of"]: this label is the cluster\'s own',
    },
    {
      name: "a certificate without key",
      text: "{apiVersion: v1, kind: Secret, metadata: {name: c, namespace: d}, type: kubernetes.io/tls, stringData: {tls.crt: x}}",
      want: 'data["tls.key"]: a secret of type kubernetes.io/tls needs this key',
    },
    {
      name: "a login that is no JSON",
      text: "{apiVersion: v1, kind: Secret, metadata: {name: c, namespace: d}, type: kubernetes.io/dockerconfigjson, stringData: {.dockerconfigjson: x}}",
      want: 'data[".dockerconfigjson"]: want a JSON object',
    },
    {
      name: "a namespace in a namespace",
      text: "{apiVersion: v1, kind: Namespace, metadata: {name: c, namespace: d}}",
      want: "metadata.namespace: kind Namespace has no namespace",
    },
    {
      name: "no namespace",
      text: "{apiVersion: v1, kind: ConfigMap, metadata: {name: c}}",
      want: "metadata.namespace: this field is required",
    },
    {
      name: "an address of another family",
      text: "{apiVersion: discovery.k8s.io/v1, kind: EndpointSlice, metadata: {name: c, namespace: d}, addressType: IPv4, endpoints: [{addresses: ['::1']}]}",
      want: 'endpoints[0].addresses[0]: want an IPv4 address, found "::1"',
    },
  ];

  test.each(rows)("$name", ({ text, want }) => {
    expect(errors(text)).toEqual([want]);
  });
});

describe("a change that is not allowed is refused", () => {
  const rows = [
    {
      name: "a deployment's selector",
      before: deployment(""),
      after: deployment("").replaceAll("a: b", "a: c"),
      want: ["spec.selector: this field cannot be changed"],
    },
    {
      name: "a pod's command",
      before: container(""),
      after: container("command: [a]"),
      want: [
        "spec: only images, resources of cpu and memory, activeDeadlineSeconds, terminationGracePeriodSeconds and tolerations may change: delete the pod and create it anew",
      ],
    },
    {
      name: "a gate that is added",
      before: container("", "schedulingGates: [{name: a}]"),
      after: container("", "schedulingGates: [{name: b}]"),
      want: ["spec.schedulingGates[0]: only deletion is allowed, but found new scheduling gate b"],
    },
    {
      name: "a gate that is taken away",
      before: container("", "schedulingGates: [{name: a}]"),
      after: container(""),
      want: [],
    },
    { name: "a pod's image may change", before: container(""), after: container("").replace("i:1", "i:2"), want: [] },
    {
      name: "a pod is bound once",
      before: container("", "nodeName: a"),
      after: container("", "nodeName: b"),
      want: [
        "spec: only images, resources of cpu and memory, activeDeadlineSeconds, terminationGracePeriodSeconds and tolerations may change: delete the pod and create it anew",
      ],
    },
    { name: "a pod is bound", before: container(""), after: container("", "nodeName: b"), want: [] },
    {
      name: "a service's address",
      before: service("clusterIP: 10.96.0.1, ports: [{port: 1}]"),
      after: service("clusterIP: 10.96.0.2, ports: [{port: 1}]"),
      want: ["spec.clusterIPs[0]: may not change once set, it was 10.96.0.1"],
    },
    {
      name: "what is immutable",
      before: "{apiVersion: v1, kind: ConfigMap, metadata: {name: c, namespace: d}, immutable: true, data: {a: x}}",
      after: "{apiVersion: v1, kind: ConfigMap, metadata: {name: c, namespace: d}, data: {a: y}}",
      want: ["data: this object is immutable; delete it and create it anew", "immutable: what is immutable stays so"],
    },
    {
      name: "the label of a copy",
      before: "{apiVersion: v1, kind: Secret, metadata: {name: c, namespace: d, labels: {tallship.dev/copy-of: e}}}",
      after: "{apiVersion: v1, kind: Secret, metadata: {name: c, namespace: d}}",
      want: ['metadata.labels["tallship.dev/copy-of"]: this label is the cluster\'s own'],
    },
    {
      name: "another label of a copy",
      before: "{apiVersion: v1, kind: Secret, metadata: {name: c, namespace: d, labels: {tallship.dev/copy-of: e}}}",
      after:
        "{apiVersion: v1, kind: Secret, metadata: {name: c, namespace: d, labels: {tallship.dev/copy-of: e, a: b}}}",
      want: [],
    },
    {
      name: "a secret's type",
      before: "{apiVersion: v1, kind: Secret, metadata: {name: c, namespace: d}, type: a}",
      after: "{apiVersion: v1, kind: Secret, metadata: {name: c, namespace: d}, type: b}",
      want: ["type: this field cannot be changed"],
    },
  ];

  test.each(rows)("$name", ({ before, after, want }) => {
    expect(errors(after, before)).toEqual(want);
    expect(errors(before, before)).toEqual([]);
  });
});

test("a pod may set the kernel settings of its own namespaces, and is told which those are", () => {
  const sysctl = (name: string): readonly string[] =>
    errors(container("", `securityContext: {sysctls: [{name: ${name}, value: "1"}]}`));
  expect(sysctl("net.core.somaxconn")).toEqual([]);
  expect(sysctl("net/ipv4/tcp_syncookies")).toEqual([]);
  expect(sysctl("vm.swappiness")[0]).toMatch(/sysctls\[0\].name: a pod may not set vm.swappiness: it can set kernel/);
});
