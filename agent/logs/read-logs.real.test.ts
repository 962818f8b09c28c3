import { appendFileSync, mkdtempSync, readdirSync, rmSync, statSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { limit } from "../../lib/limits.js";
import { systemClock } from "../../lib/system-clock.js";
import { logPath } from "./log-path.js";
import { readLogs } from "./read-logs.js";
import { holdLog, removeOldRuns, rotateLog } from "./rotate.js";

const KEY = { podUid: "uid", container: "main", attempt: 0 };
let dataDir = "";
let path = "";

beforeEach(async () => {
  dataDir = mkdtempSync(join(tmpdir(), "tallship-logs-"));
  path = logPath(dataDir, KEY);
  await mkdir(dirname(path), { recursive: true });
});

afterEach(() => rmSync(dataDir, { recursive: true, force: true }));

const entry = (text: string, second = 0, tag = "F"): string =>
  `2026-01-01T00:00:${String(second).padStart(2, "0")}.000000001+00:00 stdout ${tag} ${text}\n`;

async function read(
  options: { tailLines?: number; sinceTime?: string; timestamps?: boolean; limitBytes?: number; follow?: boolean } = {},
  isOpen = (): boolean => false,
): Promise<string> {
  const request = { follow: false, sinceTime: "", timestamps: false, limitBytes: 0, tailLines: undefined, ...options };
  let text = "";
  for await (const { bytes } of readLogs({ path, isOpen }, request, {
    clock: systemClock,
    signal: new AbortController().signal,
  }))
    text += Buffer.from(bytes).toString();
  return text;
}

test("parts of a line are joined, times stand once per line", async () => {
  appendFileSync(path, entry("a", 1) + entry("long ", 2, "P") + entry("line", 3));
  expect(await read()).toBe("a\nlong line\n");
  expect(await read({ timestamps: true })).toBe(
    "2026-01-01T00:00:01.000000001+00:00 a\n2026-01-01T00:00:02.000000001+00:00 long line\n",
  );
});

test("the tail reaches back over rotated files", async () => {
  appendFileSync(`${path}.1`, entry("one") + entry("two"));
  appendFileSync(path, entry("three"));
  expect(await read({ tailLines: 2 })).toBe("two\nthree\n");
  expect(await read({ tailLines: 0 })).toBe("");
});

test("since and limit bound what is read", async () => {
  appendFileSync(path, entry("old", 1) + entry("new", 9));
  expect(await read({ sinceTime: "2026-01-01T00:00:05Z" })).toBe("new\n");
  expect(await read({ limitBytes: 5 })).toBe("old\nn");
});

test("a log that does not exist yet is empty, and followed once it does", async () => {
  expect(await read()).toBe("");
  let isOpen = true;
  const followed = read({ follow: true }, () => isOpen);
  appendFileSync(path, entry("first"));
  isOpen = false;
  expect(await followed).toBe("first\n");
});

test("a follower loses and doubles no line while the log is rotated under it", async () => {
  let isOpen = true;
  const followed = read({ follow: true }, () => isOpen);
  const lineText = "x".repeat(1_000);
  const perFile = Math.ceil(limit("logFileBytes") / 1_040) + 1;
  let written = 0;
  for (let round = 0; round < 4; round += 1) {
    for (let at = 0; at < perFile; at += 500) {
      const lines = Array.from({ length: 500 }, () => entry(`${written++} ${lineText}`)).join("");
      appendFileSync(path, lines);
      await new Promise((resolve) => setImmediate(resolve));
    }
    await rotateLog(dataDir, KEY, async () => appendFileSync(path, entry(`${written++} reopened`)));
  }
  isOpen = false;
  const numbers = (await followed)
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => Number(line.split(" ")[0]));
  expect(numbers).toEqual(Array.from({ length: written }, (_, at) => at));
});

/** Rotates away a file of so many numbered lines, as a flood does. */
async function flood(from: number, count: number): Promise<void> {
  const lines = Array.from({ length: count }, (_, at) => entry(`${from + at}`)).join("");
  appendFileSync(path, lines);
  await rotateLog(dataDir, KEY, async () => appendFileSync(path, entry("reopened")));
}

