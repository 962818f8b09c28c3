import { existsSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { ROOT } from "../test/kit/root.js";
import { LONGEST, LongestFirst } from "./longest-first.mjs";

const at = (path: string) => ({ moduleId: join(ROOT, path) });

test("the files that take longest begin first, in their order, and the others by their size", async () => {
  const small = at("test/kit/wait.ts");
  const large = at("test/kit/network-lab.ts");
  const known = LONGEST.map(at);
  expect(await new LongestFirst().sort([small, large, ...[...known].reverse()])).toEqual([...known, large, small]);
});

test.each(LONGEST)("%s is there", (path) => expect(existsSync(join(ROOT, path))).toBe(true));
