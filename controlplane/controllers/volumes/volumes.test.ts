import { describe, expect, test } from "vitest";
import { isDeleting } from "../../../kinds/pod-state.js";
import { CLAIM_PROTECTION, FOLDER_REMOVED, VOLUME_PROTECTION } from "../../../kinds/storage.js";
import { Node } from "../../../proto/gen/tallship/v1/node.js";
import {
  type ClaimSpec,
  claimIn,
  classNamed,
  mark,
  newWorld,
  nodeOf,
  onNode,
  podNamed,
  putClaim,
  putVolume,
  refusalOf,
  told,
  type VolumeParts,
  volumeIn,
  volumeNamed,
} from "../../../test/kit/volume-world.js";

test("a claim of the default class waits for its first pod, and gets a folder on the node of that", async () => {
  const world = await newWorld();
  await putClaim(world, "data");
  await world.converge();
  expect(claimIn(world, "data")).toMatchObject({
    metadata: { finalizers: [CLAIM_PROTECTION] },
    spec: { storageClassName: "local", volumeName: "" },
    status: { phase: "Pending" },
  });
  expect(told(world)).toContain("WaitForFirstConsumer: waiting for first consumer to be created before binding");
  await world.put({ kind: "Pod", object: podNamed("p", "data") });
  await world.converge();
  const nodeName = nodeOf(world, "p") ?? "";
  expect(nodeName).not.toBe("");
  const name = "pvc-uid-data";
  expect(claimIn(world, "data")).toMatchObject({
    spec: { volumeName: name },
    status: { phase: "Bound", capacity: { storage: "1Gi" }, accessModes: ["ReadWriteOnce"] },
  });
  expect(volumeIn(world, name)).toMatchObject({
    metadata: { finalizers: [VOLUME_PROTECTION] },
    spec: {
      local: { path: `/data/${nodeName}/volumes/${name}` },
      claimRef: { namespace: "default", name: "data", uid: "uid-data" },
      persistentVolumeReclaimPolicy: "Delete",
      storageClassName: "local",
      ...onNode(nodeName),
    },
    status: { phase: "Bound" },
  });
  expect(told(world)).toContain(`ProvisioningSucceeded: Successfully provisioned volume ${name}`);
  const { revision } = world.view;
  await world.clock.advance(60_000);
  expect(world.view.revision).toBe(revision);
});

test("pods that share a claim go to one node, whoever comes first, and later ones follow the volume", async () => {
  const world = await newWorld();
  await putClaim(world, "data");
  for (const name of ["a", "b", "c"]) await world.put({ kind: "Pod", object: podNamed(name, "data") });
  await world.converge();
  const nodes = ["a", "b", "c"].map((name) => nodeOf(world, name));
  expect(nodes[0]).toMatch(/^node-/);
  expect(new Set(nodes).size).toBe(1);
  await world.put({ kind: "Pod", object: podNamed("d", "data") });
  await world.converge();
  expect(nodeOf(world, "d")).toBe(nodes[0]);
  // The node takes no more: the pod says why it waits, and goes once the node does.
  const other = nodes[0] === "node-a" ? "node-b" : "node-a";
  await world.edit("Node", nodes[0] ?? "", (node) => Node.fromPartial({ ...node, spec: { unschedulable: true } }));
  await world.put({ kind: "Pod", object: podNamed("e", "data") });
  await world.converge(20_000);
  expect(refusalOf(world, "e")).toContain("1 cannot mount the volume of claim data");
  expect(nodeOf(world, "e")).not.toBe(other);
});

describe("why a pod with a claim waits", () => {
  const rows = [
    { name: "no claim", claim: undefined, want: '2 persistentvolumeclaim "data" not found' },
    {
      name: "bound at once, and there is nothing",
      claim: { storageClassName: "" },
      want: "2 pod has unbound immediate PersistentVolumeClaims",
    },
    {
      name: "nobody makes volumes",
      claim: { storageClassName: "manual" },
      want: "2 no volume is available for claim data",
    },
  ];
  test.each(rows)("$name", async ({ claim, want }) => {
    const world = await newWorld();
    await world.put({ kind: "StorageClass", object: classNamed("manual", "WaitForFirstConsumer") });
    if (claim !== undefined) await putClaim(world, "data", claim);
    await world.put({ kind: "Pod", object: podNamed("p", "data") });
    await world.converge(20_000);
    expect(refusalOf(world, "p")).toBe(`0/2 nodes: ${want}`);
    // What was missing comes: the pod is tried again by itself.
    await putVolume(world, "v", "1Gi", { ...onNode("node-b"), storageClassName: claim?.storageClassName ?? "local" });
    if (claim === undefined) await putClaim(world, "data");
    await world.converge();
    expect(nodeOf(world, "p")).toMatch(/^node-/);
    if (claim !== undefined) expect(nodeOf(world, "p")).toBe("node-b");
  });
});

