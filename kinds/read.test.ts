import { describe, expect, test } from "vitest";
import { problemText } from "./problem.js";
import { type ReadResult, readObjects } from "./read.js";
import { parseYaml } from "./yaml/parse.js";

const OPTIONS = { namespace: "default", isNamespaceAsked: false };

function read(text: string, options = OPTIONS): ReadResult {
  return readObjects([parseYaml({ name: "a.yaml", text })], options);
}

function problemsOf(text: string): readonly string[] {
  return read(text).problems.map(problemText);
}

const POD_HEAD = "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec:\n";
const CONTAINER = "  containers:\n  - name: c\n    image: i:1\n";

/** A whole deployment; each `replace` breaks one thing of it. */
const DEPLOYMENT = `apiVersion: apps/v1
kind: Deployment
metadata:
  name: hello
spec:
  replicas: 3
  selector:
    matchLabels: {app: hello}
  template:
    metadata:
      labels: {app: hello}
    spec:
      containers:
      - name: web
        image: web:1
`;

describe("every kind of mistake is named with its place", () => {
  const rows = [
    { name: "a bracket left open", text: "a: [1\nb: {}\n", want: "a.yaml:1:4: this bracket is not closed" },
    { name: "a quote left open", text: "a: x\nb: 'y\nc: z\n", want: "a.yaml:2:4: this quote is not closed" },
    {
      name: "a text that is taken for a map",
      text: "a: to: do\n",
      want: 'a.yaml:1:4: the ": " in this value makes a map of it; put it in quotes',
    },
    {
      name: "a template",
      text: "a: b\nc: {{ .x }}\n",
      want: "a.yaml:2:5: a key is a string; a template must be rendered first (helm template)",
    },
    { name: "tab as indentation", text: "a:\n\tb: 1\n", want: "a.yaml:2:1: tabs are not allowed as indentation" },
    { name: "no object", text: "- a\n", want: "a.yaml:1:1: want an object with apiVersion and kind, found a list" },
    { name: "no kind", text: "apiVersion: v1\n", want: "a.yaml:1:1: want kind: this object has none" },
    { name: "no apiVersion", text: "kind: Pod\n", want: "a.yaml:1:1: want apiVersion: this object has none" },
    {
      name: "unknown kind",
      text: "apiVersion: batch/v1\nkind: Workload\n",
      want: "a.yaml:2:7: kind Workload of group batch is not supported",
    },
    {
      name: "kind of another group",
      text: "apiVersion: serving.knative.dev/v1\nkind: Service\n",
      want: "a.yaml:2:7: kind Service of group serving.knative.dev is not supported: use a Deployment and a Service of v1",
    },
    {
      name: "kind of a group that nobody has heard of",
      text: "apiVersion: example.com/v1\nkind: Ingress\n",
      want: "a.yaml:2:7: kind Ingress of group example.com is not supported, did you mean Ingress of networking.k8s.io/v1?",
    },
    {
      name: "kind of a group that was given up",
      text: "apiVersion: extensions/v1beta1\nkind: Ingress\n",
      want: "a.yaml:2:7: version extensions/v1beta1 of kind Ingress is not supported, use networking.k8s.io/v1",
    },
    {
      name: "beta of a batch kind",
      text: "apiVersion: batch/v1beta1\nkind: CronJob\n",
      want: "a.yaml:2:7: version batch/v1beta1 of kind CronJob is not supported, use batch/v1",
    },
    {
      name: "beta of a policy kind",
      text: "apiVersion: policy/v1beta1\nkind: PodDisruptionBudget\n",
      want: "a.yaml:2:7: version policy/v1beta1 of kind PodDisruptionBudget is not supported, use policy/v1",
    },
    {
      name: "beta of the autoscaler",
      text: "apiVersion: autoscaling/v2beta2\nkind: HorizontalPodAutoscaler\n",
      want: "a.yaml:2:7: version autoscaling/v2beta2 of kind HorizontalPodAutoscaler is not supported, use autoscaling/v2",
    },
    {
      name: "custom kind",
      text: "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\n",
      want: "a.yaml:2:7: kind CustomResourceDefinition of group apiextensions.k8s.io is not supported: custom kinds are not supported; what needs them needs another way to be run",
    },
    {
      name: "kind of Kubernetes that is not there, with what to do",
      text: "apiVersion: v1\nkind: Endpoints\n",
      want: "a.yaml:2:7: kind Endpoints of the core group is not supported: write an EndpointSlice of discovery.k8s.io/v1",
    },
    {
      name: "old version",
      text: "apiVersion: apps/v1beta1\nkind: Deployment\n",
      want: "a.yaml:2:7: version apps/v1beta1 of kind Deployment is not supported, use apps/v1",
    },
    {
      name: "unknown field",
      text: `${POD_HEAD}${CONTAINER}  restartPolicies: Never\n`,
      want: 'a.yaml:8:3: spec.restartPolicies: unknown field "restartPolicies"',
    },
    {
      name: "misspelt field",
      text: `${POD_HEAD}${CONTAINER}  hostnetwork: true\n`,
      want: 'a.yaml:8:3: spec.hostnetwork: unknown field "hostnetwork", did you mean "hostNetwork"?',
    },
    {
      name: "field of the server",
      text: "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c, applied: {a: aGk=}}\n",
      want: 'a.yaml:3:21: metadata.applied: unknown field "applied"',
    },
    {
      name: "number for a string",
      text: "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\ndata:\n  port: 8080\n",
      want: "a.yaml:5:9: data.port: want a string, found the number 8080; put it in quotes",
    },
    {
      name: "list for a map",
      text: "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\ndata: [a]\n",
      want: "a.yaml:4:7: data: want a map, found a list",
    },
    {
      name: "map for a list",
      text: `${POD_HEAD}  containers: {name: c}\n`,
      want: "a.yaml:5:15: spec.containers: want a list, found a map",
    },
    {
      name: "string for a number",
      text: DEPLOYMENT.replace("replicas: 3", "replicas: three"),
      want: 'a.yaml:6:13: spec.replicas: want a whole number, found the string "three"',
    },
    {
      name: "fraction for a whole number",
      text: DEPLOYMENT.replace("replicas: 3", "replicas: 1.5"),
      want: "a.yaml:6:13: spec.replicas: want a whole number, found the number 1.5",
    },
    {
      name: "number too large for its type",
      text: DEPLOYMENT.replace("replicas: 3", "replicas: 3000000000"),
      want: "a.yaml:6:13: spec.replicas: want a number from -2147483648 to 2147483647, found 3000000000",
    },
    {
      name: "out of range",
      text: DEPLOYMENT.replace("replicas: 3", "replicas: -1"),
      want: "a.yaml:6:13: spec.replicas: want at least 0, found -1",
    },
    {
      name: "string for a boolean",
      text: `${POD_HEAD}${CONTAINER}  hostNetwork: "true"\n`,
      want: 'a.yaml:8:16: spec.hostNetwork: want true or false, found the string "true"',
    },
    {
      name: "not one of the words",
      text: `${POD_HEAD}${CONTAINER}  restartPolicy: Sometimes\n`,
      want: 'a.yaml:8:18: spec.restartPolicy: want Always, OnFailure, Never, found "Sometimes"',
    },
    {
      name: "malformed quantity",
      text: `${POD_HEAD}${CONTAINER}    resources: {limits: {memory: 12Q}}\n`,
      want: 'a.yaml:8:34: spec.containers[0].resources.limits.memory: want a quantity such as 500m, 64Mi or 2, found "12Q"',
    },
    {
      name: "malformed base64",
      text: "apiVersion: v1\nkind: Secret\nmetadata: {name: s}\ndata: {key: hello}\n",
      want: "a.yaml:4:13: data.key: want base64, found other characters or a wrong length",
    },
    {
      name: "malformed label",
      text: 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c, labels: {a/b/c: "x y"}}\n',
      want: [
        "a.yaml:3:37: metadata.labels[\"a/b/c\"]: malformed key: want at most 63 letters, digits, '-', '_' and '.', starting and ending with a letter or digit, optionally after a DNS name and '/'",
        "a.yaml:3:37: metadata.labels[\"a/b/c\"]: want at most 63 letters, digits, '-', '_' and '.', starting and ending with a letter or digit, found \"x y\"",
      ],
    },
    {
      name: "over-long name",
      text: `apiVersion: v1\nkind: ConfigMap\nmetadata: {name: ${"a".repeat(254)}}\n`,
      want: `a.yaml:3:18: metadata.name: want at most 253 lower-case letters, digits, '-' and '.', starting and ending with a letter or digit, found "${"a".repeat(80)}…"`,
    },
    {
      name: "missing field",
      text: `${POD_HEAD}  containers:\n  - name: c\n`,
      want: "a.yaml:6:5: spec.containers[0].image: this field is required",
    },
    {
      name: "several missing fields",
      text: `${POD_HEAD}  containers:\n  - env: [{value: x}]\n`,
      want: [
        "a.yaml:6:5: spec.containers[0].name: this field is required",
        "a.yaml:6:5: spec.containers[0].image: this field is required",
        "a.yaml:6:11: spec.containers[0].env[0].name: this field is required",
      ],
    },
    {
      name: "missing name",
      text: "apiVersion: v1\nkind: ConfigMap\n",
      want: "a.yaml:1:1: metadata.name: this field is required",
    },
    {
      name: "duplicate key",
      text: "apiVersion: v1\nkind: ConfigMap\nkind: Pod\n",
      want: 'a.yaml:3:1: duplicate key "kind"',
    },
    {
      name: "object twice",
      text: "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\n---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\n",
      want: "a.yaml:5:1: ConfigMap/default/c stands at a.yaml:1:1 too",
    },
    {
      name: "selector and labels differ",
      text: DEPLOYMENT.replace("labels: {app: hello}", "labels: {app: hallo}"),
      want: "a.yaml:11:7: spec.template.metadata.labels: spec.selector does not select these labels",
    },
    {
      name: "key of JavaScript's own",
      text: "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\ndata: {__proto__: x}\n",
      want: "a.yaml:4:19: data.__proto__: this key is not allowed",
    },
    {
      name: "inside a list",
      text: "apiVersion: v1\nkind: List\nitems:\n- apiVersion: v1\n  kind: Namespace\n  metadata: {name: A}\n",
      want: "a.yaml:6:20: items[0].metadata.name: want at most 63 lower-case letters, digits and '-', starting and ending with a letter or digit, found \"A\"",
    },
    { name: "alias without anchor", text: "a: *b\n", want: "a.yaml:1:4: alias *b has no anchor before it" },
    { name: "alias of itself", text: "a: &b [*b]\n", want: "a.yaml:1:8: alias *b contains itself" },
    { name: "unknown tag", text: "a: !go hi\n", want: "a.yaml:1:8: tag !go is not supported" },
  ];

  test.each(rows)("$name", ({ text, want }) => {
    expect(problemsOf(text)).toEqual([want].flat());
  });

  test("of all documents at once, in their order", () => {
    const text = `${DEPLOYMENT.replace("image", "imag").replace("3", '"3"')}---\nkind: Pod\n---\n${POD_HEAD}  containers: []\n`;
    expect(problemsOf(text)).toEqual([
      'a.yaml:6:13: spec.replicas: want a whole number, found the string "3"; remove the quotes',
      'a.yaml:15:9: spec.template.spec.containers[0].imag: unknown field "imag", did you mean "image"?',
      "a.yaml:17:1: want apiVersion: this object has none",
      "a.yaml:23:3: spec.containers: this field is required",
    ]);
  });

  test("of another namespace than the command's", () => {
    const text = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c, namespace: b}\n";
    const { problems } = read(text, { namespace: "a", isNamespaceAsked: true });
    expect(problems.map(problemText)).toEqual([
      "a.yaml:3:32: metadata.namespace: the object is of namespace b, the command of a",
    ]);
  });
});

