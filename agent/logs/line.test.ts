import fc from "fast-check";
import { expect, test } from "vitest";
import { contentAt, lineCounter, parseLogLine, splitEntries, tailOffset } from "./line.js";

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

test("content is found where parsing finds it, whatever stands in the entry", () => {
  const usual = fc
    .tuple(fc.constantFrom("stdout", "stderr"), fc.constantFrom("F", "P"), fc.string())
    .map(([stream, tag, content]) => `${T} ${stream} ${tag} ${content}`);
  const odd = fc
    .array(fc.constantFrom("a", " ", "F", "P", "stdout", T), { maxLength: 8 })
    .map((parts) => parts.join(""));
  fc.assert(
    fc.property(fc.oneof(usual, odd), fc.nat(3), (text, before) => {
      const bytes = Buffer.from(`${"x".repeat(before)}${text.replaceAll("\n", "")}`);
      const entry = bytes.subarray(before);
      const parsed = parseLogLine(entry);
      const found = contentAt(bytes, before, bytes.length);
      expect(found?.isPartial).toBe(parsed?.isPartial);
      if (found !== undefined)
        expect(bytes.subarray(found.start).toString()).toBe(Buffer.from(parsed?.content ?? []).toString());
    }),
  );
});

test("lines are counted over any cut, parts of a line not", () => {
  const whole = Buffer.concat([text, text, text]);
  fc.assert(
    fc.property(fc.array(fc.nat(whole.length), { maxLength: 6 }), (cuts) => {
      const at = [0, ...cuts.sort((left, right) => left - right), whole.length];
      const counter = lineCounter();
      for (const [index, from] of at.entries()) counter.add(whole.subarray(from, at[index + 1]));
      expect(counter.lines).toBe(9);
    }),
  );
});
