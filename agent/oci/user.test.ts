import { expect, test } from "vitest";
import { Container } from "../../proto/gen/tallship/v1/container.js";
import { PodSecurityContext } from "../../proto/gen/tallship/v1/pod.js";
import { resolveUser } from "./user.js";

const files = {
  passwd: "root:x:0:0:root:/root:/bin/sh\nweb:x:1000:1001:web:/home/web:/bin/sh\nbroken\n",
  group: "root:x:0:\nweb:x:1001:\nmedia:x:1002:web,other\nlog:x:1003:other\n",
};

type Context = Parameters<typeof PodSecurityContext.fromPartial>[0];
const resolve = (user: string, own: Context = {}, pod: Context = {}, of = files) =>
  resolveUser(Container.fromPartial({ name: "web", securityContext: own }), PodSecurityContext.fromPartial(pod), {
    user,
    files: of,
  });

// user, what the container and the pod ask, and whom it comes to.
const rows = [
  { name: "nothing said: root", got: () => resolve(""), want: [0, 0, [], "/root"] },
  { name: "a name of the image, with its groups", got: () => resolve("web"), want: [1000, 1001, [1002], "/home/web"] },
  { name: "a number of the image", got: () => resolve("1000"), want: [1000, 1001, [1002], "/home/web"] },
  { name: "a number nobody has", got: () => resolve("4242"), want: [4242, 0, [], "/"] },
  { name: "user and group by name", got: () => resolve("web:media"), want: [1000, 1002, [1002], "/home/web"] },
  { name: "user and group by number", got: () => resolve("7:8"), want: [7, 8, [], "/"] },
  {
    name: "the container's user wins",
    got: () => resolve("web", { runAsUser: 5, runAsGroup: 6 }, { runAsUser: 9 }),
    want: [5, 6, [], "/"],
  },
  {
    name: "the pod's user next, and the image's group does not count then",
    got: () => resolve("web:media", {}, { runAsUser: 5 }),
    want: [5, 0, [], "/"],
  },
  {
    name: "the pod's groups are added",
    got: () => resolve("web", {}, { supplementalGroups: [7, 1002], fsGroup: 9 }),
    want: [1000, 1001, [7, 9, 1002], "/home/web"],
  },
  {
    name: "the pod's groups alone, as it asks for",
    got: () => resolve("web", {}, { supplementalGroups: [7], supplementalGroupsPolicy: "Strict" }),
    want: [1000, 1001, [7], "/home/web"],
  },
  {
    name: "an image without users",
    got: () => resolve("0", {}, {}, { passwd: "", group: "" }),
    want: [0, 0, [], "/root"],
  },
] as const;

for (const { name, got, want } of rows) {
  test(`user: ${name}`, () => {
    const { uid, gid, additionalGids, home } = got();
    expect([uid, gid, additionalGids, home]).toEqual(want);
  });
}

test("user: names that the image lacks, and numbers beyond what the kernel has, are refused", () => {
  expect(() => resolve("nobody-here")).toThrow("nobody-here");
  expect(() => resolve("web:none")).toThrow("none");
  expect(() => resolve("4294967295")).toThrow("4294967295");
});

test("user: runAsNonRoot refuses root, also when the image says so by name", () => {
  expect(() => resolve("root", { runAsNonRoot: true })).toThrow("runAsNonRoot");
  expect(() => resolve("", {}, { runAsNonRoot: true })).toThrow("runAsNonRoot");
  expect(resolve("web", { runAsNonRoot: true }).uid).toBe(1000);
  expect(resolve("", { runAsNonRoot: false }, { runAsNonRoot: true }).uid).toBe(0);
});