describe("what is not enforced is named", () => {
  test("a kind as a whole, by its name", () => {
    const { warnings, problems } = read(
      "apiVersion: rbac.authorization.k8s.io/v1\nkind: Role\nmetadata: {name: r}\nrules: []\n",
    );
    expect(problems).toEqual([]);
    expect(warnings.map(problemText)).toEqual([
      "a.yaml:1:1: accepted, not enforced: kind Role: roles grant nothing yet: certificates say who may do what",
    ]);
  });

  const rows = [
    {
      name: "asked for",
      field: "runtimeClassName: gvisor",
      want: ["spec.runtimeClassName: accepted, not enforced: there is one runtime per node"],
    },
    { name: "zero asks for nothing", field: "hostPID: false", want: [] },
    { name: "what holds anyway", field: "hostUsers: true", want: [] },
    { name: "what is built", field: "hostUsers: false", want: [] },
    { name: "the default", field: "dnsPolicy: ClusterFirst", want: [] },
    { name: "nothing", field: "affinity:", want: [] },
  ];

  test.each(rows)("$name", ({ field, want }) => {
    const { warnings, problems } = read(`${POD_HEAD}${CONTAINER}  ${field}\n`);
    expect(problems).toEqual([]);
    expect(warnings.map(({ path, message }) => `${path}: ${message}`)).toEqual(want);
  });

  test("the volume that Kubernetes adds to every pod, with its mounts", () => {
    const text = `apiVersion: v1
kind: Pod
metadata: {name: p}
spec:
  containers:
    - {name: c, image: i, volumeMounts: [{name: kube-api-access-x7n8q, mountPath: /var/run/secrets}, {name: d, mountPath: /d}]}
  volumes:
    - {name: d, emptyDir: {}}
    - {name: kube-api-access-x7n8q, projected: {sources: [{serviceAccountToken: {path: token}}]}}
`;
    const { objects, warnings, problems } = read(text);
    expect(problems).toEqual([]);
    expect(warnings.map(problemText)).toEqual([
      "a.yaml:9:7: spec.volumes: ignored: Kubernetes adds it for its API's token, which pods do not have here",
    ]);
    expect(objects[0]?.typed.object).toMatchObject({
      spec: { volumes: [{ name: "d" }], containers: [{ volumeMounts: [{ name: "d" }] }] },
    });
  });

  test("what the server of Kubernetes wrote into the file", () => {
    const text =
      "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c, creationTimestamp: null, managedFields: [{manager: x}]}\n";
    const { warnings, problems } = read(text);
    expect(problems).toEqual([]);
    expect(warnings.map(problemText)).toEqual(["a.yaml:3:46: metadata.managedFields: ignored: the server writes it"]);
  });
});

