import fc from "fast-check";
import { Node } from "../../proto/gen/tallship/v1/node.js";

const taint = fc.record({
  key: fc.constantFrom("gpu", "spot"),
  value: fc.constantFrom("", "only"),
  effect: fc.constantFrom("NoSchedule", "PreferNoSchedule", "NoExecute"),
});

/** A node of that name in any state. */
export const anyNodeNamed = (name: string): fc.Arbitrary<Node> =>
  fc
    .record({
      cpu: fc.constantFrom("500m", "1", "2", "4"),
      memory: fc.constantFrom("512Mi", "1Gi", "4Gi"),
      pods: fc.constantFrom(undefined, "2", "5"),
      gpu: fc.constantFrom(undefined, "1", "2"),
      zone: fc.constantFrom("east", "west", undefined),
      ready: fc.constantFrom("True", "True", "True", "False", "Unknown"),
      unschedulable: fc.constantFrom(false, false, false, true),
      taints: fc.oneof({ weight: 3, arbitrary: fc.constant([]) }, fc.array(taint, { maxLength: 2 })),
    })
    .map(({ cpu, memory, pods, gpu, zone, ready, unschedulable, taints }) =>
      Node.fromPartial({
        metadata: { name, labels: { ...(zone && { zone }), host: name } },
        spec: { unschedulable, taints },
        status: {
          allocatable: { cpu, memory, ...(pods && { pods }), ...(gpu && { "example.com/gpu": gpu }) },
          conditions: [{ type: "Ready", status: ready }],
        },
      }),
    );

/** A node of that name that is of some size, and ready. */
export const plainNodeNamed = (name: string): fc.Arbitrary<Node> =>
  fc
    .record({ cpu: fc.constantFrom("1", "4", "16"), memory: fc.constantFrom("1Gi", "4Gi", "32Gi") })
    .map((allocatable) =>
      Node.fromPartial({
        metadata: { name },
        status: { allocatable, conditions: [{ type: "Ready", status: "True" }] },
      }),
    );

const toleration = fc.record({
  key: fc.constantFrom("", "gpu", "spot", "node.kubernetes.io/not-ready", "node.kubernetes.io/unschedulable"),
  operator: fc.constantFrom("Exists", "Equal"),
  value: fc.constantFrom("", "only"),
  effect: fc.constantFrom("", "NoSchedule", "NoExecute"),
});

const requirement = fc.record({
  key: fc.constantFrom("zone", "disk"),
  operator: fc.constantFrom("In", "NotIn", "Exists"),
  values: fc.subarray(["east", "west"]),
});
const term = fc.record({
  matchExpressions: fc.array(requirement, { maxLength: 2 }),
  matchFields: fc.oneof(
    { weight: 4, arbitrary: fc.constant([]) },
    fc.constantFrom("a", "c").map((name) => [{ key: "metadata.name", operator: "In", values: [name] }]),
  ),
});
const nodeAffinity = fc.record({
  requiredDuringSchedulingIgnoredDuringExecution: fc.oneof(
    { weight: 2, arbitrary: fc.constant(undefined) },
    fc.array(term, { minLength: 1, maxLength: 2 }).map((nodeSelectorTerms) => ({ nodeSelectorTerms })),
  ),
  preferredDuringSchedulingIgnoredDuringExecution: fc.array(
    fc.record({ weight: fc.integer({ min: 1, max: 100 }), preference: term }),
    { maxLength: 2 },
  ),
});

const selector = fc.constantFrom({ matchLabels: {} }, { matchLabels: { app: "a" } }, { matchLabels: { app: "b" } });
const topologyKey = fc.constantFrom("zone", "zone", "host", "rack");
const podTerm = fc.record({
  labelSelector: selector,
  topologyKey,
  namespaces: fc.constantFrom([], [], ["m"]),
  namespaceSelector: fc.constantFrom(undefined, undefined, {}, { matchLabels: { team: "x" } }),
  matchLabelKeys: fc.constantFrom([], ["tier"]),
});
const podTerms = fc.record({
  requiredDuringSchedulingIgnoredDuringExecution: fc.oneof(fc.constant([]), fc.array(podTerm, { maxLength: 2 })),
  preferredDuringSchedulingIgnoredDuringExecution: fc.array(
    fc.record({ weight: fc.integer({ min: 1, max: 100 }), podAffinityTerm: podTerm }),
    { maxLength: 2 },
  ),
});
const constraint = fc.record({
  maxSkew: fc.integer({ min: 1, max: 2 }),
  topologyKey,
  whenUnsatisfiable: fc.constantFrom("DoNotSchedule", "ScheduleAnyway"),
  labelSelector: selector,
  minDomains: fc.constantFrom(undefined, 3),
  nodeAffinityPolicy: fc.constantFrom("", "Ignore"),
});
/** Labels of the namespaces that pods of these clusters are in. */
export const NAMESPACES: Readonly<Record<string, Readonly<Record<string, string>>>> = { n: { team: "x" }, m: {} };

