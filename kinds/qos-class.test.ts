import { expect, test } from "vitest";
import { PodSpec } from "../proto/gen/tallship/v1/pod.js";
import { qosClassOf } from "./qos-class.js";

type Amounts = Readonly<Record<string, string>>;
const container = (requests: Amounts, limits: Amounts) => ({ name: "c", resources: { requests, limits } });
const full = { cpu: "500m", memory: "64Mi" };

// Each row is one step away from a neighbour of another class.
const rows = [
  { name: "nothing asked", containers: [container({}, {})], want: "BestEffort" },
  { name: "no container", containers: [], want: "BestEffort" },
  { name: "another resource asked", containers: [container({ "example.org/gpu": "1" }, {})], want: "BestEffort" },
  { name: "a request of zero", containers: [container({ cpu: "0" }, {})], want: "BestEffort" },
  { name: "requests alone", containers: [container(full, {})], want: "Burstable" },
  { name: "limits alone", containers: [container({}, full)], want: "Guaranteed" },
  { name: "requests equal to limits", containers: [container(full, full)], want: "Guaranteed" },
  {
    name: "equal but written otherwise",
    containers: [container({ cpu: "0.5", memory: "65536Ki" }, full)],
    want: "Guaranteed",
  },
  { name: "a lower request", containers: [container({ ...full, cpu: "499m" }, full)], want: "Burstable" },
  { name: "memory not limited", containers: [container({}, { cpu: "1" })], want: "Burstable" },
  { name: "one of two guaranteed", containers: [container(full, full), container({}, {})], want: "Burstable" },
];

for (const { name, containers, want } of rows) {
  test(`a pod with ${name} is ${want}`, () => {
    expect(qosClassOf(PodSpec.fromPartial({ containers }))).toBe(want);
  });
}

test("an init container that asks for less counts like any other", () => {
  const spec = PodSpec.fromPartial({ containers: [container(full, full)], initContainers: [container({}, {})] });
  expect(qosClassOf(spec)).toBe("Burstable");
});
