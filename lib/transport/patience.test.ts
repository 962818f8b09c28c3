import { expect, test } from "vitest";
import { limit } from "../limits.js";
import { Patience } from "./patience.js";

test("a second attempt waits as long as the first, later ones twice as long each, within a bound, until one gets through", () => {
  const patience = new Patience();
  const waits = Array.from({ length: 6 }, () => {
    const { ms } = patience;
    patience.failed();
    return ms / limit("dialMs");
  });
  expect(waits).toEqual([1, 1, 2, 4, 4, 4]);
  patience.succeeded();
  expect(patience.ms).toBe(limit("dialMs"));
});
