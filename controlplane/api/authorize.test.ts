import { expect, test } from "vitest";
import type { ObjectKey, Typed } from "../../kinds/object.js";
import { KINDS, type KindName } from "../../kinds/registry.js";
import { type ErrorCode, TallshipError } from "../../lib/errors.js";
import type { Identity } from "../../lib/transport/service.js";
import { ClusterDefinition, ObjectsDefinition } from "../../proto/gen/tallship/v1/api.js";
import { ExplainDefinition } from "../../proto/gen/tallship/v1/explain.js";
import { ImagesDefinition } from "../../proto/gen/tallship/v1/images.js";
import { IngressClass } from "../../proto/gen/tallship/v1/ingress.js";
import { Node } from "../../proto/gen/tallship/v1/node.js";
import { PersistentVolume } from "../../proto/gen/tallship/v1/persistentvolume.js";
import { PersistentVolumeClaim } from "../../proto/gen/tallship/v1/persistentvolumeclaim.js";
import { Pod } from "../../proto/gen/tallship/v1/pod.js";
import { JoinDefinition, NodesDefinition, ReplicasDefinition } from "../../proto/gen/tallship/v1/session.js";
import { StreamsDefinition } from "../../proto/gen/tallship/v1/streams.js";
import { ingressOf } from "../../test/kit/ingress-world.js";
import { viewOf } from "../cache/view-of.js";
import { authorizeCalls, authorizeObject, onlyNodeOf, reachOf, type Verb } from "./authorize.js";

const pod = (name: string, nodeName: string): Typed => ({
  kind: "Pod",
  object: Pod.fromPartial({
    metadata: { name, namespace: "default", uid: name },
    spec: {
      nodeName,
      imagePullSecrets: [{ name: `pull-${name}` }],
      volumes: [
        { name: "a", secret: { secretName: `files-${name}` } },
        { name: "b", projected: { sources: [{ configMap: { name: `projected-${name}` } }] } },
        { name: "c", persistentVolumeClaim: { claimName: `data-${name}` } },
      ],
      containers: [
        {
          name: "c",
          env: [
            { name: "A", valueFrom: { secretKeyRef: { name: `key-${name}`, key: "k" } } },
            { name: "B", valueFrom: { configMapKeyRef: { name: `env-${name}`, key: "k" } } },
          ],
          envFrom: [{ secretRef: { name: `all-${name}` } }],
        },
      ],
    },
  }),
});

const [mine, theirs, unbound] = [pod("mine", "node-a"), pod("theirs", "node-b"), pod("unbound", "")];
const claim = (name: string): Typed => ({
  kind: "PersistentVolumeClaim",
  object: PersistentVolumeClaim.fromPartial({
    metadata: { name: `data-${name}`, namespace: "default", uid: name },
    spec: { volumeName: `disk-${name}` },
  }),
});
const folderOn = (node: string, provisioner: string): Typed => ({
  kind: "PersistentVolume",
  object: PersistentVolume.fromPartial({
    metadata: { name: "folder", annotations: { "pv.kubernetes.io/provisioned-by": provisioner } },
    spec: {
      local: { path: "/x" },
      nodeAffinity: {
        required: {
          nodeSelectorTerms: [
            { matchExpressions: [{ key: "kubernetes.io/hostname", operator: "In", values: [node] }] },
          ],
        },
      },
    },
  }),
});
const view = viewOf([mine, theirs, unbound, claim("mine"), claim("theirs")]);
const node: Identity = { role: "node", name: "node-a" };

function codeOf(run: () => TallshipError | undefined): ErrorCode | undefined {
  try {
    return run()?.code;
  } catch (error) {
    if (error instanceof TallshipError) return error.code;
    throw error;
  }
}

