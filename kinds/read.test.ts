import { describe, expect, test } from "vitest";
import { toJson } from "./encode.js";
import { problemText } from "./problem.js";
import { type ReadResult, readObjects } from "./read.js";
import { parseYaml } from "./yaml/parse.js";
import { stripBom } from "./yaml/source.js";

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
    {
      name: "not YAML",
      text: "a: [1",
      want: "a.yaml:1:6: flow sequence in block collection must be sufficiently indented and end with a ]",
    },
    { name: "tab as indentation", text: "a:\n\tb: 1\n", want: "a.yaml:2:1: tabs are not allowed as indentation" },
    { name: "no object", text: "- a\n", want: "a.yaml:1:1: want an object with apiVersion and kind, found a list" },
    { name: "no kind", text: "apiVersion: v1\n", want: "a.yaml:1:1: want kind: this object has none" },
    { name: "no apiVersion", text: "kind: Pod\n", want: "a.yaml:1:1: want apiVersion: this object has none" },
    {
      name: "unknown kind",
      text: "apiVersion: batch/v1\nkind: PodGroup\n",
      want: "a.yaml:2:7: kind PodGroup of group batch is not supported",
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
      "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: n}\nspec: {podSelector: {}}\n",
    );
    expect(problems).toEqual([]);
    expect(warnings.map(problemText)).toEqual([
      "a.yaml:1:1: accepted, not enforced: kind NetworkPolicy: all traffic between pods is let through yet",
    ]);
  });

  const rows = [
    {
      name: "asked for",
      field: "affinity: {podAffinity: {}}",
      want: ["spec.affinity.podAffinity: accepted, not enforced: affinity to other pods is not considered yet"],
    },
    { name: "zero asks for nothing", field: "hostPID: false", want: [] },
    { name: "what holds anyway", field: "hostUsers: true", want: [] },
    {
      name: "an absence that matters",
      field: "hostUsers: false",
      want: ["spec.hostUsers: accepted, not enforced: pods share the host's user ids"],
    },
    { name: "the default", field: "dnsPolicy: ClusterFirst", want: [] },
    { name: "nothing", field: "affinity:", want: [] },
  ];

  test.each(rows)("$name", ({ field, want }) => {
    const { warnings, problems } = read(`${POD_HEAD}${CONTAINER}  ${field}\n`);
    expect(problems).toEqual([]);
    expect(warnings.map(({ path, message }) => `${path}: ${message}`)).toEqual(want);
  });

  test("what the server of Kubernetes wrote into the file", () => {
    const text =
      "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c, creationTimestamp: null, managedFields: [{manager: x}]}\n";
    const { warnings, problems } = read(text);
    expect(problems).toEqual([]);
    expect(warnings.map(problemText)).toEqual(["a.yaml:3:46: metadata.managedFields: ignored: the server writes it"]);
  });
});

