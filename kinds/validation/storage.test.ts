import { describe, expect, test } from "vitest";
import { decodeDocument } from "../decode.js";
import { applyDefaults } from "../defaults/defaults.js";
import type { Typed } from "../object.js";
import { parseYaml } from "../yaml/parse.js";
import { validate } from "./validate.js";

function read(text: string): Typed {
  const source = { name: "x", text };
  const [object] = parseYaml(source).documents.flatMap((root) => decodeDocument(root, source).objects);
  if (object === undefined) throw new Error("no object");
  return applyDefaults(object.typed);
}

function errors(text: string, previous?: string): readonly string[] {
  const before = previous === undefined ? undefined : read(previous);
  return validate(read(text), before).map(({ path, message }) => `${path}: ${message}`);
}

const claim = (fields: string, sizes = "{storage: 1Gi}"): string =>
  `{apiVersion: v1, kind: PersistentVolumeClaim, metadata: {name: c, namespace: d}, spec: {accessModes: [ReadWriteOnce], resources: {requests: ${sizes}}, ${fields}}}`;
const volume = (fields: string): string =>
  `{apiVersion: v1, kind: PersistentVolume, metadata: {name: v}, spec: {capacity: {storage: 1Gi}, accessModes: [ReadWriteOnce], ${fields}}}`;
const storageClass = (fields: string): string =>
  `{apiVersion: storage.k8s.io/v1, kind: StorageClass, metadata: {name: s}, ${fields}}`;
const set = (fields: string, mounts = "", name = "web"): string =>
  `{apiVersion: apps/v1, kind: StatefulSet, metadata: {name: ${name}, namespace: d}, spec: {serviceName: web, selector: {matchLabels: {a: b}}, template: {metadata: {labels: {a: b}}, spec: {containers: [{name: c, image: i:1, ${mounts}}]}}, ${fields}}}`;
const data =
  "volumeClaimTemplates: [{metadata: {name: data}, spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}}]";

const onNode =
  "nodeAffinity: {required: {nodeSelectorTerms: [{matchExpressions: [{key: kubernetes.io/hostname, operator: In, values: [a]}]}]}}";

describe("what cannot be is refused", () => {
  const rows: readonly { readonly name: string; readonly text: string; readonly want: readonly string[] }[] = [
    { name: "a sound claim", text: claim(""), want: [] },
    {
      name: "a claim of nothing",
      text: claim("", "{}"),
      want: ["spec.resources.requests.storage: this field is required"],
    },
    {
      name: "a claim of less",
      text: claim("", "{storage: -1}"),
      want: ["spec.resources.requests.storage: want more than 0, found -1"],
    },
    {
      name: "a claim without modes",
      text: claim("").replace("[ReadWriteOnce]", "[]"),
      want: ["spec.accessModes: this field is required"],
    },
    {
      name: "one pod and many",
      text: claim("").replace("[ReadWriteOnce]", "[ReadWriteOncePod, ReadWriteMany]"),
      want: ["spec.accessModes: may not use ReadWriteOncePod with other access modes"],
    },
    {
      name: "a volume of nothing",
      text: volume(""),
      want: ["spec: want one of hostPath, local, nfs, csi, iscsi, fc"],
    },
    {
      name: "a volume of two sources",
      text: volume("hostPath: {path: /a}, nfs: {server: s, path: /b}"),
      want: ["spec: want only one of hostPath, nfs"],
    },
    {
      name: "a folder of no node",
      text: volume("local: {path: /a}"),
      want: ["spec.nodeAffinity: Local volume requires node affinity"],
    },
    { name: "a folder of a node", text: volume(`local: {path: /a}, ${onNode}`), want: [] },
    { name: "a class", text: storageClass("provisioner: tallship.dev/local"), want: [] },
    { name: "a set with claims", text: set(data, "volumeMounts: [{name: data, mountPath: /d}]"), want: [] },
    {
      name: "a set that mounts what it has not",
      text: set("", "volumeMounts: [{name: data, mountPath: /d}]"),
      want: ['spec.template.spec.containers[0].volumeMounts[0].name: the pod has no volume "data"'],
    },
    {
      name: "a claim of a set without size",
      text: set(data.replace("storage: 1Gi", "")),
      want: ["spec.volumeClaimTemplates[0].spec.resources.requests.storage: this field is required"],
    },
    {
      name: "an update that cannot move",
      text: set("updateStrategy: {rollingUpdate: {maxUnavailable: 0%}}"),
      want: ["spec.updateStrategy.rollingUpdate.maxUnavailable: cannot be 0"],
    },
    {
      name: "bounds of updates by hand",
      text: set("updateStrategy: {type: OnDelete, rollingUpdate: {partition: 1}}"),
      want: ["spec.updateStrategy.rollingUpdate: only with type RollingUpdate"],
    },
    {
      name: "a name that no host can have",
      text: set("", "", "a.b"),
      want: [
        "metadata.name: want at most 63 lower-case letters, digits and '-', starting and ending with a letter or digit, found \"a.b\"",
      ],
    },
    {
      name: "a name that leaves no room",
      text: set("", "", "a".repeat(53)),
      want: ["metadata.name: want at most 52 characters: the pods' labels add to it"],
    },
  ];
  test.each(rows)("$name", ({ text, want }) => {
    expect(errors(text)).toEqual(want);
  });
});

