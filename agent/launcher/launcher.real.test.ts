import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { hasCode } from "../../lib/errors.js";
import { silentLog } from "../../lib/log.js";
import { waitFor } from "../../test/kit/wait.js";
import { type Launcher, startLauncher } from "./launcher.js";
import { shellWords } from "./shell-words.js";

let dir = "";
let launcher: Launcher;
beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), "launcher-"));
  launcher = await startLauncher({ dir, enter: [], log: silentLog });
});
afterEach(async () => {
  await launcher.close();
  rmSync(dir, { recursive: true, force: true });
});

test("a job reports its exit code and both outputs", async () => {
  expect(await launcher.run("echo one; echo two >&2; exit 3")).toEqual({ exitCode: 3, output: "one\ntwo\n" });
});

test("quoted words arrive as they are, whatever they hold", async () => {
  const words = ["a b", "it's", "$HOME", "`x`", '"', "line\\n", "*", "", "-n", "é\u2603"];
  const { output } = await launcher.run(`printf '<%s>' ${shellWords(words)}`);
  expect(output).toBe(words.map((word) => `<${word}>`).join(""));
});

test("jobs run beside each other and answers find their callers", async () => {
  await launcher.run("mkfifo fifo");
  const slow = launcher.run("read x < fifo; exit 7");
  const results = await Promise.all(Array.from({ length: 40 }, (_, at) => launcher.run(`exit ${at}`)));
  expect(results.map(({ exitCode }) => exitCode)).toEqual(Array.from({ length: 40 }, (_, at) => at));
  await launcher.run("echo go > fifo");
  expect((await slow).exitCode).toBe(7);
});

test("a script that is no shell code, or whose command is killed, fails and the next one runs", async () => {
  expect((await launcher.run("sh -c 'kill -9 $$'")).exitCode).toBe(137);
  expect((await launcher.run("if (")).exitCode).not.toBe(0);
  expect((await launcher.run("echo well")).output).toBe("well\n");
});

test("jobs of a launcher that was killed end before the next one starts", async () => {
  const lost = launcher.run("exec sleep 1000").catch((error: unknown) => error);
  const seconds = "for p in /proc/[0-9]*; do grep -qsxz 1000 $p/cmdline && cat $p/environ; done; true";
  await waitFor("the job", async () => (await launcher.run(seconds)).output.includes(`${dir}\0`));
  process.kill(Number(readFileSync(join(dir, "pid"), "utf8")), "SIGKILL");
  expect(hasCode(await lost, "unavailable")).toBe(true);
  const next = await startLauncher({ dir, enter: [], log: silentLog });
  expect((await next.run(seconds)).output.includes(`${dir}\0`)).toBe(false);
  await next.close();
});
