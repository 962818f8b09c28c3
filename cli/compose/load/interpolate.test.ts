import fc from "fast-check";
import { expect, test } from "vitest";
import { readDotenv } from "./dotenv.js";
import { interpolate } from "./interpolate.js";

const variables = new Map([
  ["SET", "value"],
  ["EMPTY", ""],
]);

// A percent sign stands for a dollar, which in a string would look like a mistake.
const dollars = (text: string): string => text.replaceAll("%", "$");

// text, result; the table of the Compose Specification, and what is nested or broken.
const rows = [
  ["%SET-x", "value-x"],
  ["%{SET}", "value"],
  ["%{GONE}", ""],
  ["%{SET:-d}", "value"],
  ["%{EMPTY:-d}", "d"],
  ["%{EMPTY-d}", ""],
  ["%{GONE-d}", "d"],
  ["%{SET:+r}", "r"],
  ["%{EMPTY:+r}", ""],
  ["%{EMPTY+r}", "r"],
  ["%{GONE+r}", ""],
  ["%{SET:?e}", "value"],
  ["%{EMPTY?e}", ""],
  ["%{GONE:-%{EMPTY:-%{SET}}}", "value"],
  ["%{GONE:-a%%b}", "a%b"],
  ["%%SET %%{SET}", "%SET %{SET}"],
  ["no dollars", "no dollars"],
] as const;

for (const row of rows) {
  const [text, want] = [dollars(row[0]), dollars(row[1])];
  test(`interpolation: ${text} is ${JSON.stringify(want)}`, () => {
    expect(interpolate(text, variables)).toMatchObject({ is: "text", text: want });
  });
}

for (const [template, why] of [
  ["%{GONE:?say it}", "required variable GONE is missing a value: say it"],
  ["%{EMPTY:?}", "required variable EMPTY is missing a value"],
  ["%{SET", "after %{SET want }"],
  ["%{SET:-x", "the brace is not closed"],
  ["%{1}", "a variable's name starts with a letter or _"],
  ["% 5", "a dollar that starts no variable is written %%"],
] as const) {
  const text = dollars(template);
  test(`interpolation: ${text} is refused`, () => {
    expect(interpolate(text, variables)).toMatchObject({ is: "wrong", why: expect.stringContaining(dollars(why)) });
  });
}

test("interpolation: any text survives with its dollars doubled, and no text breaks the reader", () => {
  fc.assert(
    fc.property(fc.string(), (text) => {
      expect(interpolate(text.replaceAll("$", "$$$$"), variables)).toEqual({ is: "text", text, unset: [] });
      interpolate(text, variables);
    }),
  );
});

test("a .env file in single quotes gives back any value, and no text breaks its reader", () => {
  const value = fc.string().filter((text) => !text.includes("'"));
  fc.assert(
    fc.property(value, fc.string(), (text, any) => {
      expect(readDotenv(`A='${text}'\nB=after # said\n`, variables)).toEqual({
        is: "variables",
        all: new Map([
          ["A", text],
          ["B", "after"],
        ]),
      });
      readDotenv(any, variables);
    }),
  );
});