describe("only what Kubernetes lets change may change", () => {
  const onlySome = expect.stringContaining("updates to statefulset spec for fields other than 'replicas'");
  const rows: readonly { name: string; before: string; after: string; want: readonly unknown[] }[] = [
    {
      name: "a claim is bound",
      before: claim(""),
      after: claim("volumeName: v, storageClassName: local"),
      want: [],
    },
    {
      name: "a claim's volume",
      before: claim("volumeName: v"),
      after: claim("volumeName: w"),
      want: [
        "spec: spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims",
      ],
    },
    {
      name: "a claim's class",
      before: claim("storageClassName: a"),
      after: claim("storageClassName: b"),
      want: [
        "spec: spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims",
      ],
    },
    {
      name: "the size of a claim that is not bound",
      before: claim(""),
      after: claim("", "{storage: 2Gi}"),
      want: [
        "spec: spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims",
      ],
    },
    {
      name: "a larger bound claim",
      before: claim("volumeName: v"),
      after: claim("volumeName: v", "{storage: 2Gi}"),
      want: [
        "spec.resources.requests.storage: only dynamically provisioned pvc can be resized and the storageclass that provisions the pvc must support resize",
      ],
    },
    {
      name: "a smaller bound claim",
      before: claim("volumeName: v"),
      after: claim("volumeName: v", "{storage: 1Mi}"),
      want: ["spec.resources.requests.storage: field can not be less than previous value"],
    },
    {
      name: "a volume's source",
      before: volume("hostPath: {path: /a}"),
      after: volume("hostPath: {path: /b}"),
      want: ["spec: spec.persistentvolumesource is immutable after creation"],
    },
    {
      name: "a volume's node",
      before: volume(`local: {path: /a}, ${onNode}`),
      after: volume(`local: {path: /a}, ${onNode.replace("[a]", "[b]")}`),
      want: ["spec.nodeAffinity: field is immutable"],
    },
    {
      name: "a volume is taken from its claim",
      before: volume("hostPath: {path: /a}, claimRef: {name: a, namespace: d}"),
      after: volume("hostPath: {path: /a}"),
      want: [],
    },
    {
      name: "a class's provisioner and parameters",
      before: storageClass("provisioner: a, parameters: {a: b}"),
      after: storageClass("provisioner: b"),
      want: ["parameters: updates to parameters are forbidden.", "provisioner: updates to provisioner are forbidden."],
    },
    {
      name: "a class's mode",
      before: storageClass("provisioner: a"),
      after: storageClass("provisioner: a, volumeBindingMode: WaitForFirstConsumer"),
      want: ["volumeBindingMode: field is immutable"],
    },
    {
      name: "a set's replicas, template and update",
      before: set(""),
      after: set("replicas: 2, updateStrategy: {type: OnDelete}, ordinals: {start: 1}").replace("i:1", "i:2"),
      want: [],
    },
    { name: "a set's claims", before: set(""), after: set(data), want: [onlySome] },
    {
      name: "a set's service",
      before: set(""),
      after: set("").replace("serviceName: web", "serviceName: db"),
      want: [onlySome],
    },
    {
      name: "a set's order",
      before: set(""),
      after: set("podManagementPolicy: Parallel"),
      want: [onlySome],
    },
  ];
  test.each(rows)("$name", ({ before, after, want }) => {
    expect(errors(before)).toEqual([]);
    expect(errors(after, before)).toEqual(want);
  });
});
