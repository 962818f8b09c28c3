import { expect, test } from "vitest";
import { limit } from "../lib/limits.js";
import { Pod } from "../proto/gen/tallship/v1/pod.js";
import {
  deletedPod,
  ended,
  freshRecord as fresh,
  NOW,
  podTurn,
  running,
  seen,
  turnPod,
} from "../test/kit/pod-turns.js";
import { HOOKS } from "./actions.js";
import { newEnding } from "./checks/note-verdict.js";
import { asInitialized } from "./note-containers.js";
import { plan } from "./plan.js";
import { containerRecord, type PodRecord, withContainer } from "./pod-record.js";
import { NO_FACTS, type PodFacts, type PodTurn } from "./pod-turn.js";

const released: PodFacts = { ...NO_FACTS, down: new Set(HOOKS), isCleared: true };

function pod(restartPolicy = "Always", containers = ["web"]): Pod {
  return turnPod({ restartPolicy, containers: containers.map((name) => ({ name, image: "x" })) });
}

const deleted = (graceSeconds: number, of = pod()): Pod => deletedPod(graceSeconds, of);

function startsAfter(after: string, left?: string): Pod {
  const waits: Record<string, string> = left === undefined ? {} : { "tallship.dev/start-waits": left };
  const annotations = { "tallship.dev/start-after": after, ...waits };
  const of = pod();
  return Pod.fromPartial({ ...of, metadata: { ...of.metadata, annotations } });
}

const numbered = (): Pod => {
  const of = pod();
  const owner = { apiVersion: "apps/v1", kind: "StatefulSet", name: "db", uid: "s", controller: true };
  return Pod.fromPartial({ ...of, metadata: { ...of.metadata, ownerReferences: [owner] } });
};
const withClaim = (): Pod => {
  const of = pod();
  const volumes = [{ name: "v", persistentVolumeClaim: { claimName: "c" } }];
  return Pod.fromPartial({ ...of, spec: { ...of.spec, volumes } });
};

const turn = (part: Partial<PodTurn>): PodTurn => podTurn(pod(), part);

const toStop: PodRecord = { ...fresh, stop: { sinceMs: NOW - 500 } };
const stopping = (signalledAtMs: number, killedAtMs?: number, container = "web"): PodRecord => {
  const ending = { ...newEnding("", 30_000, signalledAtMs), signalledAtMs, killedAtMs };
  return withContainer(toStop, container, { startedAtMs: NOW - 10_000, ending });
};
const retried = (retryAtMs: number): PodRecord => withContainer(fresh, "web", { retryAtMs, failureCount: 1 });
const failedHook: PodRecord = {
  ...fresh,
  hookFailure: { hook: "image", reason: "ErrImagePull", message: "", count: 1, retryAtMs: NOW + 700 },
};
const remove = (attempt = 0, container = "web") => ({ do: "remove", container, attempt });
const web = { container: "web", attempt: 0 };

