import { type ChildProcess, execFileSync, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { busyboxTar } from "./busybox-image.js";
import { waitFor } from "./wait.js";

let root: string;
let child: ChildProcess | undefined;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "tallship-busybox-"));
  execFileSync("tar", ["-x", "-C", root], { input: busyboxTar() });
  // Runtimes give every container this.
  execFileSync("mknod", [join(root, "dev/null"), "c", "1", "3"]);
});
afterEach(() => {
  child?.kill("SIGKILL");
  rmSync(root, { recursive: true, force: true });
});

test("the image's server answers with its host name as process 1, and ends at once on SIGTERM", async () => {
  const inside = ["sh", "-c", "hostname pod-7; ip link set lo up; exec chroot . /bin/serve"];
  child = spawn("unshare", ["--pid", "--fork", "--kill-child", "--net", "--uts", "--mount", ...inside], {
    cwd: root,
    stdio: "inherit",
    env: { PATH: process.env["PATH"] },
  });
  const parent = String(child.pid);
  const pid = await waitFor("the shell", () => {
    const { stdout } = spawnSync("pgrep", ["--parent", parent], { encoding: "utf8" });
    return stdout.trim() === "" ? undefined : stdout.trim();
  });
  const get = (): string =>
    spawnSync("nsenter", ["--net", "--target", pid, "curl", "-s", "127.0.0.1"], { encoding: "utf8" }).stdout;
  expect(await waitFor("an answer", () => get() || undefined)).toBe("pod-7\n");
  const exited = once(child, "exit");
  const startedMs = performance.now();
  process.kill(Number(pid), "SIGTERM");
  expect(await exited).toEqual([0, null]);
  expect(performance.now() - startedMs).toBeLessThan(10_000);
});
