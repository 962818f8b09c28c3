import { expect, test } from "vitest";
import { cgroupMode, parseHierarchies } from "./hierarchies.js";

const v1 = (point: string, options: string): string =>
  `36 31 0:33 / ${point} rw,relatime - cgroup cgroup rw,${options}`;
const unified = "41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw";
const memory = v1("/sys/fs/cgroup/memory", "memory");

// Each row is a machine as it may be mounted; the last two are namespaces in which older mounts are hidden but still listed.
const rows = [
  { name: "version 2 alone", lines: ["30 24 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw,nsdelegate"], want: "v2" },
  { name: "version 1 alone", lines: [memory, v1("/sys/fs/cgroup/cpu,cpuacct", "cpu,cpuacct")], want: "v1" },
  { name: "both", lines: [memory, unified], want: "hybrid" },
  {
    name: "version 2 hidden",
    lines: [memory, unified, "99 23 0:99 / /sys/fs/cgroup rw - tmpfs tmpfs rw", memory],
    want: "v1",
  },
  { name: "version 1 hidden", lines: [memory, "99 23 0:99 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw"], want: "v2" },
] as const;

for (const { name, lines, want } of rows) {
  test(`control groups: ${name}`, () => {
    expect(cgroupMode(parseHierarchies(lines.join("\n")))).toBe(want);
  });
}

test("controllers that share a mount, and named hierarchies, are told apart", () => {
  const lines = [v1("/c/cpu,cpuacct", "cpu,cpuacct"), v1("/c/systemd", "name=systemd")];
  expect(parseHierarchies(lines.join("\n")).map(({ controllers }) => controllers)).toEqual([
    ["cpu", "cpuacct"],
    ["systemd"],
  ]);
});
