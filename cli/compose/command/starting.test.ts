import { expect, test } from "vitest";
import { decodeObject, encodeObject, type Typed } from "../../../kinds/object.js";
import { DaemonSet } from "../../../proto/gen/tallship/v1/daemonset.js";
import { Deployment } from "../../../proto/gen/tallship/v1/deployment.js";
import { Job } from "../../../proto/gen/tallship/v1/job.js";
import { Pod } from "../../../proto/gen/tallship/v1/pod.js";
import { ReplicaSet } from "../../../proto/gen/tallship/v1/replicaset.js";
import { PROJECT_LABEL, SERVICE_LABEL } from "../translate/names.js";
import { Starting } from "./starting.js";

type PodStatus = NonNullable<Parameters<typeof Pod.fromPartial>[0]["status"]>;

const meta = (name: string, service: string) => ({
  name,
  namespace: "shop",
  uid: name,
  resourceVersion: "7",
  generation: 1,
  labels: { [PROJECT_LABEL]: "shop", [SERVICE_LABEL]: service },
});
const deployment = (
  name: string,
  replicas: number,
  status: Parameters<typeof Deployment.fromPartial>[0]["status"],
): Typed => ({
  kind: "Deployment",
  object: Deployment.fromPartial({
    metadata: meta(name, name),
    spec: { replicas },
    status: { observedGeneration: 1, ...status },
  }),
});
const pod = (name: string, service: string, status: PodStatus, annotations: Record<string, string> = {}): Typed => ({
  kind: "Pod",
  object: Pod.fromPartial({
    metadata: { ...meta(name, service), annotations },
    spec: { containers: [{ name: service, image: `${service}:1` }] },
    status,
  }),
});
const waiting = (name: string, reason: string, message = ""): PodStatus => ({
  containerStatuses: [{ name, state: { waiting: { reason, message } } }],
});
const up = (name: string): PodStatus => ({ containerStatuses: [{ name, state: { running: {} } }] });

const made = { replicas: 1, updatedReplicas: 1 };

function starting(written: readonly string[], known: readonly Typed[], stuck: readonly string[] = []): Starting {
  const keys = written.map((ref) => {
    const [kind = "", name = ""] = ref.split("/");
    if (kind !== "Deployment" && kind !== "DaemonSet" && kind !== "Job") throw new Error(`no workload: ${ref}`);
    return { key: { kind, namespace: "shop", name } as const, revision: 7 };
  });
  const found = new Starting({ written: keys, stuck: new Set(stuck), before: new Map() });
  found.take(known.map((typed) => ({ is: "put", typed })));
  return found;
}

const settled = [
  { name: "a container that runs", known: [deployment("web", 1, made), pod("a", "web", up("web"))] },
  {
    name: "a container that has run and waits for its next run",
    known: [
      deployment("web", 1, made),
      pod("a", "web", {
        containerStatuses: [
          {
            name: "web",
            state: { waiting: { reason: "CrashLoopBackOff" } },
            lastState: { terminated: { exitCode: 1 } },
          },
        ],
      }),
    ],
  },
  {
    name: "no room in the cluster, which may come",
    known: [
      deployment("web", 1, made),
      pod("a", "web", { conditions: [{ type: "PodScheduled", status: "False", message: "0/3 nodes" }] }),
    ],
  },
  {
    name: "the first new pod of a roll-out that replaces them one by one",
    known: [
      deployment("web", 2, { replicas: 2, updatedReplicas: 1 }),
      pod("a", "web", up("web")),
      pod("b", "web", up("web")),
    ],
  },
  {
    name: "a pod on every node",
    written: ["DaemonSet/web"],
    known: [
      {
        kind: "DaemonSet",
        object: DaemonSet.fromPartial({
          metadata: meta("web", "web"),
          status: { observedGeneration: 1, desiredNumberScheduled: 1, updatedNumberScheduled: 1 },
        }),
      } as const,
      pod("a", "web", up("web")),
    ],
  },
];

test.each(settled)("an up is through with $name", ({ known, written = ["Deployment/web"] }) => {
  const found = starting(written, known);
  expect(found.failures()).toEqual([]);
  expect(found.isSettled()).toBe(true);
});

const open = [
  { name: "what was written has not been seen", known: [] },
  { name: "its controller has not looked", known: [deployment("web", 1, { observedGeneration: 0 })] },
  { name: "pods are missing", known: [deployment("web", 2, made), pod("a", "web", up("web"))] },
  {
    name: "a container is being made",
    known: [deployment("web", 1, made), pod("a", "web", waiting("web", "ContainerCreating"))],
  },
  {
    name: "only a pod that was stuck before is there",
    known: [deployment("web", 1, made), pod("old", "web", waiting("web", "ErrImagePull"))],
    stuck: ["old"],
  },
];

