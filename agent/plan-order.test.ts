import { expect, test } from "vitest";
import { metaOf } from "../kinds/object.js";
import { START_ORDER } from "../kinds/start-order.js";
import { limit } from "../lib/limits.js";
import { deletedPod, ended, freshRecord, NOW, podTurn, running, seen, turnPod } from "../test/kit/pod-turns.js";
import { newEnding } from "./checks/note-verdict.js";
import { plan } from "./plan.js";
import { type ContainerRecord, containerRecord, type PodRecord, withContainer } from "./pod-record.js";
import type { PodTurn } from "./pod-turn.js";

const image = "x";
const exec = { exec: { command: ["ok"] } };
const pod = turnPod({
  restartPolicy: "Always",
  initContainers: [
    { name: "first", image },
    { name: "proxy", image, restartPolicy: "Always", startupProbe: exec },
    { name: "agent", image, restartPolicy: "Always" },
    { name: "last", image },
  ],
  containers: [{ name: "web", image, lifecycle: { preStop: exec } }],
});

const note = (changes: Readonly<Record<string, Partial<ContainerRecord>>>, of: PodRecord = freshRecord): PodRecord =>
  Object.entries(changes).reduce((record, [name, change]) => withContainer(record, name, change), of);
const isComplete = { attempt: 1, isComplete: true };
const isUp = { startedAtMs: NOW - 10_000, isStartupPassed: true };
const ready = { ...note({ first: isComplete, proxy: isUp, agent: isUp, last: isComplete }), isInitialized: true };
const sidecars = [seen(running, 0, "proxy"), seen(running, 0, "agent")];
const create = (container: string, attempt = 0) => ({ do: "create", container, attempt });
const signal = (container: string, name = "") => ({ do: "signal", container, attempt: 0, signal: name });
const remove = (container: string, attempt = 0) => ({ do: "remove", container, attempt });
const failed = {
  attempt: 0,
  startedAtMs: NOW - 9_000,
  imageDigest: "",
  exit: { is: "code", exitCode: 1, isOom: false, finishedAtMs: NOW - 8_000 },
} as const;
const never = turnPod({ ...pod.spec, restartPolicy: "Never" });
const stopped = { ...ready, stop: { sinceMs: NOW - 1_000 } };

// A pod's life from its first init container to the end of its last sidecar: who may begin, who is ended, in which order.
const rows: readonly {
  readonly name: string;
  readonly given: Partial<PodTurn>;
  readonly actions: readonly unknown[];
}[] = [
  { name: "the first init container begins alone", given: {}, actions: [create("first")] },
  { name: "while it runs nothing else begins", given: { containers: [seen(running, 0, "first")] }, actions: [] },
  {
    name: "one that failed runs again after its backoff, and nothing else begins",
    given: { record: note({ first: { attempt: 1, last: failed } }) },
    actions: [create("first", 1)],
  },
  {
    name: "a sidecar begins when the one before it has done its work",
    given: { record: note({ first: isComplete }) },
    actions: [create("proxy")],
  },
  {
    name: "one whose startup probe has not passed holds the next back",
    given: {
      record: note({ first: isComplete, proxy: { startedAtMs: NOW } }),
      containers: [seen(running, 0, "proxy")],
    },
    actions: [],
  },
  {
    name: "one without a startup probe holds nobody back once it runs",
    given: { record: note({ first: isComplete, proxy: isUp, agent: isUp }), containers: sidecars },
    actions: [create("last")],
  },
  {
    name: "the others begin when every init container has done its work",
    given: { record: note({ first: isComplete, proxy: isUp, agent: isUp, last: isComplete }), containers: sidecars },
    actions: [create("web")],
  },
  {
    name: "a sidecar that crashes later comes again, and the others are not touched",
    given: {
      record: note({ proxy: { attempt: 1, startedAtMs: undefined, last: failed } }, ready),
      containers: [seen(running, 0, "agent"), seen(running)],
    },
    actions: [create("proxy", 1)],
  },
  {
    name: "a reboot asks for the work of init containers again",
    given: { record: note({ web: { startedAtMs: NOW - 5_000 } }, ready), nowMs: NOW + 60_000 },
    actions: [create("first", 1)],
  },
  {
    name: "Never: an init container that failed ends the pod, and the sidecars that run are ended",
    given: {
      desired: never,
      record: note({ first: isComplete, proxy: isUp, agent: isUp, last: { attempt: 1, last: failed } }),
      containers: sidecars,
    },
    actions: [signal("agent")],
  },
  {
    name: "all work is done: sidecars are ended, the one that started last first",
    given: { desired: never, record: ready, containers: [...sidecars, seen(ended(0))] },
    actions: [remove("web"), signal("agent")],
  },
  {
    name: "then the one before it",
    given: {
      desired: never,
      record: note({ web: { attempt: 1, last: failed } }, ready),
      containers: [seen(running, 0, "proxy")],
    },
    actions: [signal("proxy")],
  },
  {
    name: "a deleted pod: its work is ended first; the hook comes before the signal",
    given: { desired: deletedPod(30, pod), record: stopped, containers: [...sidecars, seen(running)] },
    actions: [],
  },
  {
    name: "the hook is over",
    given: {
      desired: deletedPod(30, pod),
      record: note(
        { web: { startedAtMs: NOW - 9_000, ending: { ...newEnding("", 30_000, NOW - 900), isHookOver: true } } },
        stopped,
      ),
      containers: [...sidecars, seen(running)],
    },
    actions: [signal("web")],
  },
  {
    name: "a hook counts against the grace: when that is used up the signal comes all the same",
    given: {
      desired: deletedPod(30, pod),
      record: note({ web: { startedAtMs: NOW - 90_000, ending: newEnding("", 30_000, NOW - 30_000) } }, stopped),
      containers: [...sidecars, seen(running)],
    },
    actions: [signal("web")],
  },
  {
    name: "and SIGKILL as soon as the least grace after the signal is over",
    given: {
      desired: deletedPod(30, pod),
      record: note(
        {
          web: {
            startedAtMs: NOW - 90_000,
            ending: { ...newEnding("", 30_000, NOW - 32_000), signalledAtMs: NOW - limit("leastGraceMs") },
          },
        },
        stopped,
      ),
      containers: [seen(running)],
    },
    actions: [signal("web", "SIGKILL")],
  },
  {
    name: "no grace: everything that does the work is killed, without hook",
    given: { desired: deletedPod(0, pod), record: stopped, containers: [...sidecars, seen(running)] },
    actions: [signal("web", "SIGKILL")],
  },
  {
    name: "an unhealthy container is ended alone",
    given: {
      record: note(
        { web: { startedAtMs: NOW - 9_000, ending: { ...newEnding("unhealthy", 5_000, NOW), isHookOver: true } } },
        ready,
      ),
      containers: [...sidecars, seen(running)],
    },
    actions: [signal("web")],
  },
  {
    name: "the deadline ends a pod that runs",
    given: {
      desired: turnPod({ activeDeadlineSeconds: 30, containers: [{ name: "web", image }] }),
      containers: [seen(running)],
    },
    actions: [signal("web")],
  },
];

