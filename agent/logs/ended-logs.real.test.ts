import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { limit } from "../../lib/limits.js";
import { endedRun, putAside, sweepEnded } from "./ended-logs.js";
import { logPath } from "./log-path.js";

let dataDir = "";
beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), "ended-"));
});
afterEach(() => rmSync(dataDir, { recursive: true, force: true }));

const NOW_MS = 1_800_000_000_000;

function write(podUid: string, attempt: number, text: string): void {
  const path = logPath(dataDir, { podUid, container: "main", attempt });
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
}

const lastOf = (podUid: string, isPrevious = false): string | undefined => {
  const run = endedRun(dataDir, { podUid, container: "main", isPrevious });
  return run === undefined ? undefined : readFileSync(run.path, "utf8");
};

test("what is put aside can be read: the last run, and the one before it", async () => {
  write("u1", 9, "nine");
  write("u1", 10, "ten");
  await putAside(dataDir, "u1", NOW_MS);
  expect([lastOf("u1"), lastOf("u1", true), lastOf("u2")]).toEqual(["ten", "nine", undefined]);
  expect(existsSync(join(dataDir, "logs/u1"))).toBe(false);
});

test("putting aside what has no logs, or twice, is harmless", async () => {
  await putAside(dataDir, "u1", NOW_MS);
  write("u1", 0, "x");
  await putAside(dataDir, "u1", NOW_MS);
  await putAside(dataDir, "u2", NOW_MS);
  expect(lastOf("u2")).toBeUndefined();
});

test("it goes when its time is over, and the oldest go when there is too much", async () => {
  const ages = { old: limit("endedLogsMs") + 1, older: limit("endedLogsMs") + 2, new: 20_000, newer: 10_000 };
  for (const [uid, ageMs] of Object.entries(ages)) {
    write(uid, 0, "x".repeat(100));
    await putAside(dataDir, uid, NOW_MS - ageMs);
  }
  expect(await sweepEnded(dataDir, NOW_MS)).toBe(200);
  expect(["old", "older", "new", "newer"].map((uid) => lastOf(uid) !== undefined)).toEqual([false, false, true, true]);
  expect(await sweepEnded(dataDir, NOW_MS, 150)).toBe(100);
  expect([lastOf("new"), lastOf("newer") !== undefined]).toEqual([undefined, true]);
  expect(await sweepEnded(dataDir, NOW_MS, 0)).toBe(0);
});
