import { expect, test } from "vitest";
import type { Pod } from "../proto/gen/tallship/v1/pod.js";
import { ended, freshRecord, NOW, podTurn, preparedFacts, running, seen, turnPod } from "../test/kit/pod-turns.js";
import { newEnding } from "./checks/note-verdict.js";
import { noteContainers } from "./note-containers.js";
import { plan } from "./plan.js";
import { containerRecord, type PodRecord, withContainer } from "./pod-record.js";
import type { PodTurn } from "./pod-turn.js";

const pod = (restartPolicy = "Always"): Pod => turnPod({ restartPolicy, containers: [{ name: "web", image: "new" }] });
const made = (image: string | undefined, more: Partial<PodRecord> = {}): PodRecord => ({
  ...withContainer(freshRecord, "web", { startedAtMs: NOW - 10_000, ...(image === undefined ? {} : { image }) }),
  ...more,
});
const ending = { ...newEnding("", 30_000, NOW - 100), signalledAtMs: NOW - 100, isReplacing: true } as const;
/** What is remembered once the run that had to make way has ended. */
const replaced = (restartPolicy: string): PodRecord =>
  noteContainers(
    podTurn(pod(restartPolicy), {
      record: withContainer(made("old"), "web", { ending }),
      containers: [seen(ended(0))],
    }),
  );
const fetched = (image: string) => ({ facts: { ...preparedFacts, imageNames: new Map([["web", image]]) } });
const create = (attempt: number) => ({ do: "create", container: "web", attempt });

const rows: readonly {
  readonly name: string;
  readonly given: Partial<PodTurn>;
  readonly actions: readonly unknown[];
}[] = [
  {
    name: "a run of another image than the spec names by now is told to end",
    given: { record: made("old"), containers: [seen(running)] },
    actions: [{ do: "signal", container: "web", attempt: 0, signal: "" }],
  },
  {
    name: "one of that image goes on",
    given: { record: made("new"), containers: [seen(running)] },
    actions: [],
  },
  {
    name: "one of which nobody knows what it was made of goes on",
    given: { record: made(undefined), containers: [seen(running)] },
    actions: [],
  },
  {
    name: "the image is fetched before the next run is made",
    given: { record: replaced("Always"), ...fetched("old") },
    actions: [{ do: "prepare", hook: "image" }],
  },
  {
    name: "then that is made at once, however many ended before it",
    given: { record: replaced("Always"), ...fetched("new") },
    actions: [create(1)],
  },
  {
    name: "also in a pod whose containers do not run again",
    given: { desired: pod("Never"), record: replaced("Never"), ...fetched("new") },
    actions: [create(1)],
  },
  {
    name: "a container that ended by itself is made of the new image too",
    given: {
      record: noteContainers(podTurn(pod(), { record: made("old"), containers: [seen(ended(1, 700_000))] })),
      nowMs: NOW + 700_000,
      ...fetched("old"),
    },
    actions: [{ do: "prepare", hook: "image" }],
  },
];

for (const { name, given, actions } of rows)
  test(`image: ${name}`, () => expect(plan(podTurn(pod(), given)).actions).toEqual(actions));

test("image: why it ends is told", () => {
  const { record } = plan(podTurn(pod(), { record: made("old"), containers: [seen(running)] }));
  expect(containerRecord(record, "web").ending).toMatchObject({
    why: "container web definition changed, will be restarted",
    graceMs: 30_000,
    isReplacing: true,
  });
});

test("image: the end of the run that came for it is its own", () => {
  const before = withContainer(replaced("Never"), "web", { image: "new", startedAtMs: NOW - 50 });
  const record = noteContainers(podTurn(pod("Never"), { record: before, containers: [seen(ended(1, 40), 1)] }));
  const { actions } = plan(podTurn(pod("Never"), { record }));
  expect(actions).toEqual([{ do: "release", hook: "policy", keepsFiles: false }]);
});

test("image: an init container that works is left to its end", () => {
  const desired = turnPod({
    initContainers: [{ name: "web", image: "new" }],
    containers: [{ name: "main", image: "x" }],
  });
  expect(plan(podTurn(desired, { record: made("old"), containers: [seen(running)] })).actions).toEqual([]);
});