// Each row is one border of a node's rights.
const rows: readonly { verb: Verb; kind: KindName; name: string; typed?: Typed; want: ErrorCode | undefined }[] = [
  { verb: "get", kind: "Pod", name: "mine", typed: mine, want: undefined },
  { verb: "get", kind: "Pod", name: "theirs", typed: theirs, want: "not_found" },
  { verb: "get", kind: "Pod", name: "unbound", typed: unbound, want: "not_found" },
  { verb: "get", kind: "Pod", name: "none", want: "not_found" },
  { verb: "updateStatus", kind: "Pod", name: "mine", typed: mine, want: undefined },
  { verb: "updateStatus", kind: "Pod", name: "theirs", typed: theirs, want: "not_found" },
  { verb: "updateStatus", kind: "Node", name: "node-a", want: "forbidden" },
  { verb: "delete", kind: "Pod", name: "theirs", typed: theirs, want: "not_found" },
  { verb: "write", kind: "Pod", name: "mine", typed: mine, want: "forbidden" },
  { verb: "get", kind: "Secret", name: "files-mine", want: undefined },
  { verb: "get", kind: "Secret", name: "pull-mine", want: undefined },
  { verb: "get", kind: "Secret", name: "key-mine", want: undefined },
  { verb: "get", kind: "Secret", name: "all-mine", want: undefined },
  { verb: "get", kind: "Secret", name: "files-theirs", want: "forbidden" },
  { verb: "get", kind: "Secret", name: "files-unbound", want: "forbidden" },
  { verb: "get", kind: "Secret", name: "env-mine", want: "forbidden" },
  { verb: "get", kind: "ConfigMap", name: "env-mine", want: undefined },
  { verb: "get", kind: "ConfigMap", name: "projected-mine", want: undefined },
  { verb: "get", kind: "ConfigMap", name: "projected-theirs", want: "forbidden" },
  { verb: "get", kind: "PersistentVolumeClaim", name: "data-mine", want: undefined },
  { verb: "get", kind: "PersistentVolumeClaim", name: "data-theirs", want: "forbidden" },
  { verb: "list", kind: "PersistentVolumeClaim", name: "", want: "forbidden" },
  { verb: "get", kind: "PersistentVolume", name: "disk-mine", want: undefined },
  { verb: "get", kind: "PersistentVolume", name: "disk-theirs", want: "forbidden" },
  {
    verb: "updateStatus",
    kind: "PersistentVolume",
    name: "folder",
    typed: folderOn("node-a", "tallship.dev/local"),
    want: undefined,
  },
  {
    verb: "updateStatus",
    kind: "PersistentVolume",
    name: "folder",
    typed: folderOn("node-b", "tallship.dev/local"),
    want: "not_found",
  },
  // Made by hand: nobody's.
  { verb: "updateStatus", kind: "PersistentVolume", name: "folder", typed: folderOn("node-a", ""), want: "not_found" },
  { verb: "list", kind: "Secret", name: "", want: "forbidden" },
  { verb: "watch", kind: "ConfigMap", name: "", want: "forbidden" },
  { verb: "get", kind: "Deployment", name: "x", want: "forbidden" },
  { verb: "get", kind: "Revision", name: "x", want: "forbidden" },
  { verb: "get", kind: "Node", name: "node-b", want: undefined },
];

for (const { verb, kind, name, typed, want } of rows) {
  test(`a node that asks to ${verb} ${kind} ${name || "objects"} gets ${want ?? "its way"}`, () => {
    const key: ObjectKey = { kind, namespace: KINDS[kind].isNamespaced ? "default" : "", name };
    expect(codeOf(() => authorizeObject({ identity: node, verb }, key, typed, view))).toBe(want);
  });
}

test("a secret of the same name in another namespace is not named by the pod", () => {
  const key: ObjectKey = { kind: "Secret", namespace: "other", name: "files-mine" };
  expect(codeOf(() => authorizeObject({ identity: node, verb: "get" }, key, undefined, view))).toBe("forbidden");
});

test("the certificate of an ingress is for the nodes that serve it, and no other secret of its namespace is", () => {
  const ingress: Typed = { kind: "Ingress", object: ingressOf({ tls: { cert: ["a"] }, className: "t" }) };
  const nodeObject = (name: string, label: string): Typed => ({
    kind: "Node",
    object: Node.fromPartial({ metadata: { name, labels: { "tallship.dev/ingress": label } } }),
  });
  const othersClass: Typed = {
    kind: "IngressClass",
    object: IngressClass.fromPartial({ metadata: { name: "t" }, spec: { controller: "example.com/other" } }),
  };
  const ask = (objects: readonly Typed[], name = "cert") => {
    const key: ObjectKey = { kind: "Secret", namespace: "shop", name };
    return codeOf(() => authorizeObject({ identity: node, verb: "get" }, key, undefined, viewOf(objects)));
  };
  expect(ask([ingress, nodeObject("node-a", "")])).toBeUndefined();
  expect(ask([ingress, nodeObject("node-a", "")], "other")).toBe("forbidden");
  expect(ask([ingress, nodeObject("node-a", "false")])).toBe("forbidden");
  expect(ask([ingress, nodeObject("node-a", ""), nodeObject("node-b", "true")])).toBe("forbidden");
  expect(ask([ingress, othersClass, nodeObject("node-a", "")])).toBe("forbidden");
});

