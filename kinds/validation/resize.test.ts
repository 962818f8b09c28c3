import { expect, test } from "vitest";
import { Pod } from "../../proto/gen/tallship/v1/pod.js";
import type { FieldError } from "./findings.js";
import { validate } from "./validate.js";

type Amounts = Readonly<Record<string, string>>;
interface Shape {
  readonly limits?: Amounts;
  readonly requests?: Amounts;
  readonly isInit?: boolean;
  readonly restarts?: boolean;
  readonly restartPolicy?: string;
}

function podOf({ limits = {}, requests = {}, isInit = false, restarts = false, restartPolicy = "Always" }: Shape): Pod {
  const sized = {
    name: "web",
    image: "x",
    resources: { limits, requests },
    resizePolicy: restarts ? [{ resourceName: "cpu", restartPolicy: "RestartContainer" }] : [],
  };
  const plain = { name: "side", image: "x" };
  return Pod.fromPartial({
    metadata: { name: "p", namespace: "d" },
    spec: { restartPolicy, containers: isInit ? [plain] : [sized, plain], initContainers: isInit ? [sized] : [] },
  });
}

const texts = (errors: readonly FieldError[]): readonly string[] =>
  errors.map(({ path, message }) => `${path}: ${message}`);

const half = { limits: { cpu: "1" }, requests: { cpu: "500m" } };
// What a change of a pod that stands may do to its resources, as Kubernetes has it.
const rows: readonly {
  readonly name: string;
  readonly before: Shape;
  readonly after: Shape;
  readonly want: readonly string[];
}[] = [
  { name: "other amounts", before: half, after: { limits: { cpu: "2" }, requests: { cpu: "1" } }, want: [] },
  {
    name: "a limit that was not there",
    before: half,
    after: { ...half, limits: { cpu: "1", memory: "1Gi" } },
    want: [],
  },
  {
    name: "a limit taken away",
    before: half,
    after: { requests: { cpu: "500m" } },
    want: ["spec.containers[0].resources.limits.cpu: resource limits cannot be removed"],
  },
  {
    name: "another class",
    before: {},
    after: { requests: { cpu: "500m" } },
    want: ["spec: Pod QOS Class may not change as a result of resizing: it is BestEffort, and would be Burstable"],
  },
  {
    name: "an init container that ends",
    before: { ...half, isInit: true },
    after: { limits: { cpu: "2" }, requests: { cpu: "500m" }, isInit: true },
    want: ["spec.initContainers[0].resources: resources of init containers that end cannot be resized"],
  },
  {
    name: "another resource",
    before: { limits: { cpu: "1", "a.b/gpu": "1" } },
    after: { limits: { cpu: "1", "a.b/gpu": "2" } },
    want: [expect.stringContaining("spec: only images, resources of cpu and memory")],
  },
];

for (const { name, before, after, want } of rows) {
  test(`a resize: ${name}`, () => {
    const errors = validate({ kind: "Pod", object: podOf(after) }, { kind: "Pod", object: podOf(before) });
    expect(texts(errors)).toEqual(want);
  });
}

test("a restart for a resize needs a pod whose containers are restarted", () => {
  const errors = validate({ kind: "Pod", object: podOf({ ...half, restarts: true, restartPolicy: "Never" }) });
  expect(texts(errors)).toEqual([
    "spec.containers[0].resizePolicy[0].restartPolicy: may not be RestartContainer when the pod's restartPolicy is Never",
  ]);
});