describe("the traps of YAML", () => {
  function dataOf(text: string): unknown {
    const result = read(`apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\n${text}`);
    expect(result.problems.map(problemText)).toEqual([]);
    return result.objects.map(({ typed }) => toJson(typed)["data"]).at(0);
  }

  const rows: { name: string; text: string; want: Readonly<Record<string, string>> }[] = [
    { name: "on and yes are strings", text: "data: {a: on, b: yes, c: n}", want: { a: "on", b: "yes", c: "n" } },
    { name: "flow style with a trailing comma", text: "data: {a: x, b: y,}", want: { a: "x", b: "y" } },
    { name: "numbers as keys", text: 'data: {8080: "x", 1.10: y}', want: { "8080": "x", "1.10": "y" } },
    { name: "no final newline", text: "data:\n  a: x", want: { a: "x" } },
    { name: "CRLF", text: "data:\r\n  a: x\r\n  b: |\r\n    one\r\n    two\r\n", want: { a: "x", b: "one\ntwo\n" } },
    {
      name: "a document separator in a block scalar",
      text: "data:\n  a: |\n    x\n    ---\n    y\n",
      want: { a: "x\n---\ny\n" },
    },
    { name: "tabs between values and in texts", text: 'data: {a:\t"x\ty",\tb: z}', want: { a: "x\ty", b: "z" } },
    { name: "a key of an octal look", text: 'data: {0755: "x"}', want: { "0755": "x" } },
    { name: "anchors", text: "data: {a: &x hi, b: *x}", want: { a: "hi", b: "hi" } },
    { name: "an empty value of a map", text: "data:\n  a:\n", want: { a: "" } },
    { name: "a tag of string", text: "data: {a: !!str 123}", want: { a: "123" } },
    { name: "a date is a string", text: "data: {a: 2026-01-31}", want: { a: "2026-01-31" } },
    { name: "a time of day is a string", text: "data: {a: 12:30:45}", want: { a: "12:30:45" } },
    { name: "folded text", text: "data:\n  a: >-\n    x\n    y\n", want: { a: "x y" } },
    {
      name: "constructor is a key like any other",
      text: "data: {constructor: x, toString: y}",
      want: Object.fromEntries([
        ["constructor", "x"],
        ["toString", "y"],
      ]),
    },
  ];

  test.each(rows)("$name", ({ text, want }) => {
    expect(dataOf(text)).toEqual(want);
  });

  test("merge keys: the map's own entries win, then the earlier merge", () => {
    const text = ["data:", "  <<: [{a: one, b: one}, {b: two, c: two}]", "  a: own"].join("\n");
    expect(dataOf(text)).toEqual({ b: "one", c: "two", a: "own" });
  });

  test("a leading zero means octal in a number, as in Kubernetes", () => {
    const text = `${POD_HEAD}${CONTAINER}  volumes: [{name: v, configMap: {name: c, defaultMode: 0400}}]\n`;
    const { objects, problems } = read(text);
    expect(problems).toEqual([]);
    expect(JSON.stringify(objects.map(({ typed }) => toJson(typed)))).toContain('"defaultMode":256');
  });

  test("an unquoted yes is true where only true and false can stand", () => {
    const { objects, problems } = read(`${POD_HEAD}${CONTAINER}  hostNetwork: yes\n`);
    expect(problems).toEqual([]);
    expect(JSON.stringify(objects.map(({ typed }) => toJson(typed)))).toContain('"hostNetwork":true');
  });

  test("a byte order mark before the first document and after a separator", () => {
    const text = stripBom(
      "\uFEFFapiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\n---\n\uFEFFapiVersion: v1\nkind: Secret\nmetadata: {name: s}\n\uFEFF---\napiVersion: v1\nkind: Pod\n",
    );
    const { objects, problems } = read(text);
    expect(problems.map(problemText)).toEqual([
      "a.yaml:9:1: metadata.name: this field is required",
      "a.yaml:9:1: spec: this field is required",
    ]);
    expect(objects.map(({ typed }) => typed.kind)).toEqual(["ConfigMap", "Secret", "Pod"]);
  });

  test("500 KB of merges are read in bounded time", () => {
    const row = (at: number): string =>
      `- apiVersion: v1\n  kind: ConfigMap\n  metadata: {name: c${at}}\n  data:\n    <<: *base\n    n: "${at}"\n`;
    const items = Array.from({ length: 6_000 }, (_, at) => row(at));
    const text = `apiVersion: v1\nkind: List\nmetadata: {}\nitems:\n- apiVersion: v1\n  kind: ConfigMap\n  metadata: {name: base}\n  data: &base {a: one, b: two}\n${items.join("")}`;
    expect(text.length).toBeGreaterThan(500_000);
    const startedAt = performance.now();
    const { objects, problems } = read(text);
    expect(problems.map(problemText)).toEqual([]);
    expect(objects).toHaveLength(6_001);
    // The yaml package alone blocks for more than half a minute on a file like this one.
    expect(performance.now() - startedAt).toBeLessThan(15_000);
  });

  test("JSON, with tabs", () => {
    const text =
      '{\n\t"apiVersion": "v1",\n\t"kind": "ConfigMap",\n\t"metadata": {"name": "c"},\n\t"data": {"a": "\\ud83d\\ude00\\/"}\n}\n';
    const { objects, problems } = read(text);
    expect(problems.map(problemText)).toEqual([]);
    expect(objects.map(({ typed }) => toJson(typed)["data"])).toEqual([{ a: "😀/" }]);
  });

  test("a typed list whose items leave kind and version out", () => {
    const text = "apiVersion: v1\nkind: ConfigMapList\nitems: [{metadata: {name: a}}, {metadata: {name: b}}]\n";
    const { objects, problems } = read(text);
    expect(problems).toEqual([]);
    expect(objects.map(({ typed }) => typed.object.metadata?.name)).toEqual(["a", "b"]);
  });

  test("empty documents and comments are nothing", () => {
    expect(read("# nothing\n---\n---\n\n...\n").objects).toEqual([]);
    expect(read("").problems).toEqual([]);
  });
});

describe("hostile text ends in one error, soon", () => {
  const bomb = Array.from(
    { length: 30 },
    (_, level) => `a${level}: &a${level} [${level === 0 ? "x" : `*a${level - 1},*a${level - 1}`}]`,
  );
  const merges = Array.from(
    { length: 4_000 },
    (_, at) => `m${at}: &m${at}\n  ${at === 0 ? "" : `<<: *m${at - 1}\n  `}k${at}: v`,
  );
  const rows = [
    { name: "an alias bomb", text: bomb.join("\n"), want: /aliases and merges expand to more than 1000000 values/ },
    {
      name: "a bomb of merges",
      text: merges.join("\n"),
      want: /aliases and merges expand to more than 1000000 values/,
    },
    {
      name: "a bomb of one long text",
      text: `a: &a ${"x".repeat(1_000_000)}\nb: [${"*a,".repeat(1_000)}]`,
      want: /expand to more than/,
    },
    { name: "deep flow", text: "[".repeat(20_000), want: /nested deeper than 64 levels/ },
    { name: "deep blocks", text: "- ".repeat(20_000), want: /nested deeper than 64 levels/ },
    { name: "a file too large", text: " ".repeat(33_554_433), want: /larger than 33554432 bytes/ },
  ];

  test.each(rows)("$name", ({ text, want }) => {
    const [first, ...rest] = problemsOf(text);
    expect(first).toMatch(want);
    expect(rest).toEqual([]);
  });
});
