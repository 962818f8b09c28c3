import { describe, expect, test } from "vitest";
import { decodeDocument } from "../decode.js";
import { toJson } from "../encode.js";
import type { Typed } from "../object.js";
import { parseYaml } from "../yaml/parse.js";
import { applyDefaults } from "./defaults.js";

function read(text: string): Typed {
  const source = { name: "x", text };
  const [object] = parseYaml(source).documents.flatMap((root) => decodeDocument(root, source).objects);
  if (object === undefined) throw new Error("no object");
  return object.typed;
}

/** One container with the fields given, its defaults filled. */
function container(fields: string, spec = ""): unknown {
  const typed = applyDefaults(
    read(`{apiVersion: v1, kind: Pod, metadata: {name: p}, spec: {${spec} containers: [{name: c, ${fields}}]}}`),
  );
  return typed.kind === "Pod" ? typed.object.spec?.containers.at(0) : undefined;
}

describe("a pod gets what Kubernetes gives it", () => {
  test("spec", () => {
    const typed = applyDefaults(
      read("{apiVersion: v1, kind: Pod, metadata: {name: p}, spec: {containers: [{name: c, image: web}]}}"),
    );
    expect(toJson(typed)["spec"]).toEqual({
      containers: [
        {
          name: "c",
          image: "web",
          imagePullPolicy: "Always",
          terminationMessagePath: "/dev/termination-log",
          terminationMessagePolicy: "File",
        },
      ],
      restartPolicy: "Always",
      terminationGracePeriodSeconds: 30,
      dnsPolicy: "ClusterFirst",
      securityContext: {},
      enableServiceLinks: true,
      schedulerName: "default-scheduler",
    });
  });

  const images = [
    { image: "web", want: "Always" },
    { image: "web:latest", want: "Always" },
    { image: "web:1", want: "IfNotPresent" },
    // The colon is the registry's port.
    { image: "host:5000/web", want: "Always" },
    { image: "host:5000/web:1", want: "IfNotPresent" },
    { image: "web@sha256:abc", want: "IfNotPresent" },
  ];
  test.each(images)("image $image is pulled $want", ({ image, want }) => {
    expect(container(`image: "${image}"`)).toMatchObject({ imagePullPolicy: want });
  });

  const rows = [
    {
      name: "requests from limits",
      fields: "resources: {limits: {cpu: 1, memory: 1Gi}, requests: {cpu: 500m}}",
      want: { resources: { requests: { cpu: "500m", memory: "1Gi" } } },
    },
    {
      name: "ports are TCP",
      fields: "ports: [{containerPort: 80}]",
      want: { ports: [{ protocol: "TCP", hostPort: 0 }] },
    },
    {
      name: "host ports of the host's network",
      fields: "ports: [{containerPort: 80}]",
      spec: "hostNetwork: true,",
      want: { ports: [{ hostPort: 80 }] },
    },
    {
      name: "probes",
      fields: "livenessProbe: {httpGet: {port: 80}}",
      want: {
        livenessProbe: {
          timeoutSeconds: 1,
          periodSeconds: 10,
          successThreshold: 1,
          failureThreshold: 3,
          httpGet: { path: "/", scheme: "HTTP" },
        },
      },
    },
    {
      name: "field references",
      fields: "env: [{name: A, valueFrom: {fieldRef: {fieldPath: metadata.name}}}]",
      want: { env: [{ valueFrom: { fieldRef: { apiVersion: "v1" } } }] },
    },
  ];
  test.each(rows)("$name", ({ fields, spec, want }) => {
    expect(container(fields, spec)).toMatchObject(want);
  });

  test("a volume without source is an emptyDir, files have mode 0644", () => {
    const typed = applyDefaults(
      read(
        "{apiVersion: v1, kind: Pod, metadata: {name: p}, spec: {volumes: [{name: a}, {name: b, configMap: {name: c}}]}}",
      ),
    );
    expect(toJson(typed)["spec"]).toMatchObject({
      volumes: [
        { name: "a", emptyDir: {} },
        { name: "b", configMap: { name: "c", defaultMode: 420 } },
      ],
    });
  });
});

