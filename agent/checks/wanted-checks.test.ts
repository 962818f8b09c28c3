import { expect, test } from "vitest";
import { freshRecord, NOW, podTurn, running, seen, turnPod } from "../../test/kit/pod-turns.js";
import { type ContainerRecord, containerRecord, withContainer } from "../pod-record.js";
import { isContainerReady } from "../restart-policy.js";
import { newEnding, noteVerdict } from "./note-verdict.js";
import { wantedChecks } from "./wanted-checks.js";

const named = { value: { $case: "strVal", value: "admin" } } as const;
const port = (value: number) => ({ value: { $case: "intVal", value } }) as const;
const container = {
  name: "web",
  image: "x",
  ports: [{ name: "admin", containerPort: 8081 }],
  lifecycle: { postStart: { exec: { command: ["hello"] } }, preStop: { sleep: { seconds: 5 } } },
  startupProbe: { tcpSocket: { port: port(80) }, periodSeconds: 1, failureThreshold: 30 },
  livenessProbe: { grpc: { port: 90, service: "web" }, initialDelaySeconds: 20, terminationGracePeriodSeconds: 3 },
  readinessProbe: { httpGet: { path: "/ready", port: named, scheme: "HTTPS", host: "" }, timeoutSeconds: 2 },
};
const pod = turnPod({ containers: [container] });
const checksFor = (change: Partial<ContainerRecord>, of = pod) => {
  const record = withContainer(freshRecord, "web", { startedAtMs: NOW - 10_000, ...change });
  return wantedChecks(podTurn(of, { record, containers: [seen(running)] }), of);
};
const kinds = (change: Partial<ContainerRecord>) => checksFor(change).map(({ kind }) => kind);

// The checks of a run at each point of its life.
const rows = [
  { name: "at first the hook after the start", change: {}, want: ["postStart"] },
  { name: "then the startup probe alone", change: { isPosted: true }, want: ["startup"] },
  { name: "then both others", change: { isPosted: true, isStartupPassed: true }, want: ["liveness", "readiness"] },
  {
    name: "at its end the hook before it",
    change: { ending: newEnding("", 9_000, NOW) },
    want: ["preStop", "readiness"],
  },
  { name: "no hook without grace", change: { ending: newEnding("", 0, NOW) }, want: ["readiness"] },
  {
    name: "no hook after the signal",
    change: { ending: { ...newEnding("", 9_000, NOW), signalledAtMs: NOW } },
    want: ["readiness"],
  },
] as const;
for (const { name, change, want } of rows) test(`checks: ${name}`, () => expect(kinds(change)).toEqual(want));

test("checks: what does not run is not checked", () => {
  expect(wantedChecks(podTurn(pod, { containers: [seen({ is: "created", pid: 7 })] }), pod)).toEqual([]);
  expect(wantedChecks(podTurn(pod, { containers: [seen(running, 3)] }), pod)).toEqual([]);
});

test("checks: ports are found by name, hosts are the pod's, times are those of Kubernetes", () => {
  const [liveness, readiness] = checksFor({ isPosted: true, isStartupPassed: true });
  expect(readiness?.target).toMatchObject({
    is: "http",
    scheme: "HTTPS",
    host: "10.128.0.2",
    port: 8081,
    path: "/ready",
  });
  expect(readiness?.timing).toEqual({
    firstAtMs: NOW - 10_000,
    periodMs: 10_000,
    timeoutMs: 2_000,
    successThreshold: 1,
    failureThreshold: 3,
  });
  expect(liveness?.target).toEqual({ is: "grpc", host: "10.128.0.2", port: 90, service: "web" });
  expect(liveness?.timing.firstAtMs).toBe(NOW + 10_000);
});

test("checks: a port name that the container does not have makes the check impossible, and says so", () => {
  const of = turnPod({ containers: [{ ...container, ports: [] }] });
  const [, readiness] = checksFor({ isPosted: true, isStartupPassed: true }, of);
  expect(readiness?.target).toEqual({ is: "impossible", message: "container web has no port named admin" });
});

const record = withContainer(freshRecord, "web", { startedAtMs: NOW - 10_000 });
const verdict = (
  kind: "startup" | "liveness" | "readiness" | "postStart" | "preStop",
  isPassed: boolean,
  attempt = 0,
) => {
  const target = { is: "sleep", ms: 0 } as const;
  const timing = { firstAtMs: 0, periodMs: 1_000, timeoutMs: 1, successThreshold: 1, failureThreshold: 1 };
  const check = { kind, container: "web", attempt, target, timing };
  return noteVerdict(record, pod, { check, isPassed, nowMs: NOW });
};

test("checks: what fails ends the run, with the probe's own grace", () => {
  const ending = (of: ReturnType<typeof verdict>) => containerRecord(of, "web").ending;
  expect(ending(verdict("liveness", false))).toMatchObject({
    graceMs: 3_000,
    why: expect.stringContaining("liveness probe"),
  });
  expect(ending(verdict("startup", false))).toMatchObject({ graceMs: 30_000 });
  expect(ending(verdict("postStart", false))).toMatchObject({ graceMs: 30_000 });
  expect(ending(verdict("readiness", false))).toBe(undefined);
  expect(verdict("liveness", false, 1)).toBe(record);
});

test("checks: a run is ready when its hook, its startup and its readiness probe have passed", () => {
  const [of] = pod.spec?.containers ?? [];
  const isReady = (change: Partial<ContainerRecord>): boolean =>
    of !== undefined && isContainerReady(of, containerRecord(withContainer(record, "web", change), "web"));
  expect(isReady({ isReady: true })).toBe(false);
  expect(isReady({ isReady: true, isPosted: true })).toBe(false);
  expect(isReady({ isPosted: true, isStartupPassed: true })).toBe(false);
  expect(isReady({ isPosted: true, isStartupPassed: true, isReady: true })).toBe(true);
});
