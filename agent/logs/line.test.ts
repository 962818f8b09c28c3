import { expect, test } from "vitest";
import { parseLogLine, splitEntries, tailOffset } from "./line.js";

const T = "2026-01-01T00:00:00.000000001+00:00";

test("an entry is cut at its first three spaces; content keeps its own", () => {
  const line = parseLogLine(Buffer.from(`${T} stdout F a b  c`));
  expect(line).toMatchObject({ time: T, isPartial: false });
  expect(Buffer.from(line?.content ?? []).toString()).toBe("a b  c");
});

test("an empty line is a line", () => {
  expect(parseLogLine(Buffer.from(`${T} stderr F `))?.content.length).toBe(0);
});

test("what a crash cut is no entry", () => {
  expect(parseLogLine(Buffer.from(T))).toBeUndefined();
  expect(parseLogLine(Buffer.from(`${T} stdout`))).toBeUndefined();
});

test("an entry without its newline waits", () => {
  const { entries, rest } = splitEntries(Buffer.from("a\nb\nc"));
  expect(entries.map(String)).toEqual(["a", "b"]);
  expect(rest.toString()).toBe("c");
});

const text = Buffer.from(`${T} stdout F one\n${T} stdout P tw\n${T} stdout F o\n${T} stdout F three\n`);
const rows = [
  { count: 0, from: "" },
  { count: 1, from: "three" },
  { count: 2, from: "tw" },
  { count: 3, from: "one" },
  { count: 9, from: "one" },
];
for (const { count, from } of rows) {
  test(`the last ${count} lines begin at "${from}", parts counted as one line`, () => {
    const { offset } = tailOffset(text, count);
    const [first] = splitEntries(text.subarray(offset)).entries;
    expect(first === undefined ? "" : Buffer.from(parseLogLine(first)?.content ?? []).toString()).toBe(from);
  });
}
