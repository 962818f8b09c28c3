import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { silentLog } from "../../lib/log.js";
import { systemClock } from "../../lib/system-clock.js";
import { tarEntry } from "../../lib/tar/entry.js";
import { tarArchive } from "../../lib/tar/tar-writer.js";
import { digestOf } from "../../test/kit/built-image.js";
import { type BundledProgram, bundleProgram } from "../../test/kit/bundle.js";
import { ManualClock } from "../../test/kit/manual-clock.js";
import { waitFor } from "../../test/kit/wait.js";
import { defaultLayerLimits } from "../image/layer/layer-limits.js";
import type { UnpackRequest } from "../image/layer/unpack-layer.js";
import { type Confinement, confinedCommand } from "./confinement.js";
import { WorkerPool } from "./worker-pool.js";

let program: BundledProgram;
let folder: string;
let pool: WorkerPool;
const signal = new AbortController().signal;
const clock = new ManualClock();

beforeAll(async () => {
  program = await bundleProgram('import { runWorker } from "./agent/worker/run-worker.js"; await runWorker();');
});
afterAll(() => rmSync(program.folder, { recursive: true, force: true }));
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "tallship-worker-"));
  mkdirSync(join(folder, "staging"));
  pool = new WorkerPool({
    command: [process.execPath, program.path],
    confinement: confinement(),
    clock,
    log: silentLog,
  });
});
afterEach(async () => {
  await pool.close();
  rmSync(folder, { recursive: true, force: true });
});

function confinement(): Confinement {
  return {
    rootPath: join(folder, "root"),
    writablePath: join(folder, "staging"),
    readablePaths: [folder, program.folder],
  };
}

function unpackOf(tar: Buffer, name: string): UnpackRequest {
  const blobPath = join(folder, `${name}.tar`);
  writeFileSync(blobPath, tar);
  return {
    blobPath,
    targetPath: join(folder, "staging", name),
    diffId: digestOf(tar),
    limits: defaultLayerLimits(),
    policy: { deviceNodes: "refuse" },
  };
}

/** A layer that takes a worker long enough to be killed in. */
function largeLayer(): Buffer {
  const many = Array.from({ length: 20_000 }, (_, at) => [tarEntry(`f${at}`, "file"), Buffer.from("x")] as const);
  return tarArchive(many);
}

const small = tarArchive([[tarEntry("a", "file"), Buffer.from("hello")]]);

test("a worker unpacks into the folder that it may write, and ends when it is idle", async () => {
  expect(pool.workerCount).toBe(0);
  await pool.unpack(unpackOf(small, "one"), signal);
  await pool.unpack(unpackOf(small, "two"), signal);
  expect(readFileSync(join(folder, "staging/two/fs/a"), "utf8")).toBe("hello");
  expect(pool.workerCount).toBe(1);
  await pool.flush(folder, signal);
  await clock.advance(10_000);
  await waitFor("the worker to end", () => pool.workerCount === 0);
  expect(readdirSync(join(folder, "root"))).toEqual([]);
});

test("a confined program writes its folder, and neither anything else nor the network", async () => {
  const probe = `
    for at in ${folder} /usr /etc / /dev/shm /root; do touch $at/probe 2>/dev/null && echo "wrote $at"; done
    touch ${folder}/staging/probe && echo "wrote staging"
    for at in /etc /root /home /proc /sys; do ls $at >/dev/null 2>&1 && echo "saw $at"; done
    cat /sys/class/net/*/address 2>/dev/null && echo "saw a link"
    mknod ${folder}/staging/null c 1 3 && echo "made a node"
    true`;
  mkdirSync(join(folder, "root"));
  const [command = "", ...args] = confinedCommand(["/bin/sh", "-c", probe], confinement());
  expect(execFileSync(command, args, { encoding: "utf8" }).trim().split("\n")).toEqual([
    "wrote staging",
    "made a node",
  ]);
  expect(existsSync(join(folder, "probe"))).toBe(false);
});

test("a refusal comes back with its code, and the worker goes on", async () => {
  const hostile = tarArchive([[tarEntry("../a", "file"), Buffer.from("x")]]);
  await expect(pool.unpack(unpackOf(hostile, "bad"), signal)).rejects.toMatchObject({ code: "image_refused" });
  await pool.unpack(unpackOf(small, "good"), signal);
  expect(readdirSync(join(folder, "staging"))).toEqual(["good"]);
  expect(pool.workerCount).toBe(1);
});

test("when a worker is killed its job fails, nothing is left, and the next job gets another", async () => {
  const request = unpackOf(largeLayer(), "large");
  const running = pool.unpack(request, signal);
  const failed = expect(running).rejects.toMatchObject({ code: "image_pull_failed" });
  await waitFor("the first files", () => existsSync(join(request.targetPath, "fs/f100")));
  const { stdout } = spawnSync("pgrep", ["--full", program.path], { encoding: "utf8" });
  for (const pid of stdout.trim().split("\n")) process.kill(Number(pid), "SIGKILL");
  await failed;
  expect(readdirSync(join(folder, "staging"))).toEqual([]);
  await pool.unpack(request, signal);
  expect(readdirSync(join(request.targetPath, "fs")).length).toBe(20_000);
});

test("an abort stops a job between two pieces, and nothing is left", async () => {
  const abort = new AbortController();
  const request = unpackOf(largeLayer(), "large");
  const running = pool.unpack(request, abort.signal);
  const failed = expect(running).rejects.toMatchObject({ code: "cancelled" });
  await waitFor("the first files", () => existsSync(join(request.targetPath, "fs/f100")));
  abort.abort();
  await failed;
  expect(readdirSync(join(folder, "staging"))).toEqual([]);
});

test("where confinement fails, the worker runs without", async () => {
  const odd = new WorkerPool({
    command: [process.execPath, program.path],
    confinement: { ...confinement(), writablePath: "/proc/1/nothing" },
    clock: systemClock,
    log: silentLog,
  });
  await odd.unpack(unpackOf(small, "one"), signal);
  await odd.close();
});