// Each row is one state of the world and the one thing to do in it; the rows follow a pod's life.
const rows: readonly {
  readonly name: string;
  readonly given: Partial<PodTurn>;
  readonly actions: readonly unknown[];
  readonly againMs?: number;
}[] = [
  { name: "a new pod needs its image first", given: { facts: NO_FACTS }, actions: [{ do: "prepare", hook: "image" }] },
  {
    name: "hooks come up in order",
    given: { facts: { ...NO_FACTS, up: new Set(["image", "users", "sandbox"]) } },
    actions: [{ do: "prepare", hook: "config" }],
  },
  { name: "a hook that failed waits", given: { facts: NO_FACTS, record: failedHook }, actions: [], againMs: 700 },
  {
    name: "a pod that starts after others fetches its image meanwhile",
    given: { desired: startsAfter("db=healthy"), facts: NO_FACTS },
    actions: [{ do: "prepare", hook: "image" }],
  },
  {
    name: "a pod that starts after others gets no further",
    given: { desired: startsAfter("db=healthy"), facts: { ...NO_FACTS, up: new Set(["image"]) } },
    actions: [],
  },
  {
    name: "a pod whose dependencies are fulfilled starts",
    given: { desired: startsAfter("db=healthy", "") },
    actions: [{ do: "create", ...web }],
  },
  {
    name: "a pod that has run is started again without its dependencies",
    given: {
      desired: startsAfter("db=healthy"),
      record: withContainer(fresh, "web", {
        attempt: 1,
        last: { attempt: 0, startedAtMs: NOW - 9, exit: { is: "lost", finishedAtMs: NOW - 1 }, imageDigest: "" },
      }),
    },
    actions: [{ do: "create", container: "web", attempt: 1 }],
  },
  { name: "a prepared pod gets its container", given: {}, actions: [{ do: "create", ...web }] },
  {
    name: "containers are made side by side",
    given: { desired: pod("Always", ["web", "log"]) },
    actions: [
      { do: "create", ...web },
      { do: "create", container: "log", attempt: 0 },
    ],
  },
  {
    name: "a created one is started",
    given: { containers: [seen({ is: "created", pid: 7 })] },
    actions: [{ do: "start", ...web }],
  },
  {
    name: "a start that failed waits",
    given: { containers: [seen({ is: "created", pid: 7 })], record: retried(NOW + 300) },
    actions: [],
    againMs: 300,
  },
  {
    name: "a create under way is looked at again",
    given: { containers: [seen({ is: "creating" })] },
    actions: [],
    againMs: limit("containerRecheckMs"),
  },
  { name: "a running one rests", given: { containers: [seen(running)] }, actions: [] },
  {
    name: "a running one rests though no hook is up, as after the agent's restart",
    given: { containers: [seen(running)], facts: NO_FACTS },
    actions: [],
  },
  { name: "an ended one is removed", given: { containers: [seen(ended(1))] }, actions: [remove()] },
  {
    name: "a half-made one is removed",
    given: { containers: [seen({ is: "broken", startedAtMs: undefined })] },
    actions: [remove()],
  },
  {
    name: "a run of an older attempt is removed",
    given: { record: withContainer(fresh, "web", { attempt: 1 }), containers: [seen(running)] },
    actions: [remove()],
  },
  { name: "the next run waits for its backoff", given: { record: retried(NOW + 900) }, actions: [], againMs: 900 },
  {
    name: "Never: an ended container is not made again, and what it needed is given back, the last first",
    given: {
      desired: pod("Never"),
      record: plan(turn({ desired: pod("Never"), containers: [seen(ended(1))] })).record,
    },
    actions: [{ do: "release", hook: "policy", keepsFiles: false }],
  },
  {
    name: "OnFailure: a success ends the pod",
    given: { desired: pod("OnFailure"), containers: [seen(ended(0))] },
    actions: [remove()],
  },
  {
    name: "a finished pod whose things are gone rests until it is deleted",
    given: {
      desired: pod("Never"),
      record: plan(turn({ desired: pod("Never"), containers: [seen(ended(0))] })).record,
      facts: released,
    },
    actions: [],
  },
  {
    name: "a deleted pod in no service gets the stop signal at once",
    given: { desired: deleted(30), containers: [seen(running)], record: toStop },
    actions: [{ do: "signal", ...web, signal: "" }],
    againMs: limit("stopAgainMs"),
  },
  {
    name: "no grace, no waiting",
    given: { desired: deleted(0), containers: [seen(running)], record: toStop, withdrawal: { is: "serving" } },
    actions: [{ do: "signal", ...web, signal: "SIGKILL" }],
    againMs: limit("stopAgainMs"),
  },
  {
    name: "it has its grace",
    given: { desired: deleted(30), containers: [seen(running)], record: stopping(NOW - 29_000) },
    actions: [],
    againMs: 1_000,
  },
  {
    name: "its grace is over",
    given: { desired: deleted(30), containers: [seen(running)], record: stopping(NOW - 30_000) },
    actions: [{ do: "signal", ...web, signal: "SIGKILL" }],
    againMs: limit("stopAgainMs"),
  },
  {
    name: "a grace that was shortened meanwhile counts",
    given: { desired: deleted(1), containers: [seen(running)], record: stopping(NOW - 5_000) },
    actions: [{ do: "signal", ...web, signal: "SIGKILL" }],
    againMs: limit("stopAgainMs"),
  },
  {
    name: "a kill that has not worked is tried again",
    given: {
      desired: deleted(30),
      containers: [seen(running)],
      record: stopping(NOW - 60_000, NOW - limit("stopAgainMs")),
    },
    actions: [{ do: "signal", ...web, signal: "SIGKILL" }],
    againMs: limit("stopAgainMs"),
  },
  {
    name: "one that was never started is removed without a signal",
    given: { desired: deleted(30), containers: [seen({ is: "created", pid: 7 })], record: toStop },
    actions: [remove()],
  },
  {
    name: "ended ones are removed while others have their grace",
    given: {
      desired: deleted(30, pod("Always", ["web", "log"])),
      containers: [seen(ended(0)), seen(running, 0, "log")],
      record: stopping(NOW - 1_000, undefined, "log"),
    },
    actions: [remove()],
    againMs: 29_000,
  },
  {
    name: "hooks go down in the reverse order",
    given: {
      desired: deleted(30),
      record: toStop,
      facts: { ...NO_FACTS, down: new Set(["policy", "devices", "volumes"]) },
    },
    actions: [{ do: "release", hook: "config", keepsFiles: false }],
  },
  {
    name: "then the pod's own folders go",
    given: { desired: deleted(30), record: toStop, facts: { ...NO_FACTS, down: new Set(HOOKS) } },
    actions: [{ do: "clear" }],
  },
  {
    name: "then the control plane is told",
    given: { desired: deleted(30), record: toStop, facts: released },
    actions: [{ do: "confirm" }],
  },
  {
    name: "told once, it waits for the object to go",
    given: { desired: deleted(30), record: toStop, facts: { ...released, isConfirmed: true } },
    actions: [],
  },
  {
    name: "the object is gone: it is forgotten",
    given: { desired: undefined, record: toStop, facts: released },
    actions: [{ do: "forget" }],
  },
  {
    name: "a pod that nobody wants is left alone until the control plane is heard",
    given: { desired: undefined, isConfirmedSet: false, containers: [seen(running)] },
    actions: [],
  },
  {
    name: "a pod of a stateful set is not started from memory alone",
    given: { desired: numbered(), isConfirmedSet: false },
    actions: [],
  },
  {
    name: "nor is one whose volume outlives it",
    given: { desired: withClaim(), isConfirmedSet: false },
    actions: [],
  },
  {
    name: "once the control plane was heard it is",
    given: { desired: numbered() },
    actions: [{ do: "create", ...web }],
  },
  {
    name: "what runs of it is left alone meanwhile",
    given: { desired: numbered(), isConfirmedSet: false, containers: [seen(running)] },
    actions: [],
  },
  {
    name: "then it is stopped, with a short grace",
    given: { desired: undefined, containers: [seen(running)] },
    actions: [{ do: "signal", ...web, signal: "" }],
    againMs: limit("stopAgainMs"),
  },
];

