import { expect, test } from "vitest";
import { PAUSED } from "../kinds/paused.js";
import { KEEP_FILES, MAX_RESTARTS, STARTS, STOPPED } from "../kinds/power.js";
import { Pod } from "../proto/gen/tallship/v1/pod.js";
import {
  deletedPod,
  ended,
  freshRecord,
  NOW,
  podTurn,
  preparedFacts,
  running,
  seen,
  turnPod,
} from "../test/kit/pod-turns.js";
import { HOOKS } from "./actions.js";
import { newEnding } from "./checks/note-verdict.js";
import { asInitialized } from "./note-containers.js";
import { plan } from "./plan.js";
import { containerRecord, type PodRecord, withContainer } from "./pod-record.js";
import type { PodTurn } from "./pod-turn.js";
import { podStatus } from "./status.js";

/** The pod as a user has switched it. */
function pod(annotations: Record<string, string>, restartPolicy = "Always", phase = "Running"): Pod {
  const of = turnPod({ restartPolicy, terminationGracePeriodSeconds: 10, containers: [{ name: "web", image: "x" }] });
  return Pod.fromPartial({ ...of, metadata: { ...of.metadata, annotations }, status: { phase } });
}

const up = asInitialized(withContainer(freshRecord, "web", { startedAtMs: NOW - 10_000 }));
const over: PodRecord = asInitialized(
  withContainer(freshRecord, "web", {
    attempt: 1,
    failureCount: 1,
    retryAtMs: NOW + 10_000,
    last: {
      attempt: 0,
      startedAtMs: NOW - 10_000,
      exit: { is: "code", exitCode: 143, isOom: false, finishedAtMs: NOW - 1 },
      imageDigest: "",
    },
  }),
);
const down = { ...preparedFacts, up: new Set<never>(), down: new Set(HOOKS), isCleared: true };
const run = seen(running);
const still = seen({ is: "running", pid: 7, startedAtMs: NOW - 10_000, isPaused: true });
const web = { container: "web", attempt: 0 };
const next = { container: "web", attempt: 1 };

interface Row {
  readonly name: string;
  readonly of: Pod;
  readonly part: Partial<PodTurn>;
  readonly want: readonly object[];
}