for (const { name, given, actions } of rows) {
  test(`order: ${name}`, () => expect(plan(podTurn(pod, given)).actions).toEqual(actions));
}

test("order: a deadline is awaited, and what failed by it is remembered", () => {
  const desired = turnPod({ activeDeadlineSeconds: 70, containers: [{ name: "web", image }] });
  const early = plan(podTurn(desired, { containers: [seen(running)] }));
  expect([early.actions, early.againMs]).toEqual([[], 10_000]);
  const late = plan(podTurn(desired, { containers: [seen(running)], nowMs: NOW + 10_000 }));
  expect(late.record.failure?.reason).toBe("DeadlineExceeded");
});

test("order: a sidecar whose turn comes after the grace has the least grace left", () => {
  const desired = deletedPod(30, pod);
  const late = { ...ready, stop: { sinceMs: NOW - 31_000 } };
  const { record } = plan(podTurn(desired, { record: late, containers: sidecars }));
  expect(containerRecord(record, "agent").ending?.graceMs).toBe(limit("leastGraceMs"));
  expect(containerRecord(record, "proxy").ending).toBe(undefined);
});

const policies = [
  { own: "Never", pod: "Always", exitCode: 1, again: false },
  { own: "OnFailure", pod: "Always", exitCode: 0, again: false },
  { own: "OnFailure", pod: "Never", exitCode: 1, again: true },
  { own: "Always", pod: "Never", exitCode: 0, again: true },
] as const;
for (const { own, pod: of, exitCode, again } of policies) {
  test(`order: a container's own restart policy ${own} goes before the pod's ${of}`, () => {
    const containers = [
      { name: "web", image, restartPolicy: own },
      { name: "b", image },
    ];
    const desired = turnPod({ restartPolicy: of, containers });
    const { record } = plan(podTurn(desired, { containers: [seen(ended(exitCode)), seen(running, 0, "b")] }));
    const later = podTurn(desired, { record, containers: [seen(running, 0, "b")], nowMs: NOW + 60_000 });
    expect(plan(later).actions).toEqual(again ? [create("web", 1)] : []);
  });
}

const share = turnPod({
  restartPolicy: "Always",
  containers: [
    { name: "tunnel", image, readinessProbe: exec },
    { name: "fetch", image },
    { name: "index", image },
  ],
});
const annotations = { [START_ORDER]: "fetch=tunnel, index=none,tunnel=tunnel" };
const shared = { ...share, metadata: { ...metaOf(share), annotations } };
const upright = { ...freshRecord, isInitialized: true };

// A container that the pod orders behind another one; what is named and is not there, or is itself, holds nothing back.
const ordered: typeof rows = [
  {
    name: "one that is ordered behind another waits for it, the others do not",
    given: { record: upright },
    actions: [create("tunnel"), create("index")],
  },
  {
    name: "running is not healthy",
    given: {
      record: note({ tunnel: isUp }, upright),
      containers: [seen(running, 0, "tunnel"), seen(running, 0, "index")],
    },
    actions: [],
  },
  {
    name: "healthy, it follows",
    given: {
      record: note({ tunnel: { ...isUp, isReady: true } }, upright),
      containers: [seen(running, 0, "tunnel"), seen(running, 0, "index")],
    },
    actions: [create("fetch")],
  },
  {
    name: "once it has run it is started again whatever became of the other",
    given: {
      record: note({ tunnel: isUp, fetch: { attempt: 1, last: failed } }, upright),
      containers: [seen(running, 0, "tunnel"), seen(running, 0, "index")],
    },
    actions: [create("fetch", 1)],
  },
];
for (const { name, given, actions } of ordered)
  test(`order: ${name}`, () => expect(plan(podTurn(shared, given)).actions).toEqual(actions));
