import { expect } from "vitest";
import { waitFor } from "../../kit/wait.js";
import { type FieldRow, HOSTS, isRunning, once, runs, STAYS, waitsFor } from "./field-row.js";

const mounts = (...places: readonly (readonly [name: string, mountPath: string, more?: object])[]) =>
  places.map(([name, mountPath, more]) => ({ name, mountPath, ...more }));

const files = {
  apiVersion: "v1",
  kind: "ConfigMap",
  metadata: { name: "files" },
  data: { "a.conf": "text of a", "b.conf": "text of b" },
};
const pass = {
  apiVersion: "v1",
  kind: "Secret",
  metadata: { name: "pass" },
  stringData: { word: "sesame", other: "x" },
};

/** Path, mode and text of a file. */
const SHOW = "show() { for f; do echo $f $(stat -L -c %a $f) $(cat $f); done; }";

/** What volumes hold, and how they come into containers. */
export const VOLUME_ROWS: readonly FieldRow[] = [
  {
    title: "a volume in memory is a tmpfs that takes as much as it may",
    proves: ["EmptyDirVolumeSource.medium", "EmptyDirVolumeSource.sizeLimit"],
    name: "in-memory",
    spec: once("grep ' /fast ' /proc/mounts; dd if=/dev/zero of=/fast/x bs=1M count=3 || echo too much", {
      container: { volumeMounts: mounts(["fast", "/fast"]) },
      volumes: [{ name: "fast", emptyDir: { medium: "Memory", sizeLimit: "2Mi" } }],
    }),
    says: [/ tmpfs .*size=2048k/, /No space left[\s\S]*too much/],
  },
  {
    title: "a path of the host is the host's, made where it may be made",
    proves: ["Volume.hostPath", "HostPathVolumeSource.path"],
    name: "host-path",
    spec: once("echo from the pod > /dir/x; echo more >> /file; ls -d /dir /file", {
      nodeName: HOSTS.first,
      container: { volumeMounts: mounts(["dir", "/dir"], ["file", "/file"]) },
      volumes: [
        { name: "dir", hostPath: { path: "/run/fields-dir", type: "DirectoryOrCreate" } },
        { name: "file", hostPath: { path: "/run/fields-file", type: "FileOrCreate" } },
      ],
    }),
    afterwards: async ({ onHost }) => {
      expect(await onHost(HOSTS.first, "cat", "/run/fields-dir/x", "/run/fields-file")).toBe("from the pod\nmore\n");
    },
  },
  {
    title: "a path of the host that is not what it must be keeps the pod waiting, and it is told why",
    proves: ["HostPathVolumeSource.type"],
    name: "host-path-type",
    spec: once("true", {
      container: { volumeMounts: mounts(["socket", "/socket"]) },
      volumes: [{ name: "socket", hostPath: { path: "/run", type: "Socket" } }],
    }),
    until: waitsFor("ContainerCreating", "CreateContainerConfigError"),
    afterwards: async ({ testbed }) => {
      await waitFor("to be told", async () =>
        /FailedMount.*\/run.*socket/i.test(await testbed.tsctl(["get", "events"])),
      );
    },
  },
  {
    title: "keys of a config are files, all or those chosen, under their paths and with their modes",
    proves: [
      ...[
        "Volume.configMap",
        "ConfigMapVolumeSource.name",
        "ConfigMapVolumeSource.items",
        "ConfigMapVolumeSource.defaultMode",
        "ConfigMapVolumeSource.optional",
      ],
      ...["KeyToPath.key", "KeyToPath.path", "KeyToPath.mode", "VolumeMount.subPath"],
    ],
    name: "config-files",
    beside: [files],
    spec: once(`${SHOW}; show /all/* /some/deep/b /some/a /one; ls /none | wc -l`, {
      container: {
        volumeMounts: mounts(
          ["all", "/all"],
          ["some", "/some"],
          ["none", "/none"],
          ["all", "/one", { subPath: "b.conf" }],
        ),
      },
      volumes: [
        { name: "all", configMap: { name: "files" } },
        {
          name: "some",
          configMap: {
            ...{ name: "files", defaultMode: 0o440 },
            items: [
              { key: "b.conf", path: "deep/b", mode: 0o600 },
              { key: "a.conf", path: "a" },
            ],
          },
        },
        { name: "none", configMap: { name: "nowhere", optional: true } },
      ],
    }),
    says: [
      ...[/^\/all\/a.conf 644 text of a$/m, /^\/all\/b.conf 644 text of b$/m, /^\/some\/deep\/b 600 text of b$/m],
      ...[/^\/some\/a 440 text of a$/m, /^\/one 644 text of b$/m, /^0$/m],
    ],
  },
  {
    title: "keys of a secret are files in memory, all or those chosen, under their paths and with their modes",
    proves: [
      "Volume.secret",
      "SecretVolumeSource.secretName",
      "SecretVolumeSource.items",
      "SecretVolumeSource.defaultMode",
      "SecretVolumeSource.optional",
    ],
    name: "secret-files",
    beside: [pass],
    spec: once(`${SHOW}; show /all/word /some/*; grep -c '^tmpfs /all ' /proc/mounts; ls /none | wc -l`, {
      container: { volumeMounts: mounts(["all", "/all"], ["some", "/some"], ["none", "/none"]) },
      volumes: [
        { name: "all", secret: { secretName: "pass" } },
        { name: "some", secret: { secretName: "pass", defaultMode: 0o400, items: [{ key: "word", path: "w" }] } },
        { name: "none", secret: { secretName: "nowhere", optional: true } },
      ],
    }),
    says: [/^\/all\/word 644 sesame$/m, /^\/some\/w 400 sesame$/m, /^1$/m, /^0$/m, /^(?![\s\S]*\/some\/other)/],
  },
  {
    title: "one folder shows configs, secrets and the pod itself, each with its paths and modes",
    proves: [
      ...[
        "Volume.projected",
        "ProjectedVolumeSource.sources",
        "ProjectedVolumeSource.defaultMode",
        "VolumeProjection.secret",
        "VolumeProjection.configMap",
        "VolumeProjection.downwardAPI",
      ],
      ...[
        "SecretProjection.name",
        "SecretProjection.items",
        "SecretProjection.optional",
        "ConfigMapProjection.name",
        "ConfigMapProjection.items",
        "ConfigMapProjection.optional",
        "DownwardAPIProjection.items",
      ],
    ],
    name: "projected",
    beside: [files, pass],
    metadata: { labels: { tier: "gold" } },
    spec: once(`${SHOW}; cd /all && show conf/a w labels; ls -A | grep -v '^\\.\\.' | wc -l`, {
      container: { volumeMounts: mounts(["all", "/all"]) },
      volumes: [
        {
          name: "all",
          projected: {
            defaultMode: 0o440,
            sources: [
              { configMap: { name: "files", items: [{ key: "a.conf", path: "conf/a" }] } },
              { configMap: { name: "nowhere", optional: true } },
              { secret: { name: "pass", items: [{ key: "word", path: "w", mode: 0o400 }] } },
              { secret: { name: "nowhere", optional: true } },
              { downwardAPI: { items: [{ path: "labels", fieldRef: { fieldPath: "metadata.labels" } }] } },
            ],
          },
        },
      ],
    }),
    says: [/^conf\/a 440 text of a$/m, /^w 400 sesame$/m, /^labels 440 .*tier="gold"/m, /^3$/m],
  },
  {
    title: "fields and bounds of the pod are files",
    proves: [
      ...[
        "Volume.downwardAPI",
        "DownwardAPIVolumeSource.items",
        "DownwardAPIVolumeSource.defaultMode",
        "DownwardAPIVolumeFile.path",
      ],
      ...["DownwardAPIVolumeFile.fieldRef", "DownwardAPIVolumeFile.resourceFieldRef", "DownwardAPIVolumeFile.mode"],
    ],
    name: "downward",
    metadata: { annotations: { note: "read me" } },
    spec: once(`${SHOW}; cd /pod && show name note cpu`, {
      container: { volumeMounts: mounts(["pod", "/pod"]), resources: { limits: { cpu: "250m" } } },
      volumes: [
        {
          name: "pod",
          downwardAPI: {
            defaultMode: 0o444,
            items: [
              { path: "name", fieldRef: { fieldPath: "metadata.name" } },
              { path: "note", fieldRef: { fieldPath: "metadata.annotations['note']" } },
              {
                path: "cpu",
                resourceFieldRef: { containerName: "main", resource: "limits.cpu", divisor: "1m" },
                mode: 0o400,
              },
            ],
          },
        },
      ],
    }),
    says: [/^name 444 downward$/m, /^note 444 read me$/m, /^cpu 400 250$/m],
  },
  {
    title: "a claim holds what is written, and nothing is written where it is read-only",
    proves: [
      "Volume.persistentVolumeClaim",
      "PersistentVolumeClaimVolumeSource.claimName",
      "PersistentVolumeClaimVolumeSource.readOnly",
      "VolumeMount.readOnly",
    ],
    name: "claimed",
    beside: [
      {
        apiVersion: "v1",
        kind: "PersistentVolumeClaim",
        metadata: { name: "store" },
        spec: { accessModes: ["ReadWriteOnce"], resources: { requests: { storage: "10Mi" } } },
      },
    ],
    spec: once("echo kept > /store/x; cat /store/x; touch /again/y; touch /reads/z; cat /reads/x", {
      container: {
        volumeMounts: mounts(["store", "/store"], ["store", "/again", { readOnly: true }], ["reads", "/reads"]),
      },
      volumes: [
        { name: "store", persistentVolumeClaim: { claimName: "store" } },
        { name: "reads", persistentVolumeClaim: { claimName: "store", readOnly: true } },
      ],
    }),
    says: [/^kept\n[\s\S]*^kept$/m, /\/again\/y: Read-only/, /\/reads\/z: Read-only/],
  },
  {
    title: "an image volume that must be there already is not pulled",
    proves: ["ImageVolumeSource.pullPolicy"],
    name: "image-never",
    spec: once("true", {
      container: { volumeMounts: mounts(["model", "/model"]) },
      volumes: [{ name: "model", image: { reference: "tallship/none:1", pullPolicy: "Never" } }],
    }),
    until: waitsFor("ErrImageNeverPull"),
  },
  {
    title: "a volume of the pod's own is a claim as its template says, and goes with the pod",
    proves: [
      ...[
        "Volume.ephemeral",
        "EphemeralVolumeSource.volumeClaimTemplate",
        "EphemeralClaimTemplate.metadata",
        "EphemeralClaimTemplate.spec",
      ],
      ...[
        "PersistentVolumeClaimSpec.accessModes",
        "PersistentVolumeClaimSpec.resources",
        "VolumeResourceRequirements.requests",
        "PersistentVolumeClaimSpec.storageClassName",
      ],
    ],
    name: "scratch",
    spec: {
      terminationGracePeriodSeconds: 1,
      containers: [runs(`touch /own/x && echo written; ${STAYS}`, { volumeMounts: mounts(["own", "/own"]) })],
      volumes: [
        {
          name: "own",
          ephemeral: {
            volumeClaimTemplate: {
              metadata: { labels: { made: "for-scratch" } },
              spec: {
                accessModes: ["ReadWriteOnce"],
                storageClassName: "local",
                resources: { requests: { storage: "5Mi" } },
              },
            },
          },
        },
      ],
    },
    until: isRunning,
    says: [/^written$/m],
    afterwards: async ({ testbed }) => {
      const claims = (): Promise<string> => testbed.tsctl(["get", "pvc", "-l", "made=for-scratch"]);
      expect(await claims()).toMatch(/scratch-own\s+Bound\s+\S+\s+5Mi\s+RWO\s+local/);
      await testbed.tsctl(["delete", "pod", "scratch"]);
      await waitFor("the claim to go", async () => !/scratch-own/.test(await claims()));
    },
  },
];
