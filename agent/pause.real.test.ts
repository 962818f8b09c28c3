import { readFileSync } from "node:fs";
import { afterEach, beforeEach, expect, test } from "vitest";
import { PAUSED } from "../kinds/paused.js";
import { Pod } from "../proto/gen/tallship/v1/pod.js";
import { AgentMachine, deleted, testPod } from "../test/kit/agent-machine.js";
import { waitFor } from "../test/kit/wait.js";
import type { PodLoop } from "./pod-loop.js";

let machine: AgentMachine;
let loop: PodLoop;

beforeEach(async () => {
  machine = new AgentMachine();
  loop = await machine.start();
});
afterEach(async () => machine.close());

const key = { podUid: "still", container: "web", attempt: 0 };

/** Counts in its log; its liveness probe fails when it does not answer at once. */
const counting = testPod("still", {
  restartPolicy: "Always",
  containers: [
    {
      name: "web",
      image: "busybox",
      command: [
        "sh",
        "-c",
        "trap 'exit 0' TERM; echo up; i=0; while :; do i=$((i+1)); echo $i > /count; sleep 0.05; done",
      ],
      livenessProbe: { exec: { command: ["true"] }, periodSeconds: 1, timeoutSeconds: 1, failureThreshold: 1 },
    },
  ],
});

const marked = (pod: Pod): Pod =>
  Pod.fromPartial({ ...pod, metadata: { ...pod.metadata, annotations: { [PAUSED]: "web.0" } } });
const webStatus = () => machine.statuses.get("still")?.containerStatuses[0];
const until = (isPaused: boolean) =>
  machine.until(
    "still",
    `to be ${isPaused ? "" : "un"}paused`,
    ({ containerStatuses: [web] }) => web?.paused === isPaused,
  );
const count = (): number => {
  const pid = machine.machine.pidOf(key, "pid");
  return Number(readFileSync(`/proc/${pid}/root/count`, "utf8"));
};

test("a paused container stands still, also for the next agent, is not taken for hung, runs no command, and goes on where it was", async () => {
  loop.setDesired(counting);
  await machine.until("still", "to run", ({ phase }) => phase === "Running");
  await waitFor("its count", () => count() > 0);
  loop.setDesired(marked(counting));
  await until(true);
  const stood = count();
  expect(webStatus()).toMatchObject({ ready: false, restartCount: 0 });
  await expect(
    machine.driver.exec(key, { command: ["true"], hasTerminal: false, size: undefined, hasStdin: false }),
  ).rejects.toThrow("it is paused");
  await machine.stopAgent();
  machine.statuses.clear();
  loop = await machine.start();
  loop.replaceDesired([marked(counting)]);
  await until(true);
  expect(count()).toBe(stood);
  loop.setDesired(counting);
  await until(false);
  await waitFor("it to count on", () => count() > stood);
  expect(webStatus()?.restartCount).toBe(0);
});

test("a pod that is deleted while it is paused ends as any other, within its grace", async () => {
  loop.setDesired(counting);
  // Once it counts it heeds the stop signal.
  await waitFor("its count", () => webStatus()?.state?.running !== undefined && count() > 0);
  loop.setDesired(marked(counting));
  await until(true);
  loop.setDesired(deleted(marked(counting), 10));
  await waitFor("the end", () => machine.released.includes("still"));
  const [web] = machine.statuses.get("still")?.containerStatuses ?? [];
  // It heeded the stop signal: nobody had to kill it.
  expect(web?.state?.terminated?.exitCode).toBe(0);
});
