import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { waitFor } from "../../test/kit/wait.js";
import { superviseScript } from "./supervise-script.js";

describe.each(["/bin/bash", "/bin/sh"])("under %s", (shell) => {
  let root: string;
  let started: number[];
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), "tallship supervise '"));
    started = [];
    // A daemon is told by the words of its command line: this one stays a shell.
    const daemon = `#!/bin/sh\necho "$1 begins"\n[ -e "${root}/$1.fails" ] && exit 3\nwhile :; do sleep 0.2; done\n`;
    writeFileSync(join(root, "tallshipd"), daemon, { mode: 0o755 });
  });
  afterEach(async () => {
    for (const pid of [...started, ...["one", "two"].map(pidOf)]) if (pid !== undefined) end(pid);
    rmSync(root, { recursive: true, force: true });
  });

  const pidOf = (name: string): number | undefined => {
    const path = join(root, "run", `${name}.pid`);
    return existsSync(path) ? Number(readFileSync(path, "utf8")) || undefined : undefined;
  };
  const isAlive = (pid: number): boolean =>
    existsSync(`/proc/${pid}`) && !readFileSync(`/proc/${pid}/stat`, "utf8").includes(") Z ");
  const begun = (name: string): number =>
    (existsSync(join(root, "log", `${name}.log`)) ? readFileSync(join(root, "log", `${name}.log`), "utf8") : "").split(
      "begins",
    ).length - 1;

  function end(pid: number): void {
    try {
      process.kill(pid, "SIGKILL");
    } catch {
      // It has ended.
    }
  }

  /** Starts a supervisor of two daemons; its pid. */
  function supervise(): number {
    const program = join(root, "tallshipd");
    const daemons = ["one", "two"].map((name) => ({ name, command: ["/bin/sh", program, name] }));
    const script = superviseScript({
      daemons,
      runDir: join(root, "run"),
      logDir: join(root, "log"),
      logBytes: 1_000_000,
    });
    const { pid = 0 } = spawn(shell, ["-c", script, program, "supervise"], { detached: true, stdio: "ignore" });
    started.push(pid);
    return pid;
  }

  const bothRun = (): Promise<boolean> =>
    waitFor("both daemons to run", () => ["one", "two"].every((name) => begun(name) > 0 && isAlive(pidOf(name) ?? 0)));

  test("daemons are started in sessions of their own, and again when they are killed", async () => {
    supervise();
    await bothRun();
    const first = pidOf("one") ?? 0;
    const fields = readFileSync(`/proc/${first}/stat`, "utf8").split(") ")[1]?.split(" ") ?? [];
    expect(Number(fields[3])).toBe(first);
    end(first);
    await waitFor("another one to run", () => pidOf("one") !== first && begun("one") === 2);
    expect(begun("two")).toBe(1);
  });

  test("daemons survive a supervisor that is killed, and the next one adopts them", async () => {
    const supervisor = supervise();
    await bothRun();
    const before = [pidOf("one"), pidOf("two")];
    end(supervisor);
    await waitFor("the supervisor to die", () => !isAlive(supervisor));
    supervise();
    await waitFor(
      "the next one to look around",
      () => Number(readFileSync(join(root, "run/supervise.pid"), "utf8")) !== supervisor,
    );
    end(pidOf("two") ?? 0);
    await waitFor("it to tend", () => pidOf("two") !== before[1] && isAlive(pidOf("two") ?? 0));
    expect(pidOf("one")).toBe(before[0]);
    expect(begun("one")).toBe(1);
  });

  test("a second supervisor ends at once and starts nothing", async () => {
    supervise();
    await bothRun();
    const second = supervise();
    await waitFor("the second to end", () => !isAlive(second));
    expect([begun("one"), begun("two")]).toEqual([1, 1]);
  });

  test("a pid that belongs to another program now is not taken for the daemon", async () => {
    const supervisor = supervise();
    await bothRun();
    end(supervisor);
    end(pidOf("one") ?? 0);
    const { pid: stranger = 0 } = spawn("sleep", ["100"], { stdio: "ignore" });
    started.push(stranger);
    writeFileSync(join(root, "run/one.pid"), `${stranger}\n`);
    supervise();
    await waitFor("the daemon to run anew", () => begun("one") === 2);
    expect(isAlive(stranger)).toBe(true);
  });

  test("a daemon that fails at once is started with growing waits", async () => {
    writeFileSync(join(root, "one.fails"), "");
    supervise();
    await waitFor("some tries", () => begun("one") >= 3);
    const before = begun("one");
    await new Promise((resolve) => setTimeout(resolve, 2_000));
    // Every half second it would have been four more.
    expect(begun("one") - before).toBeLessThanOrEqual(2);
  });

  test("what the supervisor is told to end by ends it, and leaves the daemons", async () => {
    const supervisor = supervise();
    await bothRun();
    process.kill(supervisor, "SIGTERM");
    await waitFor("the supervisor to end", () => !isAlive(supervisor));
    expect(existsSync(join(root, "run/supervise.pid"))).toBe(false);
    expect(isAlive(pidOf("one") ?? 0)).toBe(true);
  });
});
