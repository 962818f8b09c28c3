import { expect, test } from "vitest";
import { hostDevicesProblem } from "../../kinds/host-devices.js";
import { deviceAnnotations, deviceLimits } from "./devices.js";

const rows = [
  { device: ["/dev/fuse"], nodes: "web=/dev/fuse:/dev/fuse:rwm" },
  { device: ["/dev/sda:r"], nodes: "web=/dev/sda:/dev/sda:r" },
  { device: ["/dev/sda:/dev/xvdc:rw", "/dev/kvm"], nodes: "web=/dev/sda:/dev/xvdc:rw,web=/dev/kvm:/dev/kvm:rwm" },
  { device: ["nvidia.com/gpu=0"], named: "nvidia.com/gpu=0" },
];
test.each(rows)("--device $device", ({ device, nodes, named }) => {
  const found = deviceAnnotations("web", { device, gpus: undefined });
  expect(found["tallship.dev/host-devices"]).toBe(nodes);
  expect(found["tallship.dev/devices"]).toBe(named);
  if (nodes !== undefined) expect(hostDevicesProblem(nodes)).toBeUndefined();
});

test("a device by its name is asked for as a resource, too, that a node with it offers", () => {
  expect(deviceLimits({ device: ["a.b/c=0", "a.b/c=1", "/dev/fuse"] })).toEqual({ "a.b/c": "2" });
});

const refused = ["fuse", "/dev/fuse:/x:rwx", "/dev/../etc/x", "/dev/a:b", "/dev/a:/b:r:w", "/dev/a,b"];
test.each(refused)("--device %s is refused", (text) => {
  expect(() => deviceAnnotations("web", { device: [text], gpus: undefined })).toThrow("--device is PATH");
});

test("an annotation of another form is refused with what it should be", () => {
  expect(hostDevicesProblem("web=/dev/a:/dev/a:rwm,web=dev")).toContain('found "web=dev"');
});