const rarely = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> =>
  fc.oneof(fc.constant(undefined), arbitrary);
/** Node affinity and spread constraints do not meet in one pod: the definition of the latter knows node selectors alone. */
const affinity = fc.oneof(
  { weight: 2, arbitrary: fc.constant({ affinity: undefined, spread: [] }) },
  nodeAffinity.map((each) => ({ affinity: { nodeAffinity: each }, spread: [] })),
  {
    weight: 2,
    arbitrary: fc.record({
      affinity: fc.record({ podAffinity: rarely(podTerms), podAntiAffinity: rarely(podTerms) }),
      spread: fc.oneof({ weight: 2, arbitrary: fc.constant([]) }, fc.array(constraint, { minLength: 1, maxLength: 2 })),
    }),
  },
);

const anyImage = fc.constantFrom("app", "big:v1", "unknown");

/** What a pod may say, as far as it matters to where it runs: a part of a message, without uid. */
export const anyPod = fc
  .record({
    placing: affinity,
    placement: fc.constantFrom(undefined, undefined, "pack", "spread"),
    line: fc.constantFrom(undefined, undefined, undefined, "0=0,100=10", "20=10,50=3,51=9,90=0", "0=10,70=10,71=0"),
    namespace: fc.constantFrom("n", "n", "m"),
    app: fc.constantFrom("a", "b"),
    tier: fc.constantFrom("x", "y"),
    cpu: fc.constantFrom(undefined, "100m", "250m", "1"),
    memory: fc.constantFrom(undefined, "64Mi", "300Mi", "1Gi"),
    gpuLimit: fc.constantFrom(undefined, undefined, undefined, "1"),
    zone: fc.constantFrom(undefined, undefined, "east", "nowhere"),
    owner: fc.constantFrom("", "web", "db"),
    tolerations: fc.oneof({ weight: 3, arbitrary: fc.constant([]) }, fc.array(toleration, { maxLength: 2 })),
    hostPort: fc.constantFrom(0, 0, 0, 80, 443),
    hostIP: fc.constantFrom("", "10.0.0.1", "10.0.0.2"),
    image: anyImage,
  })
  .map(
    ({
      placing,
      placement,
      line,
      namespace,
      app,
      tier,
      cpu,
      memory,
      gpuLimit,
      zone,
      owner,
      tolerations,
      hostPort,
      hostIP,
      image,
    }) => ({
      metadata: {
        namespace,
        labels: { app, tier },
        annotations: {
          ...(placement && { "tallship.dev/placement": placement }),
          ...(line && { "tallship.dev/utilization-shape": line }),
        },
        ownerReferences: owner === "" ? [] : [{ kind: "ReplicaSet", name: owner, uid: owner, controller: true }],
      },
      spec: {
        nodeSelector: zone === undefined ? {} : { zone },
        ...(placing.affinity && { affinity: placing.affinity }),
        topologySpreadConstraints: placing.spread,
        tolerations,
        containers: [
          {
            name: "main",
            image,
            resources: {
              requests: { ...(cpu && { cpu }), ...(memory && { memory }) },
              limits: gpuLimit === undefined ? {} : { "example.com/gpu": gpuLimit },
            },
            ports: hostPort === 0 ? [] : [{ containerPort: 8080, hostPort, hostIP, protocol: "TCP" }],
          },
        ],
      },
    }),
  );

/** A pod that asks for some cpu and memory and may have an owner. */
export const plainPod = fc
  .record({
    owner: fc.constantFrom("", "web", "db", "api"),
    cpu: fc.constantFrom(undefined, "1m", "10m", "100m", "400m"),
    memory: fc.constantFrom(undefined, "1Mi", "16Mi", "200Mi", "1Gi"),
    line: fc.constantFrom(undefined, undefined, undefined, "0=0,70=10,100=2"),
    image: anyImage,
  })
  .map(({ owner, cpu, memory, line, image }) => ({
    metadata: {
      namespace: "n",
      annotations: line === undefined ? {} : { "tallship.dev/utilization-shape": line },
      ownerReferences: owner === "" ? [] : [{ kind: "ReplicaSet", name: owner, uid: owner, controller: true }],
    },
    spec: {
      containers: [
        { name: "main", image, resources: { requests: { ...(cpu && { cpu }), ...(memory && { memory }) } } },
      ],
    },
  }));