test("a node lists and watches pods of itself alone, and the network map whole", () => {
  expect(onlyNodeOf(node, "watch", "Pod")).toBe("node-a");
  expect(onlyNodeOf(node, "watch", "PersistentVolume")).toBe("node-a");
  expect(onlyNodeOf(node, "list", "Service")).toBeUndefined();
  expect(onlyNodeOf({ role: "admin", name: "ann" }, "watch", "Pod")).toBeUndefined();
});

test("a node certificate without a name does not stand for the pods without a node", () => {
  const nameless: Identity = { role: "node", name: "" };
  expect(codeOf(() => authorizeObject({ identity: nameless, verb: "get" }, keyOfUnbound, unbound, view))).toBe(
    "forbidden",
  );
  expect(() => onlyNodeOf(nameless, "watch", "Pod")).toThrow(expect.objectContaining({ code: "forbidden" }));
});
const keyOfUnbound: ObjectKey = { kind: "Pod", namespace: "default", name: "unbound" };

test("metrics and anonymous callers reach no object", () => {
  for (const role of ["metrics", "anonymous"] as const)
    for (const kind of Object.keys(KINDS) as KindName[])
      expect(() => reachOf({ role, name: "x" }, "get", kind)).toThrow(expect.objectContaining({ code: "forbidden" }));
});

test("every method of every service is in the table, admin may not act as a node, and nobody may call what is not there", () => {
  const all = [
    ObjectsDefinition,
    ClusterDefinition,
    NodesDefinition,
    ReplicasDefinition,
    JoinDefinition,
    StreamsDefinition,
    ImagesDefinition,
    ExplainDefinition,
  ];
  const roles = ["admin", "node", "control-plane", "metrics", "anonymous"] as const;
  const table = all.flatMap(({ name: service, methods }) =>
    Object.values(methods).map(({ name: method }) => {
      const may = roles.filter((role) => authorizeCalls(service)({ role, name: "x" }, method) === undefined);
      return `${service}.${method}: ${may.join(" ")}`;
    }),
  );
  expect(table).toMatchInlineSnapshot(`
    [
      "Objects.Apply: admin control-plane",
      "Objects.Create: admin control-plane",
      "Objects.Get: admin node control-plane",
      "Objects.List: admin node control-plane",
      "Objects.Update: admin control-plane",
      "Objects.UpdateStatus: admin node control-plane",
      "Objects.Delete: admin node control-plane",
      "Objects.Evict: admin control-plane",
      "Objects.Undo: admin control-plane",
      "Objects.Watch: admin node control-plane",
      "Cluster.Info: admin node control-plane metrics",
      "Cluster.CreateToken: admin control-plane",
      "Cluster.ListTokens: admin control-plane",
      "Cluster.RevokeToken: admin control-plane",
      "Nodes.Session: node",
      "Nodes.RenewCertificate: node control-plane",
      "Nodes.Carry: node",
      "Replicas.RequestStream: control-plane",
      "Replicas.FindHolders: control-plane",
      "Replicas.Usage: control-plane",
      "Replicas.Network: control-plane",
      "Join.Join: admin node control-plane metrics anonymous",
      "Streams.Logs: admin control-plane",
      "Streams.Exec: admin control-plane",
      "Streams.Attach: admin control-plane",
      "Streams.Forward: admin control-plane",
      "Streams.Copy: admin control-plane",
      "Streams.Signal: admin control-plane",
      "Streams.Stats: admin control-plane",
      "Streams.Changes: admin control-plane",
      "Images.Load: admin control-plane",
      "Images.Save: admin control-plane",
      "Images.List: admin control-plane",
      "Images.Inspect: admin control-plane",
      "Images.Remove: admin control-plane",
      "Images.Prune: admin control-plane",
      "Images.Build: admin control-plane",
      "Images.Pull: admin control-plane",
      "Images.Push: admin control-plane",
      "Images.Search: admin control-plane",
      "Images.Commit: admin control-plane",
      "Explain.Why: admin control-plane",
      "Explain.Plan: admin control-plane",
      "Explain.Trace: admin control-plane",
      "Explain.When: admin control-plane",
      "Explain.WhenSet: admin control-plane",
      "Explain.Rebalance: admin control-plane",
      "Explain.Top: admin control-plane",
      "Explain.NetCheck: admin control-plane",
    ]
  `);
  for (const role of roles) {
    expect(authorizeCalls("Objects")({ role, name: "x" }, "Format")?.code).toMatch(/forbidden|unauthenticated/);
    expect(authorizeCalls("Nothing")({ role, name: "x" }, "Get")?.code).toMatch(/forbidden|unauthenticated/);
  }
});
