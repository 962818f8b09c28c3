import { expect, test } from "vitest";
import { ordinalName } from "./ordinal-name.js";

test("the names of an owner's children never repeat", () => {
  const names = new Set(Array.from({ length: 20_000 }, (_, ordinal) => ordinalName("web", "uid-1", ordinal)));
  expect(names.size).toBe(20_000);
});

test("a name is derived: the same child always has the same, another owner's child another", () => {
  expect(ordinalName("web", "uid-1", 7)).toBe(ordinalName("web", "uid-1", 7));
  expect(ordinalName("web", "uid-1", 7)).not.toBe(ordinalName("web", "uid-2", 7));
});

test("a name fits into a host name and stays a name, however long the base", () => {
  const name = ordinalName(`${"a".repeat(56)}-${"b".repeat(100)}`, "uid", 3);
  expect(name).toMatch(/^a{56}-[a-z0-9]{5}$/);
  expect(ordinalName("web", "uid", 27 ** 5)).toMatch(/^web-[a-z0-9]{6}$/);
});
