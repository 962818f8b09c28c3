import { expect, test } from "vitest";
import { PersistentVolume } from "../../proto/gen/tallship/v1/persistentvolume.js";
import { PersistentVolumeClaim } from "../../proto/gen/tallship/v1/persistentvolumeclaim.js";
import { Pod } from "../../proto/gen/tallship/v1/pod.js";
import { describeClaim, describeVolume } from "./storage.js";

const around = { nowMs: 0, events: [] };

test("a claim says what it is bound to and which pods use it", () => {
  const claim = PersistentVolumeClaim.fromPartial({
    metadata: { name: "data", namespace: "default", finalizers: ["kubernetes.io/pvc-protection"] },
    spec: { volumeName: "v", storageClassName: "local", volumeMode: "Filesystem" },
    status: { phase: "Bound", capacity: { storage: "1Gi" }, accessModes: ["ReadWriteOnce"] },
  });
  const pod = (name: string, phase: string): Pod =>
    Pod.fromPartial({
      metadata: { name },
      spec: { volumes: [{ name: "x", persistentVolumeClaim: { claimName: "data" } }] },
      status: { phase },
    });
  const text = describeClaim(claim, [pod("db-0", "Running"), pod("old", "Succeeded")], around).toText();
  expect(text).toMatch(/Status:\s+Bound\n/);
  expect(text).toMatch(/Finalizers:\s+kubernetes.io\/pvc-protection\n/);
  expect(text).toMatch(/Access Modes:\s+RWO\n/);
  expect(text).toMatch(/Used By:\s+db-0\n/);
  expect(text).not.toContain("old");
});

test("a volume says where it is, whose it is and why it does not go", () => {
  const volume = PersistentVolume.fromPartial({
    metadata: { name: "v" },
    spec: {
      capacity: { storage: "1Gi" },
      claimRef: { namespace: "default", name: "data" },
      local: { path: "/data/v" },
      nodeAffinity: {
        required: {
          nodeSelectorTerms: [
            { matchExpressions: [{ key: "kubernetes.io/hostname", operator: "In", values: ["node-a"] }] },
          ],
        },
      },
    },
    status: { phase: "Released", reason: "VolumeFailedDelete", message: "disk full" },
  });
  const text = describeVolume(volume, around).toText();
  expect(text).toMatch(/Claim:\s+default\/data\n/);
  expect(text).toMatch(/Node Affinity:\s+kubernetes.io\/hostname in \[node-a\]\n/);
  expect(text).toMatch(/Message:\s+VolumeFailedDelete: disk full\n/);
  expect(text).toMatch(/path:\s+\/data\/v\n/);
});
