import { expect, test } from "vitest";
import { Pod, type PodSpec } from "../proto/gen/tallship/v1/pod.js";
import { podRequests } from "./pod-requests.js";

interface Part {
  readonly cpu?: string;
  readonly limit?: string;
  readonly sidecar?: boolean;
}

const container = ({ cpu, limit, sidecar }: Part) => ({
  name: "c",
  restartPolicy: sidecar === true ? "Always" : "",
  resources: { requests: cpu === undefined ? {} : { cpu }, limits: limit === undefined ? {} : { cpu: limit } },
});

function cpuOf(spec: { init?: readonly Part[]; main: readonly Part[]; overhead?: PodSpec["overhead"] }): number {
  const pod = Pod.fromPartial({
    spec: {
      initContainers: (spec.init ?? []).map(container),
      containers: spec.main.map(container),
      overhead: spec.overhead ?? {},
    },
  });
  return podRequests(pod).get("cpu") ?? 0;
}

// The cases of Kubernetes' documentation on init containers and sidecars.
const rows = [
  { name: "containers add up", got: cpuOf({ main: [{ cpu: "100m" }, { cpu: "0.2" }] }), want: 300 },
  { name: "the limit stands in for a request", got: cpuOf({ main: [{ limit: "1" }] }), want: 1_000 },
  { name: "a request counts, not its limit", got: cpuOf({ main: [{ cpu: "100m", limit: "1" }] }), want: 100 },
  { name: "fractions are rounded up", got: cpuOf({ main: [{ cpu: "0.0001" }] }), want: 1 },
  {
    name: "the largest init container",
    got: cpuOf({ init: [{ cpu: "1" }, { cpu: "2" }], main: [{ cpu: "500m" }] }),
    want: 2_000,
  },
  { name: "a small init container", got: cpuOf({ init: [{ cpu: "100m" }], main: [{ cpu: "500m" }] }), want: 500 },
  {
    name: "a sidecar runs beside",
    got: cpuOf({ init: [{ cpu: "200m", sidecar: true }], main: [{ cpu: "500m" }] }),
    want: 700,
  },
  {
    name: "an init container runs beside the sidecars before it",
    got: cpuOf({ init: [{ cpu: "200m", sidecar: true }, { cpu: "1" }], main: [{ cpu: "500m" }] }),
    want: 1_200,
  },
  {
    name: "but not beside those after it",
    got: cpuOf({ init: [{ cpu: "1" }, { cpu: "200m", sidecar: true }], main: [{ cpu: "500m" }] }),
    want: 1_000,
  },
  {
    name: "overhead comes on top",
    got: cpuOf({ init: [{ cpu: "1" }], main: [{ cpu: "500m" }], overhead: { cpu: "50m" } }),
    want: 1_050,
  },
];

for (const { name, got, want } of rows) test(`requests: ${name}`, () => expect(got).toBe(want));

// While a pod is resized: what its node has granted, and what its spec asks for by now.
const resizes = [
  { name: "granted as asked", granted: "1", asked: "1", want: 1_000 },
  { name: "more is asked for and not granted yet", granted: "1", asked: "2", want: 2_000 },
  { name: "less is asked for, and the node has not let go yet", granted: "2", asked: "1", want: 2_000 },
  { name: "more than the node can ever give", granted: "1", asked: "9", reason: "Infeasible", want: 1_000 },
  { name: "more than the node has now", granted: "1", asked: "2", reason: "Deferred", want: 2_000 },
];

for (const { name, granted, asked, reason, want } of resizes) {
  test(`requests of a pod that is resized: ${name}`, () => {
    const pod = Pod.fromPartial({
      spec: { containers: [container({ cpu: asked })] },
      status: {
        containerStatuses: [{ name: "c", allocatedResources: { cpu: granted } }],
        conditions: reason === undefined ? [] : [{ type: "PodResizePending", status: "True", reason }],
      },
    });
    expect(podRequests(pod).get("cpu")).toBe(want);
  });
}