describe("a claim gets a volume that is there", () => {
  const rows: readonly {
    readonly name: string;
    readonly claim?: ClaimSpec;
    readonly volumes: Readonly<Record<string, readonly [string, VolumeParts["spec"]?]>>;
    readonly want: string;
  }[] = [
    { name: "the smallest that is large enough", volumes: { s: ["500Mi"], m: ["2Gi"], l: ["5Gi"] }, want: "m" },
    { name: "none that is too small", volumes: { s: ["500Mi"] }, want: "" },
    { name: "one of its class", volumes: { a: ["1Gi", { storageClassName: "x" }], b: ["2Gi"] }, want: "b" },
    {
      name: "one with its modes",
      claim: { accessModes: ["ReadWriteMany"] },
      volumes: { a: ["1Gi"], b: ["2Gi", { accessModes: ["ReadWriteOnce", "ReadWriteMany"] }] },
      want: "b",
    },
    {
      name: "one that the selector selects",
      claim: { selector: { matchLabels: { name: "b" } } },
      volumes: { a: ["1Gi"], b: ["2Gi"] },
      want: "b",
    },
    {
      name: "the one that is kept for it",
      volumes: { a: ["1Gi"], b: ["9Gi", { claimRef: { namespace: "default", name: "data" } }] },
      want: "b",
    },
    {
      name: "not one that is kept for another",
      volumes: { a: ["1Gi", { claimRef: { namespace: "default", name: "other" } }] },
      want: "",
    },
    { name: "the one that it names", claim: { volumeName: "l" }, volumes: { m: ["1Gi"], l: ["5Gi"] }, want: "l" },
  ];
  test.each(rows)("$name", async ({ claim = {}, volumes: there, want }) => {
    const world = await newWorld();
    for (const [name, [size, spec]] of Object.entries(there)) await putVolume(world, name, size, spec);
    await putClaim(world, "data", { storageClassName: "", ...claim });
    await world.converge();
    const bound = claimIn(world, "data");
    expect(bound?.status?.phase).toBe(want === "" ? "Pending" : "Bound");
    expect(bound?.spec?.volumeName).toBe(want);
    for (const name of Object.keys(there))
      expect(volumeIn(world, name)?.status?.phase).toBe(name === want ? "Bound" : "Available");
    if (want !== "") expect(volumeIn(world, want)?.spec?.claimRef?.uid).toBe("uid-data");
  });
});

describe("what is said of claims that get nothing", () => {
  const rows: readonly { readonly name: string; readonly claim: ClaimSpec; readonly want: string }[] = [
    {
      name: "no class",
      claim: { storageClassName: "" },
      want: "FailedBinding: no persistent volumes available for this claim and no storage class is set",
    },
    {
      name: "an unknown class",
      claim: { storageClassName: "fast" },
      want: 'ProvisioningFailed: storageclass.storage.k8s.io "fast" not found',
    },
    {
      name: "at once, without a node",
      claim: { storageClassName: "now" },
      want: 'ProvisioningFailed: failed to provision volume with StorageClass "now": volumes are made on the node of the first pod: the class needs volumeBindingMode WaitForFirstConsumer',
    },
    {
      name: "a volume that is another's",
      claim: { volumeName: "taken", storageClassName: "" },
      want: 'FailedBinding: volume "taken" already bound to a different claim.',
    },
    {
      name: "a volume that does not fit",
      claim: { volumeName: "small", storageClassName: "" },
      want: 'VolumeMismatch: Cannot bind to requested volume "small": requested PV is too small',
    },
  ];
  test.each(rows)("$name", async ({ claim, want }) => {
    const world = await newWorld();
    await world.put({ kind: "StorageClass", object: classNamed("now", "Immediate") });
    await putVolume(world, "taken", "1Gi", { claimRef: { namespace: "default", name: "other", uid: "u" } });
    await putVolume(world, "small", "1Mi", { storageClassName: "" });
    await putClaim(world, "data", claim);
    await world.converge();
    expect(told(world)).toContain(want);
    expect(claimIn(world, "data")?.status?.phase).toBe("Pending");
  });

  test("a folder that several nodes are to mount", async () => {
    const world = await newWorld();
    await putClaim(world, "data", { accessModes: ["ReadWriteMany"] });
    await world.put({ kind: "Pod", object: podNamed("p", "data") });
    await world.converge();
    expect(told(world)).toContain(
      'ProvisioningFailed: failed to provision volume with StorageClass "local": a folder is on one node: ReadWriteMany needs a volume that several nodes can mount',
    );
  });
});