describe("other kinds", () => {
  const rows = [
    {
      name: "deployment",
      text: "{apiVersion: apps/v1, kind: Deployment, spec: {template: {spec: {containers: [{name: c, image: i:1}]}}}}",
      want: {
        replicas: 1,
        revisionHistoryLimit: 10,
        progressDeadlineSeconds: 600,
        strategy: { type: "RollingUpdate", rollingUpdate: { maxSurge: "25%", maxUnavailable: "25%" } },
        template: { spec: { restartPolicy: "Always" } },
      },
    },
    {
      name: "a deployment of none stays at none",
      text: "{apiVersion: apps/v1, kind: Deployment, spec: {replicas: 0}}",
      want: { replicas: 0 },
    },
    {
      name: "recreate has no bounds",
      text: "{apiVersion: apps/v1, kind: Deployment, spec: {strategy: {type: Recreate}}}",
      want: { strategy: { type: "Recreate" } },
    },
    {
      name: "stateful set",
      text: "{apiVersion: apps/v1, kind: StatefulSet, spec: {template: {spec: {containers: [{name: c, image: i:1}]}}, volumeClaimTemplates: [{metadata: {name: a}, spec: {}, status: {phase: Bound}}]}}",
      want: {
        replicas: 1,
        podManagementPolicy: "OrderedReady",
        updateStrategy: { type: "RollingUpdate", rollingUpdate: { partition: 0 } },
        revisionHistoryLimit: 10,
        persistentVolumeClaimRetentionPolicy: { whenDeleted: "Retain", whenScaled: "Retain" },
        template: { spec: { restartPolicy: "Always" } },
        volumeClaimTemplates: [
          {
            apiVersion: "v1",
            kind: "PersistentVolumeClaim",
            metadata: { name: "a" },
            spec: { volumeMode: "Filesystem" },
          },
        ],
      },
    },
    {
      name: "updates by hand have no bounds",
      text: "{apiVersion: apps/v1, kind: StatefulSet, spec: {updateStrategy: {type: OnDelete, rollingUpdate: {partition: 0}}}}",
      want: { updateStrategy: { type: "OnDelete" } },
    },
    {
      name: "a volume made by hand is kept",
      text: "{apiVersion: v1, kind: PersistentVolume, spec: {capacity: {storage: 1Gi}}}",
      want: { persistentVolumeReclaimPolicy: "Retain", volumeMode: "Filesystem" },
    },
    {
      name: "service",
      text: "{apiVersion: v1, kind: Service, spec: {ports: [{port: 80}]}}",
      want: {
        type: "ClusterIP",
        sessionAffinity: "None",
        ports: [{ port: 80, targetPort: 80, protocol: "TCP" }],
        internalTrafficPolicy: "Cluster",
        ipFamilies: ["IPv4"],
        ipFamilyPolicy: "SingleStack",
      },
    },
    {
      name: "client affinity",
      text: "{apiVersion: v1, kind: Service, spec: {sessionAffinity: ClientIP}}",
      want: { sessionAffinityConfig: { clientIP: { timeoutSeconds: 10800 } } },
    },
  ];
  test.each(rows)("$name", ({ text, want }) => {
    expect(toJson(applyDefaults(read(text)))["spec"]).toMatchObject(want);
  });

  test("the texts of a secret become bytes and win", () => {
    const typed = applyDefaults(read("{apiVersion: v1, kind: Secret, data: {a: eA==, b: eQ==}, stringData: {a: hi}}"));
    expect(toJson(typed)).toMatchObject({ type: "Opaque", data: { a: "aGk=", b: "eQ==" } });
    expect(toJson(typed)).not.toHaveProperty("stringData");
  });

  test("a namespace is labelled with its name", () => {
    const typed = applyDefaults(read("{apiVersion: v1, kind: Namespace, metadata: {name: a}}"));
    expect(typed.object.metadata?.labels).toEqual({ "kubernetes.io/metadata.name": "a" });
  });

  test("twice is once", () => {
    for (const { text } of rows) {
      const once = applyDefaults(read(text));
      expect(applyDefaults(once)).toEqual(once);
    }
  });
});
