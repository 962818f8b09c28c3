import { expect, test } from "vitest";
import { containerSpec } from "../../test/kit/container-spec.js";
import { parseCdiSpec } from "./cdi-spec.js";
import { type FindNode, withDeviceEdits } from "./edit-spec.js";

const editsOf = (edits: object) =>
  parseCdiSpec(
    JSON.stringify({ cdiVersion: "1.0.0", kind: "a.b/c", devices: [{ name: "x", containerEdits: edits }] }),
    "x.json",
  ).devices.map((device) => device.edits);

const key = { podUid: "u1", container: "web", attempt: 0 };
const plain = containerSpec(key, { rootPath: "/root", logPath: "/log", command: ["true"], cgroupParent: "" }).oci;
const zero: FindNode = (path) => (path === "/dev/zero" ? { type: "c", major: 1, minor: 5 } : undefined);

test("a node of the host that is given another name keeps its numbers, may be used, and is whose the user is", () => {
  const as1000 = { ...plain, process: { ...plain.process, user: { uid: 1000, gid: 1000 } } };
  const edits = editsOf({ deviceNodes: [{ path: "/dev/acme", hostPath: "/dev/zero", permissions: "r" }] });
  const { linux } = withDeviceEdits(as1000, edits, zero);
  expect(linux.devices).toEqual([{ path: "/dev/acme", type: "c", major: 1, minor: 5, uid: 1000, gid: 1000 }]);
  expect(linux.resources.devices.at(-1)).toEqual({ allow: true, type: "c", major: 1, minor: 5, access: "r" });
});

test("what a file says of a node counts more than the host", () => {
  const node = { path: "/dev/zero", type: "b", major: 7, minor: 9, fileMode: 384, uid: 5, gid: 6 };
  const { linux } = withDeviceEdits(plain, editsOf({ deviceNodes: [node] }), zero);
  expect(linux.devices).toEqual([node]);
});

test("a node that the host has not is refused by name", () => {
  const edits = editsOf({ deviceNodes: [{ path: "/dev/gone" }] });
  expect(() => withDeviceEdits(plain, edits, zero)).toThrow("device node /dev/gone: the node has no device /dev/gone");
});

test("variables and mounts stand for what was there, groups are added once, programs run in order", () => {
  const before = {
    ...plain,
    process: { ...plain.process, env: ["PATH=/bin", "A=1"], user: { uid: 0, gid: 0, additionalGids: [7] } },
    mounts: [{ destination: "/opt/lib", type: "tmpfs", source: "tmpfs", options: [] }],
  };
  const edits = editsOf({
    env: ["A=2"],
    additionalGids: [7, 8, 0],
    mounts: [
      { hostPath: "/usr/lib", containerPath: "/opt/lib", options: ["ro"] },
      { hostPath: "tmpfs", containerPath: "/scratch", type: "tmpfs" },
    ],
    hooks: [
      { hookName: "createContainer", path: "/bin/one", args: ["one"] },
      { hookName: "createContainer", path: "/bin/two", timeout: 3 },
    ],
    intelRdt: { closID: "a" },
  });
  const oci = withDeviceEdits(before, edits, zero);
  expect(oci.process.env).toEqual(["PATH=/bin", "A=2"]);
  expect(oci.process.user.additionalGids).toEqual([7, 8]);
  expect(oci.mounts).toEqual([
    { destination: "/opt/lib", type: "bind", source: "/usr/lib", options: ["rbind", "ro"] },
    { destination: "/scratch", type: "tmpfs", source: "tmpfs", options: [] },
  ]);
  expect(oci.hooks).toEqual({
    createContainer: [
      { path: "/bin/one", args: ["one"] },
      { path: "/bin/two", timeout: 3 },
    ],
  });
  expect(oci.linux.intelRdt).toEqual({ closID: "a" });
});

test("without devices nothing changes", () => {
  expect(withDeviceEdits(plain, [], zero)).toEqual(plain);
});
