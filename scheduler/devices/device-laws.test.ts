import fc from "fast-check";
import { expect, test } from "vitest";
import type { Pod } from "../../proto/gen/tallship/v1/pod.js";
import { nodeOf, podOf } from "../../test/kit/schedule-world.js";
import { refusalText } from "../refusals.js";
import { schedule } from "../schedule.js";
import { Snapshot } from "../snapshot.js";
import { Standings } from "../standings.js";

const GPU = "nvidia.com/gpu";
const MODELS = ["A", "B"];
const GI = 2 ** 30;

const anyNode = fc.record({
  gpus: fc.array(
    fc.record({ model: fc.constantFrom(...MODELS), gib: fc.constantFrom(16, 40), numa: fc.nat({ max: 1 }) }),
    { maxLength: 4 },
  ),
  cores: fc.constantFrom("2", "8", "16"),
});
const anyPod = fc.record({
  asks: fc.constantFrom<Readonly<Record<string, string>>>(
    {},
    { [GPU]: "1" },
    { [GPU]: "2" },
    { "tallship.dev/gpu-milli": "300" },
    { "tallship.dev/gpu-milli": "700" },
    { "tallship.dev/gpu-memory": "10Gi" },
    { "tallship.dev/gpu-memory": "24Gi" },
    { "tallship.dev/gpu-milli": "100", "tallship.dev/gpu-memory": "12Gi" },
  ),
  cpu: fc.constantFrom("500m", "2"),
  model: fc.constantFrom("", "", "A", "A|B"),
  numa: fc.constantFrom("", "", "single"),
  priority: fc.constantFrom(0, 0, 5),
});
type Step = { readonly do: "pod"; readonly at: number } | { readonly do: "end"; readonly at: number };
const anyStep: fc.Arbitrary<Step> = fc.oneof(
  { weight: 3, arbitrary: fc.record({ do: fc.constant("pod" as const), at: fc.nat({ max: 4 }) }) },
  fc.record({ do: fc.constant("end" as const), at: fc.nat({ max: 30 }) }),
);

function podFor(
  {
    asks,
    cpu,
    model,
    numa,
    priority,
  }: { asks: Readonly<Record<string, string>>; cpu: string; model: string; numa: string; priority: number },
  uid: string,
): Pod {
  const annotations = { ...(model && { "tallship.dev/gpu-model": model }), ...(numa && { "tallship.dev/numa": numa }) };
  return podOf({ uid, requests: { cpu, ...asks }, annotations, priority });
}

interface Held {
  readonly milli: number;
  readonly bytes: number;
  readonly isWhole: boolean;
}

/** Every device and what pods that run, or for which room is kept, have of it; pods on their way out are not among them. */
function heldBy(snapshot: Snapshot, objects: ReadonlyMap<string, Pod>): Map<string, Held[]> {
  const held = new Map<string, Held[]>();
  for (const { name, node, pods } of snapshot.records)
    for (const { id, tenure } of pods.values()) {
      if (tenure.isEnding) continue;
      const pod = objects.get(id);
      const requests = pod?.spec?.containers[0]?.resources?.requests ?? {};
      const milli = Number(requests["tallship.dev/gpu-milli"] ?? 0);
      const gib = Number.parseInt(requests["tallship.dev/gpu-memory"] ?? "0", 10);
      const wholes = Number(requests[GPU] ?? 0);
      expect(tenure.devices?.length ?? 0).toBe(wholes > 0 ? wholes : milli + gib > 0 ? 1 : 0);
      const told = (tenure.devices ?? []).map((each) => node?.status?.devices.find((device) => device.name === each));
      const models = pod?.metadata?.annotations["tallship.dev/gpu-model"]?.split("|") ?? MODELS;
      expect(told.every((device) => device !== undefined && models.includes(device.model))).toBe(true);
      if (pod?.metadata?.annotations["tallship.dev/numa"] === "single")
        expect(new Set(told.map((device) => device?.numaNode)).size).toBeLessThan(2);
      for (const device of told) {
        const memory = Number.parseInt(device?.memory ?? "", 10) * GI;
        const share = { milli, bytes: gib > 0 ? gib * GI : Math.ceil((memory * milli) / 1000), isWhole: false };
        const own = wholes > 0 ? { milli: 1000, bytes: memory, isWhole: true } : share;
        held.set(`${name} ${device?.name} ${memory}`, [...(held.get(`${name} ${device?.name} ${memory}`) ?? []), own]);
      }
    }
  return held;
}

test("no device is given twice over, whole and shared devices never mix, and what is remembered changes no answer", () => {
  fc.assert(
    fc.property(
      fc.array(anyNode, { minLength: 1, maxLength: 4 }),
      fc.array(anyPod, { minLength: 5, maxLength: 5 }),
      fc.array(anyStep, { minLength: 5, maxLength: 40 }),
      (nodes, templates, steps) => {
        const snapshot = new Snapshot();
        for (const [at, { gpus, cores }] of nodes.entries())
          snapshot.setNode(
            nodeOf({
              name: `node-${at}`,
              allocatable: { cpu: cores, memory: "64Gi", pods: "110" },
              devices: gpus.map(({ model, gib, numa }, gpu) => ({
                name: `${GPU}=${gpu}`,
                model,
                memory: `${gib}Gi`,
                numaNode: numa,
              })),
            }),
          );
        const warm = new Standings(snapshot, "spread");
        const objects = new Map<string, Pod>();
        for (const [at, step] of steps.entries()) {
          if (step.do === "end") {
            const [id] = [...objects.keys()].slice(step.at);
            if (id !== undefined) snapshot.remove(id);
            continue;
          }
          const template = templates[step.at];
          if (template === undefined) continue;
          const pod = podFor(template, `pod-${at}`);
          objects.set(`pod-${at}`, pod);
          const tenure = {
            namespace: "",
            labels: {},
            priority: template.priority,
            startedAt: "",
            isEnding: false,
            isReserved: false,
          };
          const pending = [{ id: `pod-${at}`, shape: snapshot.shapeOf(pod), tenure, preempts: true }];
          const pure = schedule(snapshot, pending);
          expect(
            schedule(snapshot, pending, { standings: new Standings(snapshot, "spread", { gridFrom: 0 }) }),
          ).toEqual(pure);
          expect(schedule(snapshot, pending, { standings: warm, assume: true })).toEqual(pure);
          for (const { podId } of pure.evictions) snapshot.remove(podId);
          for (const { refusals } of pure.refusals)
            if (pure.evictions.length === 0) expect(refusalText(refusals)).not.toMatch(/nodes: $/);
          for (const [device, holders] of heldBy(snapshot, objects)) {
            const sum = (of: (held: Held) => number): number => holders.reduce((total, each) => total + of(each), 0);
            expect(sum(({ milli }) => milli)).toBeLessThanOrEqual(1000);
            expect(sum(({ bytes }) => bytes)).toBeLessThanOrEqual(Number(device.split(" ")[2]));
            if (holders.some(({ isWhole }) => isWhole)) expect(holders.length).toBe(1);
          }
        }
      },
    ),
    { seed: 42, numRuns: 200 },
  );
});
