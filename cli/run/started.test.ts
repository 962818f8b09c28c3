import { expect, test } from "vitest";
import { Pod } from "../../proto/gen/tallship/v1/pod.js";
import { startedState } from "./started.js";

const waiting = (reason: string, message = "why") => ({
  containerStatuses: [{ name: "web", state: { waiting: { reason, message } } }],
});
const state = (of: object) => ({ containerStatuses: [{ name: "web", state: of }] });

// Docker's exit codes: 125 its own failure, 126 what cannot be run, 127 what is not there.
const rows = [
  { name: "a pod of which nothing is known waits", status: {}, want: { is: "waiting", why: "" } },
  { name: "one that is made waits", status: waiting("ContainerCreating"), want: { is: "waiting", why: "" } },
  { name: "one that runs has started", status: state({ running: {} }), want: { is: "started" } },
  {
    name: "one that has ended already has started too",
    status: state({ terminated: { exitCode: 3 } }),
    want: { is: "started" },
  },
  {
    name: "one that ended before it was seen to run, and waits for its next run, has started too",
    status: {
      containerStatuses: [
        {
          name: "web",
          state: { waiting: { reason: "CrashLoopBackOff" } },
          lastState: { terminated: { exitCode: 0 } },
        },
      ],
    },
    want: { is: "started" },
  },
  {
    name: "an image that is not there",
    status: waiting("ErrImagePull"),
    want: { is: "failed", exitCode: 125, why: "why" },
  },
  {
    name: "a command that is not there",
    status: waiting("RunContainerError"),
    want: { is: "failed", exitCode: 127, why: "why" },
  },
  {
    name: "a command that may not be run",
    status: waiting("RunContainerError", "exec: Permission denied"),
    want: { is: "failed", exitCode: 126 },
  },
  {
    name: "no node for it: why is told",
    status: { conditions: [{ type: "PodScheduled", status: "False", message: "0/3 nodes are available" }] },
    want: { is: "waiting", why: "0/3 nodes are available" },
  },
];

test.each(rows)("started: $name", ({ status, want }) => {
  expect(startedState(Pod.fromPartial({ spec: { containers: [{ name: "web" }] }, status }))).toMatchObject(want);
});
