import { expect, test } from "vitest";
import { Pod } from "../../proto/gen/tallship/v1/pod.js";
import { readVolumeSource, sharedVolumes } from "./volumes-from.js";

type Spec = NonNullable<Parameters<typeof Pod.fromPartial>[0]["spec"]>;

const found = (
  name: string,
  nodeName: string,
  spec: Pick<Spec, "volumes"> & { mounts: readonly { name: string; mountPath: string }[] },
) => ({
  found: {
    pod: Pod.fromPartial({
      metadata: { name },
      spec: { nodeName, volumes: spec.volumes, containers: [{ name, volumeMounts: [...spec.mounts] }] },
    }),
    container: name,
  },
  isReadOnly: false,
});
const db = found("db", "a", {
  volumes: [
    { name: "data", persistentVolumeClaim: { claimName: "data" } },
    { name: "bind-1", hostPath: { path: "/srv" } },
    { name: "tmpfs-2", emptyDir: { medium: "Memory" } },
  ],
  mounts: [
    { name: "data", mountPath: "/data" },
    { name: "bind-1", mountPath: "/srv" },
    { name: "tmpfs-2", mountPath: "/tmp" },
  ],
});

test("named volumes and folders of the node are mounted in the same places, on the same node, memory is not", () => {
  expect(sharedVolumes([{ ...db, isReadOnly: true }])).toEqual({
    node: "a",
    volumes: [
      { name: "data", persistentVolumeClaim: { claimName: "data" } },
      { name: "from-0-1", hostPath: { path: "/srv" } },
    ],
    mounts: [
      { name: "data", mountPath: "/data", readOnly: true },
      { name: "from-0-1", mountPath: "/srv", readOnly: true },
    ],
  });
});

test("volumes that pods call alike are told apart by their claims, and long names do not grow", () => {
  const replica = (claimName: string, mountPath: string) =>
    found(claimName, "a", {
      volumes: [{ name: "w".repeat(63), persistentVolumeClaim: { claimName } }],
      mounts: [{ name: "w".repeat(63), mountPath }],
    });
  expect(sharedVolumes([replica("www-web-0", "/a"), replica("www-web-1", "/b")])).toMatchObject({
    volumes: [
      { name: "from-0-0", persistentVolumeClaim: { claimName: "www-web-0" } },
      { name: "from-1-0", persistentVolumeClaim: { claimName: "www-web-1" } },
    ],
    mounts: [
      { name: "from-0-0", mountPath: "/a" },
      { name: "from-1-0", mountPath: "/b" },
    ],
  });
});

const own = { volumes: [{ name: "volume-0", emptyDir: {} }], mounts: [{ name: "volume-0", mountPath: "/own" }] };
const refused = [
  { name: "of a container that has no node", all: [found("db", "", own)], want: "db: it has no node yet" },
  {
    name: "without a name",
    all: [found("db", "a", own)],
    want: "/own is a volume without a name, which is of db alone",
  },
  {
    name: "on several nodes",
    all: [db, { ...found("web", "b", { volumes: [], mounts: [] }) }],
    want: "are on a and b",
  },
];
test.each(refused)("volumes $name are refused", ({ all, want }) => {
  expect(() => sharedVolumes(all)).toThrow(want);
});

test("the flag has docker's form", () => {
  expect(readVolumeSource("db:ro")).toEqual({ word: "db", isReadOnly: true });
  expect(readVolumeSource("db")).toEqual({ word: "db", isReadOnly: false });
  for (const text of ["db:rx", ":ro", "db:ro:x"]) expect(() => readVolumeSource(text)).toThrow("CONTAINER[:ro]");
});
