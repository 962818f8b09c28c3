import { readdirSync, statSync } from "node:fs";
import { dirname } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { limit } from "../../lib/limits.js";
import { silentLog } from "../../lib/log.js";
import { systemClock } from "../../lib/system-clock.js";
import { AgentMachine, testPod } from "../../test/kit/agent-machine.js";
import { waitFor } from "../../test/kit/wait.js";
import type { PodLoop } from "../pod-loop.js";
import { openLogFiles } from "./log-files.js";
import { logPath } from "./log-path.js";
import { readLogs } from "./read-logs.js";
import { LogRotation } from "./rotation.js";

let machine: AgentMachine;
let loop: PodLoop;
let rotation: LogRotation | undefined;

beforeEach(async () => {
  machine = new AgentMachine();
  loop = await machine.start();
});
afterEach(async () => {
  rotation?.close();
  rotation = undefined;
  await machine.close();
});

const KEY = { podUid: "flood", container: "main", attempt: 0 };

/** Writes so many lines of 1,000 bytes, each with its number, and then rests. */
function flood(count: number): string {
  const filling = "x".repeat(991);
  return `awk 'BEGIN { for (i = 0; i < ${count}; i++) printf "%07d ${filling}\\n", i }'; touch /over; sleep 1000`;
}

function begin(count: number): void {
  const main = { name: "main", image: "busybox", command: ["sh", "-c", flood(count)] };
  loop.setDesired(testPod("flood", { containers: [main] }));
}

function rotate(): void {
  const logs = openLogFiles(machine.dataDir);
  rotation = new LogRotation({
    ...{ clock: systemClock, log: silentLog, onFlood: () => undefined, logs, runs: () => loop.running() },
    rotate: (run) => logs.rotate(run, (key) => machine.driver.reopenLog(key)),
  });
}

async function numbersKept(): Promise<readonly number[]> {
  const path = logPath(machine.dataDir, KEY);
  const request = { follow: false, sinceTime: "", timestamps: false, limitBytes: 0, tailLines: undefined };
  const edges = { clock: systemClock, signal: new AbortController().signal };
  let text = "";
  for await (const { bytes } of readLogs({ path, isOpen: () => false }, request, edges))
    text += Buffer.from(bytes).toString("latin1");
  const numbers = text.split("\n").flatMap((line) => (line === "" ? [] : [Number(line.slice(0, 7))]));
  // The oldest file that was kept may begin within a line.
  return Number.isNaN(numbers[0]) ? numbers.slice(1) : numbers;
}

function bytesOnDisk(): number {
  const folder = dirname(logPath(machine.dataDir, KEY));
  const files = readdirSync(folder).map((name) => statSync(`${folder}/${name}`));
  return [...new Map(files.map(({ ino, size }) => [ino, size])).values()].reduce((sum, size) => sum + size, 0);
}

const lastOf = async (): Promise<number> => (await numbersKept()).at(-1) ?? -1;

test("a flood that its agent rotates leaves what a log may take, without a hole, though its monitor begins anew now and then", async () => {
  const count = Math.ceil((limit("logRunawayBytes") * 4.4) / 1_045);
  begin(count);
  rotate();
  await waitFor("all lines", async () => (await lastOf()) === count - 1, { deadlineMs: 50_000, everyMs: 500 });
  // What was written last may be over its limit until it is looked at once more.
  const most = limit("logFileBytes") * (limit("logFiles") + 1);
  await waitFor(
    () => `no more than ${most} bytes on disk; there are ${bytesOnDisk()}`,
    () => bytesOnDisk() < most,
  );
  const numbers = await numbersKept();
  const from = numbers[0] ?? 0;
  expect(numbers.filter((number, at) => number !== from + at).length).toBe(0);
  expect(numbers).toHaveLength(count - from);
  expect(numbers.length * 1_045).toBeGreaterThan(limit("logFileBytes") * 2);
});

test("while no agent is there a flood takes no more than limits.logRunawayBytes", async () => {
  const count = Math.ceil((limit("logRunawayBytes") * 1.5) / 1_045);
  begin(count);
  let most = 0;
  await waitFor(
    "all lines",
    async () => {
      most = Math.max(most, bytesOnDiskIfAny());
      return most > 0 && (await lastOf()) === count - 1;
    },
    { deadlineMs: 50_000, everyMs: 100 },
  );
  expect(most).toBeLessThanOrEqual(limit("logRunawayBytes"));
});

function bytesOnDiskIfAny(): number {
  try {
    return bytesOnDisk();
  } catch {
    return 0; // It has not begun to write.
  }
}
