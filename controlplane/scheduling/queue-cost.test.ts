import { expect, test } from "vitest";
import { Queue } from "../../proto/gen/tallship/v1/queue.js";
import { NO_BULK } from "../../scheduler/bulk.js";
import { Snapshot } from "../../scheduler/snapshot.js";
import { PLAIN_TENURE } from "../../scheduler/tenant.js";
import { podOf } from "../../test/kit/schedule-world.js";
import type { WaitingPod } from "./backlog.js";
import { Queues } from "./queues.js";

const ONE = new Map([["cpu", 1_000]]);
const shape = new Snapshot().shapeOf(podOf({ requests: { cpu: "1" } }), undefined);

function pod(id: string, queue: string): WaitingPod {
  return {
    ...{ id, queue, shape, tenure: PLAIN_TENURE, bulk: NO_BULK, group: "", createdAt: "", preempts: true, seenAtMs: 0 },
    key: { kind: "Pod", namespace: "default", name: id },
  };
}

test("while a queue uses more than its quota, pods that another one has let in are not looked at with each turn", () => {
  const queues = new Queues({ amountsOf: () => ONE, isTriable: () => true });
  const quota = (cpu: number) => Queue.fromPartial({ spec: { quota: { cpu: `${cpu}` } } });
  queues.set("wide", quota(1_000));
  queues.set("shrunk", quota(2));
  for (let at = 0; at < 1_000; at += 1) queues.wait(pod(`w${at}`, "wide"));
  for (const id of ["a", "b"]) queues.wait(pod(id, "shrunk"));
  while (queues.admit() !== undefined);
  queues.place("a", "shrunk", ONE);
  queues.set("shrunk", quota(0));
  const asked: string[] = [];
  const turn = () =>
    queues.debtors((id) => {
      asked.push(id);
      return "unplaced";
    });
  // Whoever has a node keeps it: the queue stays beyond its quota.
  expect(turn().map(({ id }) => id)).toEqual(["b"]);
  queues.withdraw("b");
  expect(turn()).toEqual([]);
  expect(turn()).toEqual([]);
  expect(asked).toEqual(["b"]);
});