const rows: readonly Row[] = [
  {
    name: "one that is stopped gets the stop signal",
    of: pod({ [STOPPED]: "" }),
    part: { containers: [run], record: up },
    want: [{ do: "signal", ...web, signal: "" }],
  },
  {
    name: "a stop without grace is SIGKILL at once",
    of: pod({ [STOPPED]: "0" }),
    part: { containers: [run], record: up },
    want: [{ do: "signal", ...web, signal: "SIGKILL" }],
  },
  {
    name: "what has ended by a stop is removed, not made again",
    of: pod({ [STOPPED]: "" }),
    part: { containers: [seen(ended(143))], record: up },
    want: [{ do: "remove", ...web }],
  },
  {
    name: "while it is stopped its files stay, and its address goes",
    of: pod({ [STOPPED]: "", [KEEP_FILES]: "true" }),
    part: {
      record: over,
      facts: { ...preparedFacts, down: new Set(["policy", "devices", "volumes", "config"] as const) },
    },
    want: [{ do: "release", hook: "sandbox", keepsFiles: true }],
  },
  {
    name: "a pod that does not keep its files gives them back",
    of: pod({ [STOPPED]: "" }),
    part: { record: over },
    want: [{ do: "release", hook: "policy", keepsFiles: false }],
  },
  {
    name: "what was evicted to make room gives its files back, too",
    of: pod({ [KEEP_FILES]: "true" }),
    part: { record: { ...over, failure: { reason: "Evicted", message: "", isDisruption: true } } },
    want: [{ do: "release", hook: "policy", keepsFiles: false }],
  },
  {
    name: "a stopped pod of which all is given back rests",
    of: pod({ [STOPPED]: "" }),
    part: { record: over, facts: down },
    want: [],
  },
  {
    name: "a start of a stopped pod prepares it anew, without the wait of a crash",
    of: pod({ [STARTS]: "1" }, "Never", "Failed"),
    part: { record: over, facts: down },
    want: [{ do: "prepare", hook: "image" }],
  },
  {
    name: "a start that comes while a pod's place is given back waits until all of it is",
    of: pod({ [STARTS]: "1", [KEEP_FILES]: "true" }, "Never", "Failed"),
    part: {
      record: over,
      facts: {
        ...preparedFacts,
        up: new Set(["image", "users"] as const),
        down: new Set(["policy", "devices", "volumes", "config", "sandbox"] as const),
      },
    },
    want: [{ do: "release", hook: "users", keepsFiles: true }],
  },
  {
    name: "a start runs what had ended for good",
    of: pod({ [STARTS]: "1" }, "Never", "Succeeded"),
    part: { record: over },
    want: [{ do: "create", ...next }],
  },
  {
    name: "a restart ends what runs first",
    of: pod({ [STARTS]: "1" }),
    part: { containers: [run], record: up },
    want: [{ do: "signal", ...web, signal: "" }],
  },
  {
    name: "a start that has begun is not begun again",
    of: pod({ [STARTS]: "1" }, "Never", "Failed"),
    part: { record: { ...over, startCount: 1 }, facts: down },
    want: [],
  },
  {
    name: "a run that its user pauses stands still",
    of: pod({ [PAUSED]: "web.0" }),
    part: { containers: [run], record: up },
    want: [{ do: "pause", ...web }],
  },
  {
    name: "one that stands still as it shall rests",
    of: pod({ [PAUSED]: "web.0" }),
    part: { containers: [still], record: up },
    want: [],
  },
  {
    name: "a later run than the one that was paused goes on",
    of: pod({ [PAUSED]: "web.1" }),
    part: { containers: [still], record: up },
    want: [{ do: "unpause", ...web }],
  },
  {
    name: "what is paused goes on before it is asked to end",
    of: pod({ [PAUSED]: "web.0", [STOPPED]: "" }),
    part: { containers: [still], record: up },
    want: [{ do: "unpause", ...web }],
  },
  {
    name: "also before it is killed",
    of: pod({ [PAUSED]: "web.0", [STOPPED]: "0" }),
    part: { containers: [still], record: up },
    want: [{ do: "unpause", ...web }],
  },
  {
    name: "a deleted pod goes on, and then it ends",
    of: deletedPod(10, pod({ [PAUSED]: "web.0" })),
    part: { containers: [still], record: up },
    want: [{ do: "unpause", ...web }],
  },
  {
    name: "so does what is replaced because a probe has failed",
    of: pod({ [PAUSED]: "web.0" }),
    part: { containers: [still], record: withContainer(up, "web", { ending: newEnding("", 9_000, NOW) }) },
    want: [{ do: "unpause", ...web }],
  },
  {
    name: "restarts are bounded when the user says so",
    of: pod({ [MAX_RESTARTS]: "0" }, "OnFailure"),
    part: { record: { ...over, startCount: 0 }, facts: down },
    want: [],
  },
];

for (const { name, of, part, want } of rows) {
  test(`power: ${name}`, () => {
    expect(plan(podTurn(of, part)).actions).toEqual(want);
  });
}

test("power: the runs of a new start have numbers of their own, and nothing of the old end counts", () => {
  const { record } = plan(podTurn(pod({ [STARTS]: "2" }, "Never", "Failed"), { record: over }));
  expect(record.startCount).toBe(2);
  expect(containerRecord(record, "web")).toMatchObject({ attempt: 1, last: undefined, failureCount: 0, retryAtMs: 0 });
});

const context = { nodeIPs: ["172.30.0.11"], runtimeName: "crun" };

test("power: what is paused is asked nothing, takes no requests, and says so", () => {
  const of = pod({ [PAUSED]: "web.0" });
  const probed = Pod.fromPartial({
    ...of,
    spec: { ...of.spec, containers: [{ name: "web", livenessProbe: { exec: { command: ["look"] } } }] },
  });
  for (const container of [run, still])
    expect(plan(podTurn(probed, { containers: [container], record: up })).checks).toEqual([]);
  const status = podStatus(podTurn(of, { containers: [still], record: up }), of, context);
  expect(status.containerStatuses).toMatchObject([{ paused: true, ready: false, started: true }]);
  expect(status.phase).toBe("Running");
});

const phases = [
  { name: "a stopped pod has ended", of: pod({ [STOPPED]: "" }), record: over, want: "Failed" },
  {
    name: "between the runs of a restart it is what it was",
    of: pod({ [STARTS]: "1" }),
    record: over,
    want: "Running",
  },
  {
    name: "an end that a start took back is none",
    of: pod({ [STARTS]: "1" }, "Never", "Failed"),
    record: plan(podTurn(pod({ [STARTS]: "1" }, "Never", "Failed"), { record: over })).record,
    want: "Pending",
  },
  { name: "without a start an end is final", of: pod({}, "Always", "Failed"), record: up, want: "Failed" },
];

for (const { name, of, record, want } of phases) {
  test(`power: ${name}`, () => {
    expect(podStatus(podTurn(of, { record }), of, context).phase).toBe(want);
  });
}
