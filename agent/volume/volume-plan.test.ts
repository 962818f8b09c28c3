import { expect, test } from "vitest";
import { PersistentVolume } from "../../proto/gen/tallship/v1/persistentvolume.js";
import { Pod } from "../../proto/gen/tallship/v1/pod.js";
import type { Volume } from "../../proto/gen/tallship/v1/volume.js";
import { volumePlans } from "./volume-plan.js";

type PartialVolume = Parameters<typeof Volume.fromPartial>[0];
const configs = {
  configMaps: { app: { revision: 1, values: { "a.conf": Buffer.from("a"), "b.conf": Buffer.from("b") } } },
  secrets: { key: { revision: 1, values: { token: Buffer.from("t") } } },
};

const volume = (spec: Parameters<typeof PersistentVolume.fromPartial>[0]["spec"], isMade = false): PersistentVolume =>
  PersistentVolume.fromPartial({
    metadata: { name: "disk", annotations: isMade ? { "pv.kubernetes.io/provisioned-by": "tallship.dev/local" } : {} },
    spec,
  });
const claims = new Map([
  ["made", volume({ local: { path: "/data/volumes/x" } }, true)],
  ["local", volume({ local: { path: "/mnt/x" } })],
  ["host", volume({ hostPath: { path: "/srv", type: "Directory" } })],
  ["nfs", volume({ nfs: { server: "s", path: "/p", readOnly: true }, mountOptions: ["nfsvers=4.1"] })],
  ["driver", volume({ csi: { driver: "d", volumeHandle: "h" } })],
]);

const config = { entrypoint: [], command: [], env: [], workingDir: "", user: "", stopSignal: "", labels: {} };
const imageOf = (name: string) =>
  name === "v"
    ? { reference: "tools:1", digest: "sha256:0", config, layerPaths: ["/layers/b", "/layers/a"] }
    : undefined;

function plans(volume: PartialVolume, fsGroup?: number) {
  const containers = [{ name: "main", image: "x", resources: { limits: { cpu: "500m" } } }];
  const spec = { securityContext: { fsGroup }, volumes: [{ name: "v", ...volume }], containers };
  const metadata = { name: "web-0", labels: { app: "web" } };
  return volumePlans(Pod.fromPartial({ metadata, spec }), {
    configs,
    allocatable: { memory: "1Gi" },
    claims,
    imageOf,
  })[0];
}

const file = (path: string, text: string, mode = 0o644) => ({ path, bytes: Buffer.from(text), mode });

test("each kind of volume becomes what must be made for it", () => {
  expect(plans({ emptyDir: {} }, 7)).toEqual({ is: "folder", name: "v", fsGroup: 7 });
  expect(plans({ emptyDir: { medium: "Memory", sizeLimit: "1Mi" } })).toMatchObject({
    is: "memory",
    sizeBytes: 1_048_576,
  });
  expect(plans({ hostPath: { path: "/srv", type: "Directory" } })).toMatchObject({ is: "hostPath", path: "/srv" });
  expect(plans({ image: { reference: "tools:1", pullPolicy: "" } })).toEqual({
    is: "image",
    name: "v",
    layerPaths: ["/layers/b", "/layers/a"],
  });
  expect(plans({ configMap: { name: "app" } })).toMatchObject({
    is: "files",
    isSecret: false,
    files: [file("a.conf", "a"), file("b.conf", "b")],
  });
  expect(plans({ secret: { secretName: "key", defaultMode: 0o400 } })).toMatchObject({
    isSecret: true,
    files: [file("token", "t", 0o400)],
  });
});

test("huge pages are of the one size that the pod has limits for, or of the one named, and no more than its limits", () => {
  const plan = (emptyDir: object, ...limits: readonly Record<string, string>[]) => {
    const containers = limits.map((each, at) => ({ name: `c${at}`, resources: { limits: each } }));
    const pod = Pod.fromPartial({ spec: { containers, volumes: [{ name: "v", emptyDir }] } });
    return volumePlans(pod, { configs, allocatable: {}, claims, imageOf })[0];
  };
  const small = { "hugepages-2Mi": "4Mi" };
  const memory = { is: "memory", name: "v", pageBytes: 2 ** 21 };
  expect(plan({ medium: "HugePages" }, small, small)).toMatchObject({ ...memory, sizeBytes: 2 ** 23 });
  expect(plan({ medium: "HugePages-2Mi", sizeLimit: "2Mi" }, { ...small, "hugepages-1Gi": "1Gi" })).toMatchObject({
    ...memory,
    sizeBytes: 2 ** 21,
  });
  const both = { ...small, "hugepages-1Gi": "1Gi" };
  expect(() => plan({ medium: "HugePages" }, both)).toThrow("wants limits of one hugepages size");
  expect(() => plan({ medium: "HugePages" }, {})).toThrow("the pod's containers have none");
  expect(() => plan({ medium: "HugePages-1Gi" }, small)).toThrow("wants limits of hugepages-1Gi");
});