test.each(open)("an up waits while $name", ({ known, stuck = [] }) => {
  const found = starting(["Deployment/web"], known, stuck);
  expect(found.failures()).toEqual([]);
  expect(found.isSettled()).toBe(false);
});

test("pods of an earlier roll-out, which may fail anew while they go, are none of an up's", () => {
  const owned = (typed: Typed, kind: string, owner: string): Typed => {
    const ownerReferences = [{ apiVersion: "apps/v1", kind, name: owner, uid: owner, controller: true }];
    return decodeObject(
      encodeObject({
        ...typed,
        object: { ...typed.object, metadata: { ...typed.object.metadata, ownerReferences } },
      } as Typed),
    );
  };
  const set = (name: string, revision: string): Typed =>
    owned(
      {
        kind: "ReplicaSet",
        object: ReplicaSet.fromPartial({
          metadata: { ...meta(name, "web"), annotations: { "deployment.kubernetes.io/revision": revision } },
        }),
      },
      "Deployment",
      "web",
    );
  const found = starting(
    ["Deployment/web"],
    [
      ...[deployment("web", 1, { replicas: 2, updatedReplicas: 1 }), set("web-old", "1"), set("web-new", "2")],
      owned(pod("a", "web", waiting("web", "ErrImagePull")), "ReplicaSet", "web-old"),
      owned(pod("b", "web", up("web")), "ReplicaSet", "web-new"),
    ],
  );
  expect(found.failures()).toEqual([]);
  expect(found.isSettled()).toBe(true);
});

test("an image that cannot be had is a failure of the service that names it, told once though the whole pod waits for it", () => {
  const message = "pull side:1: not found";
  const containers = ["web", "side"].map((name) => ({ name, image: `${name}:1` }));
  const object = Pod.fromPartial({
    metadata: meta("a", "web"),
    spec: { containers },
    status: {
      containerStatuses: containers.map(({ name }) => ({
        name,
        state: { waiting: { reason: "ErrImagePull", message } },
      })),
    },
  });
  const found = starting(["Deployment/web"], [deployment("web", 1, made), { kind: "Pod", object }]);
  expect(found.failures()).toEqual([{ service: "side", why: message, isImage: true }]);
  expect(found.isSettled()).toBe(true);
  expect(found.news()).toEqual([" Pod a  Error"]);
});

test("a service whose dependency will never be there is a failure, one whose dependency may come is waited for", () => {
  const late = pod("late", "web", waiting("web", "WaitingForDependency"), {
    "tallship.dev/start-after": "prepare=completed",
  });
  const job = (type: string): Typed => ({
    kind: "Job",
    object: Job.fromPartial({
      metadata: meta("prepare", "prepare"),
      spec: { suspend: type === "Suspended" },
      status: { conditions: [{ type, status: "True", message: "it failed 1 time" }] },
    }),
  });
  const written = ["Deployment/web", "Job/prepare"];
  const open = starting(written, [deployment("web", 1, made), late, job("Suspended")]);
  expect(open.isSettled()).toBe(false);
  expect(open.news()).toEqual([" Pod late  Waiting: prepare to have completed"]);
  expect(open.waits()).toEqual(["Deployment web: waiting for prepare to have completed"]);
  const broken = starting(written, [deployment("web", 1, made), late, job("Failed")]);
  expect(broken.failures()).toMatchObject([
    {
      service: "web",
      why: "dependency failed to start: service prepare did not complete successfully: it failed 1 time",
    },
  ]);
});

test("of an image on its way each tenth is told, and each step of a pod once", () => {
  const at = (percent: number) =>
    pod(
      "a",
      "web",
      waiting("web", "ContainerCreating", `pulling web:1: ${percent}%, ${percent}MB of 100MB, ab12 1MB of 2MB`),
    );
  const found = starting(["Deployment/web"], [deployment("web", 1, made), at(41)]);
  expect(found.news()).toEqual([" Image web:1  Pulling 41%, 41MB of 100MB"]);
  found.take([{ is: "put", typed: at(48) }]);
  expect(found.news()).toEqual([]);
  found.take([{ is: "put", typed: at(50) }]);
  expect(found.news()).toEqual([" Image web:1  Pulling 50%, 50MB of 100MB"]);
  found.take([{ is: "put", typed: pod("a", "web", up("web")) }]);
  expect(found.news()).toEqual([" Pod a  Started"]);
  expect(found.news()).toEqual([]);
});