test("annotations of a service that nothing reads are named where they stand, with the field that does the same", () => {
  const text = `apiVersion: v1
kind: Service
metadata:
  name: web
  annotations:
    metallb.universe.tf/loadBalancerIPs: 192.0.2.7
    service.beta.kubernetes.io/aws-load-balancer-type: nlb
    service.kubernetes.io/topology-mode: Auto
spec:
  ports: [{port: 80}]
`;
  const { warnings } = read(text);
  expect(warnings.map(problemText)).toEqual([
    "a.yaml:6:5: metadata: accepted, not enforced: annotation metallb.universe.tf/loadBalancerIPs: spec.loadBalancerIP asks for an address",
    "a.yaml:7:5: metadata: accepted, not enforced: annotation service.beta.kubernetes.io/aws-load-balancer-type: it is for another load balancer",
  ]);
});

test("fields of a service that Kubernetes takes without effect are named, for the types that have no use for them", () => {
  const text = (type: string): string => `apiVersion: v1
kind: Service
metadata: {name: web}
spec:
  type: ${type}
  ports: [{port: 80}]
  loadBalancerIP: 192.0.2.7
  sessionAffinityConfig: {clientIP: {timeoutSeconds: 10}}
  internalTrafficPolicy: Local
`;
  const told = (type: string): readonly string[] => read(text(type)).warnings.map(problemText);
  const affinity = "a.yaml:8:3: spec.sessionAffinityConfig: accepted, not enforced: it is for sessionAffinity ClientIP";
  const balancer = "a.yaml:7:3: spec.loadBalancerIP: accepted, not enforced: it is for type LoadBalancer";
  expect(told("LoadBalancer")).toEqual([affinity]);
  expect(told("NodePort")).toEqual([balancer, affinity]);
  expect(told("ExternalName")).toEqual([
    balancer,
    affinity,
    "a.yaml:9:3: spec.internalTrafficPolicy: accepted, not enforced: a service of type ExternalName is a name alone",
  ]);
});

test("annotations of an ingress that nothing reads are named where they stand", () => {
  const text = `apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: web
  annotations:
    nginx.ingress.kubernetes.io/rewrite-target: /
    nginx.ingress.kubernetes.io/server-snippet: "return 200;"
    traefik.ingress.kubernetes.io/router.tls: "true"
    example.com/owner: ann
spec:
  defaultBackend: {service: {name: web, port: {number: 80}}}
`;
  const { warnings } = read(text);
  expect(warnings.map(problemText)).toEqual([
    'a.yaml:7:5: metadata: accepted, not enforced: annotation nginx.ingress.kubernetes.io/server-snippet: nothing here does what "server-snippet" asks for',
    "a.yaml:8:5: metadata: accepted, not enforced: annotation traefik.ingress.kubernetes.io/router.tls: it is for another ingress controller",
  ]);
});
