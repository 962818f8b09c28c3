import { expect, test } from "vitest";
import { Pod } from "../../proto/gen/tallship/v1/pod.js";
import { metricsUrl } from "./pod-metrics.js";
import { samplesIn } from "./prometheus-text.js";

const page = `# HELP jobs_waiting Jobs that wait.
# TYPE jobs_waiting gauge
jobs_waiting 12
jobs_waiting_total 7
jobs{queue="a",note="one \\"two\\", three\\\\"} 3.5 1700000000000
jobs{queue="b",} 4e2
jobs {queue="c"} 1
jobs{queue="d"} NaN
jobs{queue="e"} +Inf
jobs
`;

test("samples of the named metrics are read with their labels; what is no number is passed over", () => {
  expect(samplesIn(page, new Set(["jobs_waiting", "jobs"]))).toEqual([
    { name: "jobs_waiting", labels: {}, value: 12 },
    { name: "jobs", labels: { queue: "a", note: 'one "two", three\\' }, value: 3.5 },
    { name: "jobs", labels: { queue: "b" }, value: 400 },
  ]);
});

const pod = (annotations: Readonly<Record<string, string>>, containerPort?: number): Pod =>
  Pod.fromPartial({
    metadata: { annotations },
    spec: { containers: [{ ports: containerPort === undefined ? [] : [{ containerPort }] }] },
  });

// What the annotations say, and where that leads.
const rows = [
  { name: "nothing but a port of a container", pod: pod({}, 8080), want: "http://10.0.0.1:8080/metrics" },
  {
    name: "all of it",
    pod: pod({ "prometheus.io/port": "9", "prometheus.io/path": "/m?x=1", "prometheus.io/scheme": "https" }, 8080),
    want: "https://10.0.0.1:9/m?x=1",
  },
  { name: "no port at all", pod: pod({}), want: undefined },
  { name: "a port that is none", pod: pod({ "prometheus.io/port": "http" }, 8080), want: undefined },
  { name: "not to be read", pod: pod({ "prometheus.io/scrape": "false" }, 8080), want: undefined },
  {
    name: "a path that looks like a host",
    pod: pod({ "prometheus.io/path": "//evil/" }, 1),
    want: "http://10.0.0.1:1//evil/",
  },
  { name: "a path with an at sign", pod: pod({ "prometheus.io/path": "@evil/" }, 1), want: "http://10.0.0.1:1/@evil/" },
];

for (const { name, pod, want } of rows)
  test(`where a pod exports its metrics: ${name}`, () =>
    expect(metricsUrl({ pod, address: "10.0.0.1" })?.href).toBe(want));

test("a pod without an address exports nothing, and an IPv6 address stands in brackets", () => {
  expect(metricsUrl({ pod: pod({}, 1), address: "" })).toBeUndefined();
  expect(metricsUrl({ pod: pod({}, 1), address: "fd00::1" })?.href).toBe("http://[fd00::1]:1/metrics");
});