test("a claim stays until no pod uses it; then its volume is over, and gone once the node has removed the folder", async () => {
  const world = await newWorld();
  await putClaim(world, "data");
  await world.put({ kind: "Pod", object: podNamed("p", "data") });
  await world.converge();
  await world.edit("PersistentVolumeClaim", "data", mark);
  await world.converge();
  expect(claimIn(world, "data")).toSatisfy(isDeleting);
  await world.drop({ kind: "Pod", namespace: "default", name: "p" });
  await world.converge();
  expect(claimIn(world, "data")).toBeUndefined();
  const name = "pvc-uid-data";
  expect(volumeIn(world, name)?.status?.phase).toBe("Released");
  // Only the node can say that the folder is gone.
  await world.clock.advance(3_600_000);
  const volume = volumeIn(world, name);
  expect(volume).toBeDefined();
  const status = { phase: "Released", reason: FOLDER_REMOVED, message: "", lastPhaseTransitionTime: "" };
  await world.put({ kind: "PersistentVolume", object: { ...volumeNamed(name, "1Gi"), ...volume, status } });
  await world.converge();
  expect(volumeIn(world, name)).toBeUndefined();
});

test("a volume that is kept is Released, and may be given to another claim by hand", async () => {
  const world = await newWorld();
  await putVolume(world, "v", "1Gi");
  await putClaim(world, "data", { storageClassName: "" });
  await world.converge();
  await world.edit("PersistentVolumeClaim", "data", mark);
  await world.converge();
  expect(volumeIn(world, "v")?.status?.phase).toBe("Released");
  await putClaim(world, "next", { storageClassName: "" });
  await world.converge();
  expect(claimIn(world, "next")?.status?.phase).toBe("Pending");
  const volume = volumeIn(world, "v");
  if (volume?.spec === undefined) throw new Error("wanted the volume");
  await world.put({ kind: "PersistentVolume", object: { ...volume, spec: { ...volume.spec, claimRef: undefined } } });
  await world.converge();
  expect(claimIn(world, "next")?.status?.phase).toBe("Bound");
});

test("the folder of a node that was deleted is not waited for", async () => {
  const world = await newWorld();
  await putClaim(world, "data");
  await world.put({ kind: "Pod", object: podNamed("p", "data") });
  await world.converge();
  const node = nodeOf(world, "p") ?? "";
  await world.drop({ kind: "Pod", namespace: "default", name: "p" });
  await world.edit("PersistentVolumeClaim", "data", mark);
  await world.converge();
  expect(volumeIn(world, "pvc-uid-data")?.status?.phase).toBe("Released");
  await world.drop({ kind: "Node", namespace: "", name: node });
  await world.converge();
  expect(volumeIn(world, "pvc-uid-data")).toBeUndefined();
});

test("a claim whose volume is gone is Lost", async () => {
  const world = await newWorld();
  await putVolume(world, "v", "1Gi");
  await putClaim(world, "data", { storageClassName: "" });
  await world.converge();
  await world.drop({ kind: "PersistentVolume", namespace: "", name: "v" });
  await world.converge();
  expect(claimIn(world, "data")?.status?.phase).toBe("Lost");
  expect(told(world)).toContain("ClaimLost: Bound claim has lost its PersistentVolume. Data on the volume is lost!");
});

test("a volume made by hand that is to be deleted has nobody who can", async () => {
  const world = await newWorld();
  await putVolume(world, "v", "1Gi", { persistentVolumeReclaimPolicy: "Delete" });
  await putClaim(world, "data", { storageClassName: "" });
  await world.converge();
  await world.edit("PersistentVolumeClaim", "data", mark);
  await world.converge();
  expect(volumeIn(world, "v")?.status).toMatchObject({ phase: "Failed", reason: "VolumeFailedDelete" });
});
