import { mkdtempSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, expect, test } from "vitest";
import { Journal } from "./journal.js";

let folder: string;
let path: string;
let journal: Journal | undefined;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "tallship-journal-"));
  path = join(folder, "pods");
});
afterEach(() => {
  journal?.close();
  journal = undefined;
  rmSync(folder, { recursive: true });
});

function open(): Journal {
  journal?.close();
  journal = new Journal(path);
  return journal;
}

function textsOf(opened: Journal): Record<string, string | undefined> {
  return Object.fromEntries(opened.keys.map((key) => [key, opened.read(key)]));
}

const change = fc.oneof(
  { weight: 6, arbitrary: fc.record({ is: fc.constant("write" as const), key: fc.nat(5), text: fc.string() }) },
  { weight: 2, arbitrary: fc.record({ is: fc.constant("remove" as const), key: fc.nat(5) }) },
  { weight: 1, arbitrary: fc.record({ is: fc.constant("open" as const) }) },
  { weight: 1, arbitrary: fc.record({ is: fc.constant("compact" as const) }) },
  { weight: 1, arbitrary: fc.record({ is: fc.constant("await" as const) }) },
);

test("whatever is written, removed, left out and opened anew, in any order: the last text of each key is there", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(change, { maxLength: 40 }), async (changes) => {
      rmSync(path, { force: true });
      const want = new Map<string, string>();
      let opened = open();
      let compacting = Promise.resolve();
      for (const one of changes) {
        if (one.is === "write") {
          const text = JSON.stringify(one.text);
          opened.write(`k${one.key}`, text);
          want.set(`k${one.key}`, text);
        } else if (one.is === "remove") {
          opened.remove(`k${one.key}`);
          want.delete(`k${one.key}`);
        } else if (one.is === "compact") compacting = opened.compact();
        else {
          await compacting;
          if (one.is === "open") opened = open();
        }
        expect(textsOf(opened)).toEqual(Object.fromEntries(want));
      }
      await compacting;
      expect(opened.usedBytes + opened.staleBytes).toBe(statSync(path).size);
      expect(textsOf(open())).toEqual(Object.fromEntries(want));
    }),
    { numRuns: 60 },
  );
});

test("a file that a power cut left anywhere opens as it was after one of its changes", () => {
  const first = open();
  first.write("a", "one");
  first.write("b", "two");
  first.write("a", "three");
  first.remove("b");
  const whole = readFileSync(path);
  const seen = new Set<string>();
  for (let size = 0; size <= whole.length; size += 1) {
    writeFileSync(path, whole);
    truncateSync(path, size);
    const opened = open();
    seen.add(JSON.stringify(textsOf(opened)));
    opened.write("c", "more");
    expect(textsOf(open())).toMatchObject({ c: "more" });
  }
  expect([...seen]).toEqual(["{}", '{"a":"one"}', '{"a":"one","b":"two"}', '{"b":"two","a":"three"}', '{"a":"three"}']);
});

test("once history is left out nothing of what was removed or replaced can be read in the file", async () => {
  const opened = open();
  opened.write("a", "secret-one");
  opened.write("b", "secret-two");
  opened.remove("a");
  opened.write("b", "plain");
  await opened.compact();
  expect(readFileSync(path, "utf8")).toBe("b plain\n");
  expect(opened.staleBytes).toBe(0);
});

test("what is written while history is left out is kept, also what replaces and removes what was copied already", async () => {
  const opened = open();
  for (const key of ["a", "b", "c"]) opened.write(key, `old-${key}`);
  const compacting = opened.compact();
  opened.write("a", "new-a");
  opened.remove("b");
  opened.write("d", "new-d");
  await compacting;
  const want = { a: "new-a", c: "old-c", d: "new-d" };
  expect(textsOf(opened)).toEqual(want);
  expect(textsOf(open())).toEqual(want);
});