test("a follower that is slower than the log is told how many lines it has missed, exactly", async () => {
  let isOpen = true;
  const request = { follow: true, sinceTime: "", timestamps: false, limitBytes: 0, tailLines: undefined };
  const signal = new AbortController().signal;
  appendFileSync(path, entry("first"));
  const reading = readLogs({ path, isOpen: () => isOpen }, request, { clock: systemClock, signal });
  const first = await reading.next();
  const perFile = 5_000;
  const rotations = limit("logFiles") * 2;
  // It takes nothing more while files come and go: each rotation is told, and the oldest beyond what a log may have is counted.
  for (let round = 0; round < rotations; round += 1) {
    await flood(round * perFile, perFile);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  isOpen = false;
  let missed = 0;
  let text = Buffer.from(first.value?.bytes ?? []).toString();
  for await (const { bytes, missedLineCount } of reading) {
    missed += missedLineCount;
    text += Buffer.from(bytes).toString();
  }
  const got = text.split("\n").length - 1;
  expect(got + missed).toBe(1 + rotations * (perFile + 1));
  expect(missed).toBeGreaterThan(perFile);
  expect(text.split("\n").at(0)).toBe("first");
});

test("who does not follow gets what was there when it asked, however fast the log grows", async () => {
  appendFileSync(path, entry("one") + entry("two"));
  const request = { follow: false, sinceTime: "", timestamps: false, limitBytes: 0, tailLines: undefined };
  const edges = { clock: systemClock, signal: new AbortController().signal };
  let text = "";
  const reading = readLogs({ path, isOpen: () => true }, request, edges);
  for await (const { bytes, missedLineCount } of reading) {
    text += Buffer.from(bytes).toString();
    expect(missedLineCount).toBe(0);
    await flood(0, 5_000);
  }
  expect(text).toBe("one\ntwo\n");
});

test("a log that grew past its limit keeps fewer files: together they take what a log may", async () => {
  const big = entry("x".repeat(10_000)).repeat(Math.ceil((limit("logFileBytes") * 1.3) / 10_045));
  for (let round = 0; round < 7; round += 1) {
    appendFileSync(path, big);
    await rotateLog(dataDir, KEY, async () => undefined);
  }
  const sizes = readdirSync(dirname(path)).map((name) => statSync(join(dirname(path), name)).size);
  expect(sizes).toHaveLength(3);
  expect(sizes.reduce((sum, size) => sum + size, 0)).toBeLessThanOrEqual(limit("logFileBytes") * limit("logFiles"));
  appendFileSync(path, big.repeat(5));
  await rotateLog(dataDir, KEY, async () => undefined);
  expect(readdirSync(dirname(path))).toEqual(["0.log.1"]);
});

test("of a container that starts over and over, the logs of this run and the one before are kept", async () => {
  for (const name of ["0.log", "0.log.1", "0.last-words", "1.log", "2.log.3", "3.log", "10.log"])
    appendFileSync(join(dirname(path), name), entry("x"));
  await removeOldRuns(dataDir, { ...KEY, attempt: 3 });
  expect(readdirSync(dirname(path)).sort()).toEqual(["10.log", "2.log.3", "3.log"]);
});

/** The monitor begins anew by itself: what it had written is only where it is held. */
function throwAway(text: string): void {
  rmSync(path);
  appendFileSync(path, text);
}

// What was thrown away is older than what is written now and newer than what was rotated before, whichever step comes upon it.
const steps = [
  { name: "looks", step: () => holdLog(dataDir, KEY) },
  { name: "rotates", step: () => rotateLog(dataDir, KEY, async () => appendFileSync(path, entry("five"))) },
];
for (const { name, step } of steps) {
  test(`what a monitor throws away is kept in its place by an agent that ${name}`, async () => {
    appendFileSync(path, entry("one"));
    await rotateLog(dataDir, KEY, async () => appendFileSync(path, entry("two")));
    await holdLog(dataDir, KEY);
    appendFileSync(path, entry("three"));
    throwAway(entry("four"));
    await step();
    expect(await read()).toMatch(/^one\ntwo\nthree\nfour\n/);
    await holdLog(dataDir, KEY);
    await holdLog(dataDir, KEY);
    expect(await read()).toMatch(/^one\ntwo\nthree\nfour\n/);
  });
}
