import { expect } from "vitest";
import { waitFor } from "../../kit/wait.js";
import { type FieldRow, isReady, isRunning, runs, STAYS } from "./field-row.js";

const SECONDS = "cut -d' ' -f1 /proc/uptime";

/** A command that a probe asks, which writes down when. */
const asks = (verdict: string) => ({ exec: { command: ["sh", "-c", `${SECONDS} >> /tmp/asked; ${verdict}`] } });

/** Times of a log's marks, in seconds since the host's boot. */
const timesOf = (text: string): readonly number[] =>
  text
    .split("\n")
    .filter((line) => line !== "")
    .map(Number);

/** When probes ask, and what follows from the answers. */
export const PROBE_ROWS: readonly FieldRow[] = [
  {
    title: "a probe first asks after its delay, then at its period, and so many answers in a row decide",
    proves: ["Probe.initialDelaySeconds", "Probe.periodSeconds", "Probe.successThreshold"],
    name: "asked-in-time",
    spec: {
      terminationGracePeriodSeconds: 1,
      containers: [
        runs(`${SECONDS}; ${STAYS}`, {
          readinessProbe: {
            ...asks("test $(wc -l < /tmp/asked) -ge 2"),
            ...{ initialDelaySeconds: 3, periodSeconds: 3, successThreshold: 2 },
          },
        }),
      ],
    },
    until: isReady,
    afterwards: async ({ testbed, log }) => {
      const [began = 0] = timesOf(await log());
      const asked = timesOf(await testbed.tsctl(["exec", "asked-in-time", "--", "cat", "/tmp/asked"]));
      // The first answer is no, and one yes is not enough.
      expect(asked.length).toBeGreaterThanOrEqual(3);
      const [first = 0, , third = 0] = asked;
      // The container begins to count a moment after its node does, and a command may begin late; without a delay it would be asked at once, and by default of kubectl's users every ten seconds.
      expect(first - began).toBeGreaterThan(1.5);
      // Over two periods: where one asks late the next follows sooner.
      expect(third - first).toBeGreaterThan(2.5);
      expect(third - first).toBeLessThan(16);
    },
  },
  {
    title: "a container that fails its probe so often in a row is killed after the probe's own grace, and runs again",
    proves: ["Probe.failureThreshold", "Probe.terminationGracePeriodSeconds"],
    name: "given-up",
    spec: {
      // Who had to wait for this would not be seen to run again.
      terminationGracePeriodSeconds: 600,
      volumes: [{ name: "kept", emptyDir: {} }],
      containers: [
        runs("trap '' TERM; echo run >> /kept/marks; while :; do sleep 0.2; done", {
          volumeMounts: [{ name: "kept", mountPath: "/kept" }],
          livenessProbe: {
            // Who has not yet said that it runs does not count.
            exec: { command: ["sh", "-c", "test -e /kept/marks || exit 0; echo asked >> /kept/marks; false"] },
            ...{ periodSeconds: 1, failureThreshold: 3, terminationGracePeriodSeconds: 1 },
          },
        }),
      ],
    },
    until: ({ status }) => (status.containerStatuses?.[0]?.restartCount ?? 0) > 0,
    looks: { status: { containerStatuses: [{ lastState: { terminated: { exitCode: 137 } } }] } },
    afterwards: async ({ testbed }) => {
      const marks = (): Promise<string> => testbed.tsctl(["exec", "given-up", "--", "cat", "/kept/marks"]);
      // Nobody is asked any more once it is decided.
      await waitFor("the marks of both runs", async () => /^run\n(asked\n){3}run\n/.test(await marks()));
      await testbed.tsctl(["delete", "pod", "given-up", "--force", "--grace-period=0"]);
    },
  },
  {
    title: "a probe that gives no answer in its time has failed, and says so",
    proves: ["Probe.timeoutSeconds"],
    name: "unanswered",
    spec: {
      terminationGracePeriodSeconds: 1,
      containers: [
        runs(STAYS, {
          readinessProbe: { exec: { command: ["sleep", "1000"] }, periodSeconds: 1, timeoutSeconds: 2 },
        }),
      ],
    },
    until: isRunning,
    afterwards: async ({ testbed }) => {
      await waitFor("it to be told", async () =>
        /Unhealthy +pod\/unanswered +Readiness probe failed: .*timed out after 2s/.test(
          await testbed.tsctl(["get", "events"]),
        ),
      );
    },
  },
];
