import { expect, test } from "vitest";
import { RateLimit } from "./rate-limit.js";

test("a burst is let through, then one for each part of a second, for each key apart", () => {
  const limits = new RateLimit({ perSecond: 10, burst: 3, maxKeys: 100 });
  const takes = (key: string, nowMs: number, count: number): number =>
    Array.from({ length: count }, () => limits.take(key, nowMs)).filter(Boolean).length;
  expect(takes("a", 0, 5)).toBe(3);
  expect(takes("b", 0, 5)).toBe(3);
  expect(takes("a", 99, 1)).toBe(0);
  expect(takes("a", 200, 5)).toBe(2);
  expect(takes("a", 1_000_000, 5)).toBe(3);
});

test("no more keys are remembered than allowed, the quiet ones go first", () => {
  const limits = new RateLimit({ perSecond: 0, burst: 1, maxKeys: 2 });
  for (const key of ["a", "b", "a", "c"]) limits.take(key, 0);
  expect(limits.take("a", 0)).toBe(false);
  expect(limits.take("b", 0)).toBe(true);
});
