import { describe, expect, test } from "vitest";
import { ageText, durationText } from "../age.js";
import { decodeDocument } from "../decode.js";
import type { Typed } from "../object.js";
import { isKindName, KINDS } from "../registry.js";
import { parseYaml } from "../yaml/parse.js";
import { cells, headings } from "./columns.js";

const NOW_MS = Date.parse("2026-01-31T12:00:00Z");

function read(text: string): Typed {
  const source = { name: "x", text };
  const [object] = parseYaml(source).documents.flatMap((root) => decodeDocument(root, source).objects);
  if (object === undefined) throw new Error("no object");
  return object.typed;
}

function row(text: string, isWide = false): readonly string[] {
  return cells(read(text), { isWide, nowMs: NOW_MS });
}

const META = 'metadata: {name: x, namespace: d, creationTimestamp: "2026-01-31T11:59:15Z"}';

function pod(
  status: string,
  spec = "containers: [{name: a, image: i}, {name: b, image: i}]",
  meta = META,
): readonly string[] {
  return row(`{apiVersion: v1, kind: Pod, ${meta}, spec: {${spec}}, status: {${status}}}`);
}

describe("pods, as kubectl computes them", () => {
  const running = (name: string): string => `{name: ${name}, ready: true, state: {running: {}}}`;
  const rows = [
    { name: "nobody has seen it", status: "", want: ["x", "0/2", "Pending", "0", "45s"] },
    {
      name: "running",
      status: `phase: Running, containerStatuses: [${running("a")}, ${running("b")}]`,
      want: ["x", "2/2", "Running", "0", "45s"],
    },
    {
      name: "one waits",
      status: `phase: Pending, containerStatuses: [${running("a")}, {name: b, state: {waiting: {reason: ImagePullBackOff}}}]`,
      want: ["x", "1/2", "ImagePullBackOff", "0", "45s"],
    },
    {
      name: "crash loop",
      status: `phase: Running, containerStatuses: [{name: a, restartCount: 4, state: {waiting: {reason: CrashLoopBackOff}}, lastState: {terminated: {exitCode: 1, finishedAt: "2026-01-31T11:58:00Z"}}}, ${running("b")}]`,
      want: ["x", "1/2", "CrashLoopBackOff", "4 (2m ago)", "45s"],
    },
    {
      name: "out of memory",
      status: `phase: Running, containerStatuses: [{name: a, state: {terminated: {exitCode: 137, reason: OOMKilled}}}, ${running("b")}]`,
      want: ["x", "1/2", "OOMKilled", "0", "45s"],
    },
    {
      name: "an end without reason",
      status: "phase: Failed, containerStatuses: [{name: a, state: {terminated: {exitCode: 3}}}]",
      want: ["x", "0/2", "ExitCode:3", "0", "45s"],
    },
    {
      name: "ended by a signal",
      status: "phase: Failed, containerStatuses: [{name: a, state: {terminated: {signal: 9, exitCode: 137}}}]",
      want: ["x", "0/2", "Signal:9", "0", "45s"],
    },
    {
      name: "completed",
      status: "phase: Succeeded, containerStatuses: [{name: a, state: {terminated: {reason: Completed}}}]",
      want: ["x", "0/2", "Completed", "0", "45s"],
    },
    // One has completed and one runs: the pod is Running once it is ready, NotReady before.
    {
      name: "half completed",
      status: `phase: Running, conditions: [{type: Ready, status: "True"}], containerStatuses: [{name: a, state: {terminated: {reason: Completed}}}, ${running("b")}]`,
      want: ["x", "1/2", "Running", "0", "45s"],
    },
    {
      name: "half completed and not ready",
      status: `phase: Running, containerStatuses: [{name: a, state: {terminated: {reason: Completed}}}, ${running("b")}]`,
      want: ["x", "1/2", "NotReady", "0", "45s"],
    },
    { name: "evicted", status: "phase: Failed, reason: Evicted", want: ["x", "0/2", "Evicted", "0", "45s"] },
  ];
  test.each(rows)("$name", ({ status, want }) => {
    expect(pod(status)).toEqual(want);
  });

  const meta = META.replace("}", ', deletionTimestamp: "2026-01-31T12:00:30Z"}');
  test("terminating", () => {
    expect(pod(`phase: Running, containerStatuses: [${running("a")}]`, undefined, meta)[2]).toBe("Terminating");
  });
  test("what has ended is not terminating", () => {
    expect(
      pod(
        "phase: Succeeded, containerStatuses: [{name: a, state: {terminated: {reason: Completed}}}]",
        undefined,
        meta,
      )[2],
    ).toBe("Completed");
  });
  test("a lost node's", () => {
    expect(pod("phase: Running, reason: NodeLost", undefined, meta)[2]).toBe("Unknown");
  });

  const withInit = "initContainers: [{name: i, image: i}, {name: j, image: i}], containers: [{name: a, image: i}]";
  const inits = [
    {
      name: "first",
      status: "phase: Pending, initContainerStatuses: [{name: i, state: {running: {}}}]",
      want: "Init:0/2",
    },
    {
      name: "second",
      status:
        "phase: Pending, initContainerStatuses: [{name: i, state: {terminated: {exitCode: 0}}}, {name: j, state: {waiting: {reason: PodInitializing}}}]",
      want: "Init:1/2",
    },
    {
      name: "failed",
      status: "phase: Pending, initContainerStatuses: [{name: i, state: {terminated: {exitCode: 2, reason: Error}}}]",
      want: "Init:Error",
    },
    {
      name: "backs off",
      status: "phase: Pending, initContainerStatuses: [{name: i, state: {waiting: {reason: CrashLoopBackOff}}}]",
      want: "Init:CrashLoopBackOff",
    },
  ];
  test.each(inits)("init containers: $name", ({ status, want }) => {
    expect(pod(status, withInit)[2]).toBe(want);
  });
});

