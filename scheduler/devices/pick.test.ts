import { expect, test } from "vitest";
import type { NodeDevice } from "../../proto/gen/tallship/v1/node.js";
import { nodeOf, podOf, snapshotOf } from "../../test/kit/schedule-world.js";
import { podRequests } from "../pod-requests.js";
import { demandOf } from "./demand.js";
import { canHave, namesOf, picksFor, pickTightest } from "./pick.js";

type Parts = Partial<Omit<NodeDevice, "name">>;
const GPU = "nvidia.com/gpu";

/** A node with these GPUs and what pods have of them. */
function boardOf(gpus: readonly Parts[], taken: readonly (readonly [number, Readonly<Record<string, string>>])[] = []) {
  const devices = gpus.map((parts, at) => ({ name: `${GPU}=${at}`, memory: "40Gi", ...parts }));
  const snapshot = snapshotOf([nodeOf({ name: "a", devices })]);
  for (const [at, requests] of taken) {
    const shape = snapshot.shapeOfBound(podOf({ requests }));
    const tenure = { namespace: "", labels: {}, priority: 0, startedAt: "", isEnding: false, isReserved: false };
    snapshot.place(`pod-${at}`, shape, "a", { ...tenure, devices: [`${GPU}=${at}`] });
  }
  const board = snapshot.devices.boardOf(snapshot.records[0]);
  if (board === undefined) throw new Error("the node tells of its devices");
  return board;
}

const half = { "tallship.dev/gpu-milli": "500" };
const tenGi = { "tallship.dev/gpu-memory": "10Gi" };
const whole = { [GPU]: "1" };

// What a pod gets of a node's devices; the number is that of the device. A pod that gets nothing does not fit.
const rows = [
  { name: "a share goes to the device of which least is left", gpus: 2, taken: [[1, half]], requests: half, want: "1" },
  { name: "a share does not go to a whole device's holder", gpus: 2, taken: [[0, whole]], requests: tenGi, want: "1" },
  { name: "a whole device is one that nobody shares", gpus: 2, taken: [[0, tenGi]], requests: whole, want: "1" },
  { name: "the least share keeps a device from being whole", gpus: 1, taken: [[0, tenGi]], requests: whole, want: "" },
  {
    name: "memory alone may be shared out to the last byte",
    gpus: 1,
    taken: [[0, tenGi]],
    requests: { "tallship.dev/gpu-memory": "30Gi" },
    want: "0",
  },
  { name: "and not beyond", gpus: 1, taken: [[0, tenGi]], requests: { "tallship.dev/gpu-memory": "31Gi" }, want: "" },
  {
    name: "thousandths take as much of the memory",
    gpus: 1,
    taken: [[0, half]],
    requests: { "tallship.dev/gpu-memory": "21Gi" },
    want: "",
  },
  {
    name: "unless the pod says how much",
    gpus: 1,
    taken: [[0, { ...half, ...tenGi }]],
    requests: { "tallship.dev/gpu-memory": "30Gi" },
    want: "0",
  },
] as const;

for (const { name, gpus, taken, requests, want } of rows) {
  test(`devices of a pod: ${name}`, () => {
    const board = boardOf(new Array(gpus).fill({}), taken);
    const pod = podOf({ requests });
    const demand = demandOf(pod, podRequests(pod), false);
    if (demand === undefined) throw new Error("it asks for devices");
    const pick = pickTightest(board, demand);
    expect(pick === undefined ? "" : namesOf(board, pick).join()).toBe(want === "" ? "" : `${GPU}=${want}`);
    expect(canHave(board, demand)).toBe(want !== "");
  });
}

const near = [
  {
    name: "those that it names by other names",
    gpus: [{}, { aliases: [`${GPU}=GPU-1`] }, { aliases: [`${GPU}=GPU-2`] }],
    annotations: { "tallship.dev/devices": `${GPU}=GPU-2,${GPU}=GPU-1` },
    want: [1, 2],
  },
  {
    name: "the smallest link group that has enough",
    gpus: [{ linkGroup: "x" }, { linkGroup: "x" }, { linkGroup: "x" }, { linkGroup: "y" }, { linkGroup: "y" }],
    annotations: {},
    want: [3, 4],
  },
  {
    name: "no link group has enough: one NUMA node",
    gpus: [{ numaNode: 0 }, { numaNode: 1 }, { numaNode: 1 }],
    annotations: {},
    want: [1, 2],
  },
  { name: "otherwise anywhere", gpus: [{ numaNode: 0 }, { numaNode: 1 }], annotations: {}, want: [0, 1] },
  {
    name: "but where it must be one NUMA node",
    gpus: [{ numaNode: 0 }, { numaNode: 1 }],
    annotations: { "tallship.dev/numa": "single" },
    want: undefined,
  },
  {
    name: "one of the models",
    gpus: [{ model: "A" }, { model: "B" }, { model: "C" }],
    annotations: { "tallship.dev/gpu-model": "B|C" },
    want: [1, 2],
  },
  {
    name: "those that it names",
    gpus: [{}, {}, {}],
    annotations: { "tallship.dev/devices": `${GPU}=2,${GPU}=0` },
    want: [0, 2],
  },
] as const;

for (const { name, gpus, annotations, want } of near) {
  test(`two whole devices: ${name}`, () => {
    const pod = podOf({ requests: { [GPU]: "2" }, annotations });
    const demand = demandOf(pod, podRequests(pod), false);
    expect(demand && picksFor(boardOf(gpus), demand)[0]).toEqual(want);
  });
}
