import { expect, test } from "vitest";
import { limit } from "../../lib/limits.js";
import { NamedHoldings, NO_NAMES } from "./named-holdings.js";

test("a name that nodes have for images of several sizes counts as the largest that is left, and goes with the last of them", () => {
  const named = new NamedHoldings();
  named.take("a", new Map([["app:v1", 10]]));
  named.take("b", new Map([["app:v1", 30]]));
  expect(named.of("app:v1")).toEqual({ sizeBytes: 30, holders: new Set(["a", "b"]) });
  named.take("b", new Map([["app:v1", 20]]));
  expect(named.of("app:v1")?.sizeBytes).toBe(20);
  named.take("b", NO_NAMES);
  expect(named.of("app:v1")).toEqual({ sizeBytes: 10, holders: new Set(["a"]) });
  expect(named.takeChanged()).toEqual(["app:v1"]);
  named.take("a", new Map([["app:v1", 10]]));
  expect(named.takeChanged()).toEqual([]);
  named.take("a", NO_NAMES);
  expect(named.of("app:v1")).toBeUndefined();
  expect([named.takeChanged(), named.size]).toEqual([["app:v1"], 0]);
});

test("no more names are taken than there is room for", () => {
  const named = new NamedHoldings();
  const many = Array.from({ length: limit("schedulerNodeImages") + 1 }, (_, at) => [`app:${at}`, 1] as const);
  named.take("a", new Map(many));
  expect(named.size).toBe(limit("schedulerNodeImages"));
  const last = `app:${limit("schedulerNodeImages")}`;
  expect(named.of(last)).toBeUndefined();
  named.take("a", new Map(many.slice(1)));
  named.take("a", new Map(many.slice(1)));
  expect(named.of(last)?.holders).toEqual(new Set(["a"]));
  named.take("a", NO_NAMES);
  expect(named.size).toBe(0);
});
