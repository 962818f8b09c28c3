import { existsSync } from "node:fs";
import { afterEach, beforeEach, expect, test } from "vitest";
import { HOST_DEVICES } from "../kinds/host-devices.js";
import { Pod } from "../proto/gen/tallship/v1/pod.js";
import { AgentMachine, testPod } from "../test/kit/agent-machine.js";
import type { PodLoop } from "./pod-loop.js";

let machine: AgentMachine;
let loop: PodLoop;

beforeEach(async () => {
  machine = new AgentMachine();
  loop = await machine.start();
});
afterEach(async () => machine.close());

// One that no container has by itself, and that opens without doing anything.
const DEVICE = ["/dev/fuse", "/dev/loop-control", "/dev/net/tun"].find((path) => existsSync(path)) ?? "/dev/fuse";

const opening = (uid: string, devices: string): Pod => {
  const command = ["sh", "-c", ": < /dev/own"];
  const pod = testPod(uid, { restartPolicy: "Never", containers: [{ name: "web", image: "busybox", command }] });
  return Pod.fromPartial({ ...pod, metadata: { ...pod.metadata, annotations: { [HOST_DEVICES]: devices } } });
};
const exitCodeOf = async (uid: string): Promise<number | undefined> => {
  const { containerStatuses } = await machine.until(uid, "to end", ({ phase }) =>
    ["Succeeded", "Failed"].includes(phase),
  );
  return containerStatuses[0]?.state?.terminated?.exitCode;
};

test("a container gets a device of its node by its path, under the name that it asks for, and may open what it may open", async () => {
  loop.setDesired(opening("read", `web=${DEVICE}:/dev/own:rw`));
  expect(await exitCodeOf("read")).toBe(0);
  // The same device with the right to make its node alone cannot be opened.
  loop.setDesired(opening("other", `web=${DEVICE}:/dev/own:m`));
  expect(await exitCodeOf("other")).not.toBe(0);
});

test("a device that the node does not have is told, and the container waits", async () => {
  const pod = testPod("none", { containers: [{ name: "web", image: "busybox", command: ["sleep", "100"] }] });
  loop.setDesired(
    Pod.fromPartial({
      ...pod,
      metadata: { ...pod.metadata, annotations: { [HOST_DEVICES]: "web=/dev/no-such:/dev/x:r" } },
    }),
  );
  const { containerStatuses } = await machine.until(
    "none",
    "to wait",
    ({ containerStatuses: [web] }) => web?.state?.waiting?.message.includes("/dev/no-such") === true,
  );
  expect(containerStatuses[0]?.state?.waiting?.reason).toBe("CreateContainerError");
});
