import { expect, test } from "vitest";
import { waitFor } from "./wait.js";

const SOON = { deadlineMs: 5, everyMs: 1 };

test("what comes after failures is returned", async () => {
  let tries = 0;
  const check = (): number | false => {
    tries += 1;
    if (tries === 1) throw new Error("not yet");
    return tries === 3 && tries;
  };
  expect(await waitFor("the third try", check, { deadlineMs: 10_000, everyMs: 1 })).toBe(3);
});

test("a check that is never true says what was waited for, in the words of the end", async () => {
  let tries = 0;
  const check = (): boolean => {
    tries += 1;
    return false;
  };
  await expect(waitFor("rain", check, SOON)).rejects.toThrow(/^waited 5 ms for rain$/);
  await expect(waitFor(() => `rain ${tries > 1}`, check, SOON)).rejects.toThrow(/^waited 5 ms for rain true$/);
});

test("a check that fails is named with its last failure, an assertion's too", async () => {
  let tries = 0;
  const check = (): boolean => {
    tries += 1;
    if (tries < 2) throw new Error("the first");
    expect(tries).toBe(1);
    return true;
  };
  const failure = await waitFor("rain", check, SOON).catch((error: unknown) => error);
  expect(String(failure)).toMatch(/^Error: waited 5 ms for rain; it failed: expected \d+ to be 1/);
  expect(failure).toHaveProperty("cause.name", "AssertionError");
  await expect(waitFor("rain", () => Promise.reject("dry"), SOON)).rejects.toThrow(/rain; it failed: dry$/);
});