describe("other kinds", () => {
  const rows = [
    {
      name: "node",
      text: `{apiVersion: v1, kind: Node, metadata: {name: x, labels: {node-role.kubernetes.io/control-plane: ""}, creationTimestamp: "2026-01-31T11:59:15Z"}, spec: {unschedulable: true}, status: {conditions: [{type: Ready, status: "True"}], addresses: [{type: InternalIP, address: 10.0.0.1}], nodeInfo: {kubeletVersion: v1, osImage: Debian, kernelVersion: "6", containerRuntimeVersion: "crun://1"}}}`,
      want: [
        "x",
        "Ready,SchedulingDisabled",
        "control-plane",
        "45s",
        "v1",
        "10.0.0.1",
        "<none>",
        "Debian",
        "6",
        "crun://1",
      ],
    },
    {
      name: "deployment",
      text: `{apiVersion: apps/v1, kind: Deployment, ${META}, spec: {replicas: 3, selector: {matchLabels: {a: b}}, template: {spec: {containers: [{name: c, image: i:1}, {name: e, image: j:2}]}}}, status: {readyReplicas: 2, updatedReplicas: 3, availableReplicas: 1}}`,
      want: ["x", "2/3", "3", "1", "45s", "c,e", "i:1,j:2", "a=b"],
    },
    {
      name: "service",
      text: `{apiVersion: v1, kind: Service, ${META}, spec: {type: NodePort, clusterIP: 10.96.0.1, selector: {a: b}, ports: [{port: 80, nodePort: 30080}, {port: 53, protocol: UDP}]}}`,
      want: ["x", "NodePort", "10.96.0.1", "<none>", "80:30080/TCP,53/UDP", "45s", "a=b"],
    },
    {
      name: "load balancer without address",
      text: `{apiVersion: v1, kind: Service, ${META}, spec: {type: LoadBalancer}}`,
      want: ["x", "LoadBalancer", "<none>", "<pending>", "<none>", "45s", "<none>"],
    },
    {
      name: "secret",
      text: `{apiVersion: v1, kind: Secret, ${META}, type: Opaque, data: {a: aGk=}}`,
      want: ["x", "Opaque", "1", "45s"],
    },
    {
      name: "config",
      text: `{apiVersion: v1, kind: ConfigMap, ${META}, data: {a: x}, binaryData: {b: aGk=}}`,
      want: ["x", "2", "45s"],
    },
    {
      name: "endpoints",
      text: `{apiVersion: discovery.k8s.io/v1, kind: EndpointSlice, ${META}, addressType: IPv4, ports: [{port: 80}], endpoints: [{addresses: [a]}, {addresses: [b]}, {addresses: [c]}, {addresses: [d]}]}`,
      want: ["x", "IPv4", "80", "a,b,c + 1 more...", "45s"],
    },
    {
      name: "event",
      text: `{apiVersion: v1, kind: Event, ${META}, involvedObject: {kind: Pod, name: p}, reason: Pulled, message: "two\\nlines", type: Normal, lastTimestamp: "2026-01-31T11:59:50Z", count: 3, source: {component: agent}}`,
      want: ["10s", "Normal", "Pulled", "pod/p", "agent", "3", "two lines"],
    },
    {
      name: "namespace",
      text: `{apiVersion: v1, kind: Namespace, metadata: {name: x, creationTimestamp: "2026-01-31T11:59:15Z"}}`,
      want: ["x", "Active", "45s"],
    },
    {
      name: "stateful set",
      text: `{apiVersion: apps/v1, kind: StatefulSet, ${META}, spec: {replicas: 3, template: {spec: {containers: [{name: c, image: i:1}]}}}, status: {readyReplicas: 2}}`,
      want: ["x", "2/3", "45s", "c", "i:1"],
    },
    {
      name: "bound claim",
      text: `{apiVersion: v1, kind: PersistentVolumeClaim, ${META}, spec: {volumeName: v, storageClassName: local, volumeMode: Filesystem}, status: {phase: Bound, capacity: {storage: 1Gi}, accessModes: [ReadOnlyMany, ReadWriteOnce]}}`,
      want: ["x", "Bound", "v", "1Gi", "RWO,ROX", "local", "<unset>", "45s", "Filesystem"],
    },
    {
      name: "claim that waits",
      text: `{apiVersion: v1, kind: PersistentVolumeClaim, ${META}, spec: {storageClassName: local}, status: {phase: Pending}}`,
      want: ["x", "Pending", "", "", "", "local", "<unset>", "45s", "<unset>"],
    },
    {
      name: "volume",
      text: `{apiVersion: v1, kind: PersistentVolume, ${META}, spec: {capacity: {storage: 1Gi}, accessModes: [ReadWriteOnce], persistentVolumeReclaimPolicy: Retain, claimRef: {namespace: d, name: c}, storageClassName: local}, status: {phase: Released}}`,
      want: ["x", "1Gi", "RWO", "Retain", "Released", "d/c", "local", "<unset>", "", "45s", "<unset>"],
    },
    {
      name: "the default storage class",
      text: `{apiVersion: storage.k8s.io/v1, kind: StorageClass, metadata: {name: local, annotations: {storageclass.kubernetes.io/is-default-class: "true"}, creationTimestamp: "2026-01-31T11:59:15Z"}, provisioner: tallship.dev/local, volumeBindingMode: WaitForFirstConsumer}`,
      want: ["local (default)", "tallship.dev/local", "Delete", "WaitForFirstConsumer", "false", "45s"],
    },
  ];
  test.each(rows)("$name", ({ text, want }) => {
    expect(row(text, true)).toEqual(want);
  });

  test("every kind has as many cells as headings", () => {
    for (const kind of Object.keys(KINDS).filter(isKindName)) {
      const typed = { kind, object: KINDS[kind].create({}) } as Typed;
      for (const isWide of [true, false]) {
        const shown = cells({ ...typed, object: { ...typed.object, metadata: undefined } } as Typed, {
          isWide,
          nowMs: NOW_MS,
        });
        expect(shown).toHaveLength(headings(kind, isWide).length);
      }
    }
  });
});