for (const { name, given, actions, againMs } of rows) {
  test(`plan: ${name}`, () => {
    const decided = plan(turn(given));
    expect(decided.actions).toEqual(actions);
    expect(decided.againMs).toBe(againMs);
    expect(plan(turn(given))).toEqual(decided);
  });
}

test("plan: an end is remembered before its traces are removed, and counted once", () => {
  const first = plan(turn({ containers: [seen(ended(3))] }));
  expect(containerRecord(first.record, "web")).toMatchObject({
    attempt: 1,
    failureCount: 1,
    last: { attempt: 0, exit: { exitCode: 3 } },
  });
  expect(first.actions).toEqual([remove()]);
  expect(plan(turn({ containers: [seen(ended(3))], record: first.record })).record).toBe(first.record);
});

test("plan: the backoff doubles with each end in a row, up to its bound, and starts anew after a long run", () => {
  const waits: number[] = [];
  let record = fresh;
  for (let attempt = 0; attempt < 12; attempt += 1) {
    record = plan(turn({ containers: [seen(ended(1), attempt)], record })).record;
    waits.push(containerRecord(record, "web").retryAtMs - (NOW - 1));
  }
  expect(waits.slice(0, 4)).toEqual([1_000, 2_000, 4_000, 8_000]);
  expect(waits.at(-1)).toBe(limit("containerRestartMaxMs"));
  const long = plan(turn({ containers: [seen(ended(1, limit("containerRestartResetMs")), 12)], record })).record;
  expect(containerRecord(long, "web").retryAtMs - (NOW - 1)).toBe(limit("containerRestartFirstMs"));
});

test("plan: a run that vanished, as in a reboot, has ended with a lost exit; one that never ran has not", () => {
  const ran = withContainer(fresh, "web", { attempt: 2, startedAtMs: NOW - 9_000 });
  expect(containerRecord(plan(turn({ record: ran })).record, "web")).toMatchObject({
    attempt: 3,
    last: { attempt: 2, exit: { is: "lost" } },
  });
  const made = withContainer(fresh, "web", { attempt: 2 });
  expect(containerRecord(plan(turn({ record: made })).record, "web")).toMatchObject({ attempt: 2, last: undefined });
});

test("plan: a run whose monitor died has ended with a lost exit, which is no success", () => {
  const broken = seen({ is: "broken", startedAtMs: NOW - 5_000 });
  const decided = plan(turn({ desired: pod("OnFailure"), containers: [broken] }));
  expect(decided.actions).toEqual([remove()]);
  expect(containerRecord(decided.record, "web").last?.exit.is).toBe("lost");
  const after = plan(turn({ desired: pod("OnFailure"), record: decided.record, nowMs: NOW + 60_000 }));
  expect(after.actions).toEqual([{ do: "create", container: "web", attempt: 1 }]);
});

test("plan: what the machine shows of an attempt that is over is not counted again", () => {
  const record = asInitialized(withContainer(fresh, "web", { attempt: 3 }));
  expect(plan(turn({ record, containers: [seen(ended(9), 1)] })).record).toBe(record);
});
