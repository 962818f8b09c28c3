import { volumeClaims } from "../../controlplane/controllers/volumes/claims.js";
import { ephemeralClaims } from "../../controlplane/controllers/volumes/ephemeral-claims.js";
import { volumes } from "../../controlplane/controllers/volumes/volumes.js";
import { SchedulingLoop } from "../../controlplane/scheduling/scheduling-loop.js";
import { metaOf } from "../../kinds/object.js";
import { DEFAULT_CLASS } from "../../kinds/storage.js";
import { Node } from "../../proto/gen/tallship/v1/node.js";
import { PersistentVolume } from "../../proto/gen/tallship/v1/persistentvolume.js";
import { PersistentVolumeClaim } from "../../proto/gen/tallship/v1/persistentvolumeclaim.js";
import { Pod } from "../../proto/gen/tallship/v1/pod.js";
import { StorageClass } from "../../proto/gen/tallship/v1/storageclass.js";
import { type ControlWorld, controlWorld } from "./control-world.js";

/** Spec of a claim, in part. */
export type ClaimSpec = Parameters<typeof PersistentVolumeClaim.fromPartial>[0]["spec"];
/** A volume, in part. */
export type VolumeParts = Parameters<typeof PersistentVolume.fromPartial>[0];

/** Two nodes with the controllers of volumes and the scheduler; class `local` is the default. */
export async function newWorld(): Promise<ControlWorld> {
  const world = await controlWorld();
  world.run([volumeClaims(), ephemeralClaims, volumes]);
  new SchedulingLoop(world.deps, world.stop.signal).start();
  for (const name of ["node-a", "node-b"]) await world.put({ kind: "Node", object: nodeNamed(name) });
  await world.put({ kind: "StorageClass", object: classNamed("local", "WaitForFirstConsumer", true) });
  return world;
}

/** A node that is ready and can make folders. */
export const nodeNamed = (name: string): Node =>
  Node.fromPartial({
    metadata: { name, uid: name, labels: { "kubernetes.io/hostname": name } },
    status: {
      allocatable: { cpu: "4", memory: "8Gi", pods: "110" },
      conditions: [{ type: "Ready", status: "True" }],
      volumesPath: `/data/${name}/volumes`,
    },
  });

/** A class; `manual` has no provisioner. */
export const classNamed = (name: string, volumeBindingMode: string, isDefault = false): StorageClass =>
  StorageClass.fromPartial({
    metadata: { name, uid: name, annotations: isDefault ? { [DEFAULT_CLASS]: "true" } : {} },
    provisioner: name === "manual" ? "kubernetes.io/no-provisioner" : "tallship.dev/local",
    reclaimPolicy: "Delete",
    volumeBindingMode,
  });

/** A claim of 1 GiB. */
export const claimNamed = (name: string, spec: ClaimSpec = {}): PersistentVolumeClaim =>
  PersistentVolumeClaim.fromPartial({
    metadata: { name, namespace: "default", uid: `uid-${name}`, generation: 1 },
    spec: { accessModes: ["ReadWriteOnce"], resources: { requests: { storage: "1Gi" } }, ...spec },
    status: { phase: "Pending" },
  });

/** A volume of a size that one pod at a time may use. */
export const volumeNamed = (name: string, size: string, spec: VolumeParts["spec"] = {}): PersistentVolume =>
  PersistentVolume.fromPartial({
    metadata: { name, uid: name, labels: { name } },
    spec: {
      capacity: { storage: size },
      accessModes: ["ReadWriteOnce"],
      persistentVolumeReclaimPolicy: "Retain",
      hostPath: { path: "/x" },
      ...spec,
    },
  });

/** Where a volume is that one node alone can mount. */
export const onNode = (name: string): VolumeParts["spec"] => ({
  nodeAffinity: {
    required: {
      nodeSelectorTerms: [{ matchExpressions: [{ key: "kubernetes.io/hostname", operator: "In", values: [name] }] }],
    },
  },
});

/** A pod that uses a claim. */
export const podNamed = (name: string, claim: string, spec: Parameters<typeof Pod.fromPartial>[0]["spec"] = {}): Pod =>
  Pod.fromPartial({
    metadata: { name, namespace: "default", uid: `uid-${name}` },
    spec: {
      containers: [{ name: "c", image: "i" }],
      volumes: [{ name: "v", persistentVolumeClaim: { claimName: claim } }],
      ...spec,
    },
    status: { phase: "Pending" },
  });

/** Writes a claim of 1 GiB. */
export const putClaim = (world: ControlWorld, name: string, spec: ClaimSpec = {}) =>
  world.put({ kind: "PersistentVolumeClaim", object: claimNamed(name, spec) });
/** Writes a volume of that size. */
export const putVolume = (world: ControlWorld, name: string, size: string, spec: VolumeParts["spec"] = {}) =>
  world.put({ kind: "PersistentVolume", object: volumeNamed(name, size, spec) });
/** The claim as it stands. */
export const claimIn = (world: ControlWorld, name: string) => world.view.get("PersistentVolumeClaim", "default", name);
/** The volume as it stands. */
export const volumeIn = (world: ControlWorld, name: string) => world.view.get("PersistentVolume", "", name);
/** The pod's node. */
export const nodeOf = (world: ControlWorld, name: string) => world.view.get("Pod", "default", name)?.spec?.nodeName;
/** What users were told, each once. */
export const told = (world: ControlWorld) => [
  ...new Set(world.notices.map(({ reason, message }) => `${reason}: ${message}`)),
];
/** Why the pod has no node. */
export const refusalOf = (world: ControlWorld, name: string) =>
  world.view.get("Pod", "default", name)?.status?.conditions.find(({ type }) => type === "PodScheduled")?.message;

/** The claim, asked to go. */
export const mark = <T extends PersistentVolumeClaim>(claim: T): T => ({
  ...claim,
  metadata: { ...metaOf(claim), deletionTimestamp: "2026-01-01T00:00:00Z", deletionGracePeriodSeconds: 0 },
});
