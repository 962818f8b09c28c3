import { expect, test } from "vitest";
import { parseUlimits, ULIMITS, ulimitsOf } from "./ulimits.js";

const none = Number.POSITIVE_INFINITY;
const rows = [
  { text: "web.nofile=1024", container: "web", want: [{ name: "nofile", soft: 1024, hard: 1024 }] },
  { text: "db.core=0, web.nofile=8:9", container: "web", want: [{ name: "nofile", soft: 8, hard: 9 }] },
  { text: "web.memlock=-1", container: "web", want: [{ name: "memlock", soft: none, hard: none }] },
  { text: "web.nproc=5:-1", container: "web", want: [{ name: "nproc", soft: 5, hard: none }] },
  // The last word counts.
  { text: "web.nproc=5,web.nproc=6", container: "web", want: [{ name: "nproc", soft: 6, hard: 6 }] },
  { text: "web.nofile=1", container: "db", want: [] },
  { text: "", container: "web", want: [] },
];

for (const { text, container, want } of rows)
  test(`"${text}" limits ${container} by ${want.length}`, () => {
    expect(ulimitsOf({ [ULIMITS]: text }, container)).toEqual(want);
  });

for (const text of [
  "web",
  "web.nofile",
  "nofile=1",
  "web.files=1",
  "web.nofile=9:8",
  "web.nofile=-1:8",
  "web.nofile=1k",
])
  test(`"${text}" is refused`, () => {
    expect(parseUlimits(text).is).toBe("wrong");
  });
