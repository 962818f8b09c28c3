import { expect, test } from "vitest";
import { RUN_AS, runAsOf } from "./run-as.js";

const rows = [
  { text: "db=postgres", container: "db", want: "postgres" },
  { text: "db=postgres, web=node:staff", container: "web", want: "node:staff" },
  { text: "db=70:postgres", container: "db", want: "70:postgres" },
  { text: "db=postgres", container: "web", want: undefined },
  { text: "", container: "web", want: undefined },
  // What validation refuses says nothing.
  { text: "web=a b", container: "web", want: undefined },
  { text: "web", container: "web", want: undefined },
];

for (const { text, container, want } of rows)
  test(`"${text}" has ${container} run as ${want ?? "the image's user"}`, () => {
    expect(runAsOf({ [RUN_AS]: text }, container)).toBe(want);
  });