describe("ages", () => {
  const rows = [
    { seconds: 0, want: "0s" },
    { seconds: 119, want: "119s" },
    { seconds: 120, want: "2m" },
    { seconds: 200, want: "3m20s" },
    { seconds: 600, want: "10m" },
    { seconds: 10_799, want: "179m" },
    { seconds: 10_800, want: "3h" },
    { seconds: 18_720, want: "5h12m" },
    { seconds: 28_800, want: "8h" },
    { seconds: 172_800, want: "2d" },
    { seconds: 183_600, want: "2d3h" },
    { seconds: 3_456_000, want: "40d" },
    { seconds: 63_158_400, want: "2y1d" },
    { seconds: 315_360_000, want: "10y" },
    { seconds: -5, want: "<invalid>" },
  ];
  test.each(rows)("$seconds s is $want", ({ seconds, want }) => {
    expect(durationText(seconds * 1000)).toBe(want);
  });
  test("no time is unknown", () => {
    expect(ageText("", NOW_MS)).toBe("<unknown>");
    expect(ageText("yesterday", NOW_MS)).toBe("<unknown>");
  });
});

describe("autoscalers and budgets, as kubectl prints them", () => {
  const autoscaler = (spec: string, status: string): readonly string[] =>
    row(
      `{apiVersion: autoscaling/v2, kind: HorizontalPodAutoscaler, ${META}, spec: {scaleTargetRef: {kind: Deployment, name: web}, maxReplicas: 9, ${spec}}, status: {${status}}}`,
    );
  const rows = [
    { name: "nothing is known yet", spec: "", status: "", want: "cpu: <unknown>/80%" },
    {
      name: "autoscaling/v1's form",
      spec: "targetCPUUtilizationPercentage: 50",
      status: "currentMetrics: [{type: Resource, resource: {name: cpu, current: {averageUtilization: 12}}}]",
      want: "cpu: 12%/50%",
    },
    {
      name: "three metrics",
      spec: `metrics: [{type: Pods, pods: {metric: {name: q}, target: {type: AverageValue, averageValue: 10}}},
        {type: Resource, resource: {name: memory, target: {type: AverageValue, averageValue: 1Gi}}},
        {type: Object, object: {metric: {name: q}, target: {type: Value, value: 10}}}]`,
      status: "currentMetrics: [{type: Pods, pods: {current: {averageValue: 4500m}}}]",
      want: "4500m/10, memory: <unknown>/1Gi + 1 more...",
    },
  ];
  for (const { name, spec, status, want } of rows)
    test(name, () => expect(autoscaler(spec, status)).toEqual(["x", "Deployment/web", want, "1", "9", "0", "45s"]));

  test("a budget's bound that is not set is N/A", () => {
    const text = `{apiVersion: policy/v1, kind: PodDisruptionBudget, ${META}, spec: {minAvailable: 50%}, status: {disruptionsAllowed: 2}}`;
    expect(row(text)).toEqual(["x", "50%", "N/A", "2", "45s"]);
  });
});
