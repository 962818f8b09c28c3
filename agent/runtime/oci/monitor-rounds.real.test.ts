import { type ChildProcess, spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { waitFor } from "../../../test/kit/wait.js";
import { containerId } from "../runtime.js";
import { MonitorRounds } from "./monitor-rounds.js";
import { bundleFolder } from "./paths.js";

const KEY = { podUid: "u1", container: "main", attempt: 0 };
/** Told to, it goes on as another program: the same number, as after a monitor's death when numbers have gone round. */
const MONITOR = "trap 'exec sleep 1000' USR1; echo ready; while :; do sleep 0.05; done";
/** More than there are between two looks at command lines. */
const ROUNDS = 40;

let runDir = "";
let monitor: ChildProcess | undefined;
afterEach(() => {
  monitor?.kill("SIGKILL");
  rmSync(runDir, { recursive: true, force: true });
});

function commandOf(pid: number): string {
  return readFileSync(`/proc/${pid}/cmdline`, "utf8");
}

async function ground(): Promise<{ readonly pid: number; readonly rounds: MonitorRounds; readonly dead: string[] }> {
  runDir = mkdtempSync(join(tmpdir(), "rounds-"));
  const folder = bundleFolder({ runDir }, KEY);
  mkdirSync(folder, { recursive: true });
  const child = spawn("sh", ["-c", MONITOR, "conmon", containerId(KEY)], { stdio: ["ignore", "pipe", "ignore"] });
  monitor = child;
  let isReady = false;
  child.stdout.once("data", () => {
    isReady = true;
  });
  await waitFor("the monitor", () => isReady);
  const { pid = 0 } = child;
  for (const name of ["conmon.pid", "pid"]) writeFileSync(join(folder, name), `${pid}`);
  writeFileSync(join(folder, "started"), "");
  const dead: string[] = [];
  const rounds = new MonitorRounds({
    paths: { runDir },
    isBeingCreated: () => false,
    onDead: (podUid) => dead.push(podUid),
  });
  return { pid, rounds, dead };
}

test("a monitor that lives is left alone, and one that was killed is noticed by the next round", async () => {
  const { pid, rounds, dead } = await ground();
  for (let round = 0; round < ROUNDS; round += 1) rounds.step();
  expect(dead).toEqual([]);
  monitor?.kill("SIGKILL");
  await waitFor("its end", () => monitor?.exitCode !== null || monitor.signalCode !== null);
  expect(pid).toBeGreaterThan(1);
  rounds.step();
  expect(dead).toEqual(["u1"]);
});

test("a number that is another process's by now is noticed after some rounds", async () => {
  const { pid, rounds, dead } = await ground();
  rounds.step();
  monitor?.kill("SIGUSR1");
  await waitFor("another program", () => commandOf(pid).startsWith("sleep\0"));
  for (let round = 0; round < ROUNDS; round += 1) rounds.step();
  expect(dead).toContain("u1");
});

test("of a pod that is gone nothing is remembered", async () => {
  const { pid, rounds, dead } = await ground();
  rounds.step();
  const [there, away] = [join(runDir, "pods"), join(runDir, "away")];
  renameSync(there, away);
  rounds.step();
  // Were it still known by its monitor's number, this would pass for it until command lines are asked for.
  monitor?.kill("SIGUSR1");
  await waitFor("another program", () => commandOf(pid).startsWith("sleep\0"));
  renameSync(away, there);
  rounds.step();
  expect(dead).toEqual(["u1"]);
});
