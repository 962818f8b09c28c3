import { expect, test } from "vitest";
import { Pod } from "../proto/gen/tallship/v1/pod.js";
import { START_ORDER, startOrderProblem, startsAfter } from "./start-order.js";

const pod = (order: string): Pod =>
  Pod.fromPartial({
    metadata: { annotations: { [START_ORDER]: order } },
    spec: { containers: ["a", "b", "c"].map((name) => ({ name, image: "x" })) },
  });

test("a container waits for those of its pod that are named before it, and for nothing else", () => {
  expect(startsAfter(pod("a=b, a=c,b=none,c=c"), "a")).toEqual(["b", "c"]);
  expect(startsAfter(pod("a=b, a=c,b=none,c=c"), "b")).toEqual([]);
  expect(startsAfter(pod("a=b, a=c,b=none,c=c"), "c")).toEqual([]);
});

// Each row: a value of the annotation, and whether it can be read.
test.each([
  ["a=b", true],
  ["a=b, c=b", true],
  ["a", false],
  ["a=b=c", false],
  ["A=b", false],
  ["a=a", false],
  ["a=b, b=c, a=c", true],
  ["a=b, b=a", false],
  ["d=a, a=b, b=c, c=a", false],
  ["", false],
])("order %j can be read: %s", (text, isRead) => expect(startOrderProblem(text) === undefined).toBe(isRead));

test("an order of as many containers as annotations have room for is read", () => {
  const order = Array.from({ length: 20_000 }, (_, at) => `c${at}=c${at + 1}`);
  expect(startOrderProblem(order.join())).toBeUndefined();
  expect(startOrderProblem(`${order.join()},c20000=c0`)).toBe("c0 would wait for itself, and never start");
});

test("a circle is named by one who is on it", () =>
  expect(startOrderProblem("d=a,a=b,b=a")).toBe("a would wait for itself, and never start"));