const labels = { path: "labels", fieldRef: { fieldPath: "metadata.labels" } };
const cpu = {
  path: "cpu",
  resourceFieldRef: { containerName: "main", resource: "limits.cpu", divisor: "1m" },
  mode: 0o400,
};

test("a folder in memory is no larger than its pod may be, where all its containers are bounded", () => {
  const size = (sizeLimit: string, ...bounds: readonly (string | undefined)[]) => {
    const containers = bounds.map((memory, at) => ({
      name: `c${at}`,
      resources: { limits: memory === undefined ? {} : { memory } },
    }));
    const volumes = [{ name: "v", emptyDir: { medium: "Memory", sizeLimit } }];
    const [plan] = volumePlans(Pod.fromPartial({ spec: { containers, volumes } }), {
      ...{ configs, allocatable: {}, claims, imageOf },
    });
    return plan?.is === "memory" ? plan.sizeBytes : "none";
  };
  expect(size("", "1Mi", "2Mi")).toBe(3 * 2 ** 20);
  expect(size("5Mi", "1Mi", "2Mi")).toBe(3 * 2 ** 20);
  expect(size("2Mi", "1Mi", "2Mi")).toBe(2 * 2 ** 20);
  expect(size("5Mi", "1Mi", undefined)).toBe(5 * 2 ** 20);
  expect(size("", "1Mi", undefined)).toBeUndefined();
});

test("fields of the pod become files, and several sources become one folder, in memory when one of them is a secret", () => {
  const files = [file("labels", 'app="web"'), file("cpu", "500", 0o400)];
  expect(plans({ downwardAPI: { items: [labels, cpu] } })).toMatchObject({ is: "files", isSecret: false, files });
  const config = { configMap: { name: "app", items: [{ key: "a.conf", path: "conf/a" }] } };
  const secret = { secret: { name: "key" } };
  const projected = { defaultMode: 0o440, sources: [config, { downwardAPI: { items: [labels] } }, secret] };
  expect(plans({ projected })).toMatchObject({
    isSecret: true,
    files: [file("conf/a", "a", 0o440), file("labels", 'app="web"', 0o440), file("token", "t", 0o440)],
  });
  expect(plans({ projected: { sources: [config] } })).toMatchObject({ isSecret: false });
  expect(() => plans({ projected: { sources: [{ secret: { name: "none" } }] } })).toThrow("Secret none does not exist");
  expect(plans({ projected: { sources: [{ secret: { name: "none", optional: true } }] } })).toMatchObject({
    files: [],
  });
});

test("items choose keys, paths and modes", () => {
  const items = [{ key: "b.conf", path: "sub/b", mode: 0o600 }];
  expect(plans({ configMap: { name: "app", items } })).toMatchObject({ files: [file("sub/b", "b", 0o600)] });
});

test("what is not there is named, unless it is optional", () => {
  expect(() => plans({ configMap: { name: "none" } })).toThrow("ConfigMap none does not exist");
  expect(() => plans({ configMap: { name: "app", items: [{ key: "no", path: "x" }] } })).toThrow(
    "ConfigMap app has no key no",
  );
  expect(plans({ configMap: { name: "none", optional: true } })).toMatchObject({ files: [] });
  const items = [{ key: "no", path: "x" }];
  expect(plans({ configMap: { name: "app", optional: true, items } })).toMatchObject({ files: [] });
});

// Admission refuses these; what reaches the agent all the same must not leave the volume either.
for (const path of ["../x", "/etc/passwd", "a/../../x", "..", "..data/x", ""]) {
  test(`a file at "${path}" is refused`, () => {
    expect(() => plans({ configMap: { name: "app", items: [{ key: "a.conf", path }] } })).toThrow("below the volume");
  });
}

test("a kind that is not mounted is refused by name, never left out", () => {
  expect(() => plans({ persistentVolumeClaim: { claimName: "driver" } })).toThrow(
    "volume v: the source of persistentvolume disk is not mounted",
  );
  expect(() => plans({})).toThrow("without a source");
});

test("a claim is the volume that it is bound to", () => {
  const claim = (claimName: string) => ({ persistentVolumeClaim: { claimName } });
  const local = { is: "local", name: "v", group: { gid: 7, onlyOnMismatch: false } };
  expect(plans(claim("made"), 7)).toEqual({ ...local, path: "/data/volumes/x", isMade: true });
  expect(plans(claim("local"), 7)).toEqual({ ...local, path: "/mnt/x", isMade: false });
  expect(plans(claim("host"))).toEqual({ is: "hostPath", name: "v", path: "/srv", type: "Directory" });
  expect(plans(claim("nfs"))).toEqual({ is: "nfs", name: "v", export: "s:/p", options: ["nfsvers=4.1", "ro"] });
  expect(plans({ nfs: { server: "s", path: "/p" } })).toEqual({ is: "nfs", name: "v", export: "s:/p", options: [] });
  expect(plans({ nfs: { server: "s", path: "/p", readOnly: true } })).toMatchObject({ options: ["ro"] });
});
