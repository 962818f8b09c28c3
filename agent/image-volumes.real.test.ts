import { afterEach, beforeEach, expect, test } from "vitest";
import { AgentMachine, testPod } from "../test/kit/agent-machine.js";
import { waitFor } from "../test/kit/wait.js";
import type { PodLoop } from "./pod-loop.js";

// Real mounts: the files of an image in the containers of a pod.

let machine: AgentMachine;
let loop: PodLoop;

beforeEach(async () => {
  machine = new AgentMachine();
  loop = await machine.start();
});
afterEach(async () => machine.close());

const image = "busybox";

test("an image volume shows the image's files, whole or in part, and nothing of it can be written or run", async () => {
  const script = [
    "touch /memory/kept && echo part of memory",
    "ls /all/bin/busybox && ls /part/busybox",
    "touch /all/new || echo read-only",
    "/part/busybox true || echo not run",
    "echo done",
  ].join("; ");
  const pod = testPod("images", {
    restartPolicy: "Never",
    volumes: [
      { name: "fast", emptyDir: { medium: "Memory" } },
      { name: "tools", image: { reference: "tools:1", pullPolicy: "IfNotPresent" } },
    ],
    containers: [
      {
        name: "web",
        image,
        command: ["sh", "-c", `exec 2>&1; ${script}`],
        volumeMounts: [
          { name: "fast", mountPath: "/memory", subPath: "made" },
          { name: "tools", mountPath: "/all" },
          { name: "tools", mountPath: "/part", subPath: "bin" },
        ],
      },
    ],
  });
  loop.replaceDesired([pod]);
  await machine.until("images", "to have succeeded", ({ phase }) => phase === "Succeeded");
  const said = machine.log({ podUid: "images", container: "web", attempt: 0 });
  expect(said).toContain("part of memory");
  expect(said).toMatch(/F \/all\/bin\/busybox[\s\S]*F \/part\/busybox/);
  expect(said).toMatch(/touch: \/all\/new: Read-only file system[\s\S]*read-only/);
  expect(said).toMatch(/\/part\/busybox: Permission denied[\s\S]*not run/);
  const missing = testPod("gone", {
    volumes: [{ name: "tools", image: { reference: "missing", pullPolicy: "IfNotPresent" } }],
    containers: [{ name: "web", image, command: ["sleep", "60"] }],
  });
  loop.replaceDesired([missing]);
  await machine.until(
    "gone",
    "to be told",
    ({ containerStatuses: [web] }) => web?.state?.waiting?.reason === "ErrImagePull",
  );
  await waitFor("the first pod to go, mounts and all", () => loop.get("images") === undefined);
});
