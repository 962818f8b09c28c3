import { createHash } from "node:crypto";
import { once } from "node:events";
import { createWriteStream, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import { createGzip } from "node:zlib";
import { defaultLayerLimits } from "../agent/image/layer/layer-limits.js";
import { WorkerPool } from "../agent/worker/worker-pool.js";
import { workerOf } from "../agent/worker/worker-program.js";
import { silentLog } from "../lib/log.js";
import { seededRng } from "../lib/rng.js";
import { systemClock } from "../lib/system-clock.js";
import { tarEntry } from "../lib/tar/entry.js";
import { tarEnd, tarHeader, tarPadding } from "../lib/tar/tar-writer.js";
import { ROOT } from "../test/kit/root.js";
import { run as runCommand } from "../test/kit/shell.js";
import { type Bench, type BenchContext, median } from "./harness.js";

/** How fast an agent unpacks a layer of many small files, in its confined worker, against tar and gzip. */
export const unpack: Bench = {
  name: "unpack",
  summary: "a layer of 500 MB in 48,000 files: verified and unpacked by a worker, over tar -xz",
  goals: [{ metric: "ratio", op: ">=", bound: 0.9, stage: "full" }],
  run,
};

async function run(context: BenchContext): Promise<Readonly<Record<string, number>>> {
  const folder = mkdtempSync("/var/tmp/tallship-bench-unpack-");
  const program = workerOf(join(ROOT, "bin/tallshipd"));
  if (program === undefined) throw new Error("dist/tallshipd.js is missing: run npm run build");
  const staging = join(folder, "staging");
  mkdirSync(staging);
  const confinement = {
    rootPath: join(folder, "root"),
    writablePath: staging,
    readablePaths: [folder, ...program.folders],
  };
  const pool = new WorkerPool({ command: program.command, confinement, clock: systemClock, log: silentLog });
  try {
    context.report("making the layer");
    const layer = await makeLayer(join(folder, "layer.tar.gz"), context.isQuick ? 4_800 : 48_000);
    const [ours, theirs]: [number[], number[]] = [[], []];
    for (let round = 0; round < (context.isQuick ? 1 : 5); round += 1) {
      ours.push(await timed(folder, () => byWorker(pool, layer, join(staging, "layer"))));
      theirs.push(await timed(folder, () => byTar(layer, join(folder, "tar"))));
      context.report(`worker ${ours.at(-1)?.toFixed(2)} s, tar ${theirs.at(-1)?.toFixed(2)} s`);
    }
    return {
      ratio: median(theirs) / median(ours),
      worker_s: median(ours),
      tar_s: median(theirs),
      mb: layer.bytes / 1e6,
      files: layer.files,
    };
  } finally {
    await pool.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

interface Layer {
  readonly path: string;
  readonly diffId: string;
  readonly bytes: number;
  readonly files: number;
}

async function byWorker(pool: WorkerPool, layer: Layer, targetPath: string): Promise<() => void> {
  const request = { blobPath: layer.path, targetPath, diffId: layer.diffId, limits: defaultLayerLimits() };
  await pool.unpack({ ...request, policy: { deviceNodes: "refuse" } }, new AbortController().signal);
  return () => rmSync(targetPath, { recursive: true });
}

async function byTar(layer: Layer, targetPath: string): Promise<() => void> {
  mkdirSync(targetPath);
  await runCommand("tar", ["-xzf", layer.path, "-C", targetPath]);
  return () => rmSync(targetPath, { recursive: true });
}

/** Seconds that the work takes; what it leaves is deleted and the disk is at rest before and after. */
async function timed(folder: string, work: () => Promise<() => void>): Promise<number> {
  await runCommand("sync", ["--file-system", folder]);
  const startedMs = performance.now();
  const remove = await work();
  const seconds = (performance.now() - startedMs) / 1_000;
  remove();
  return seconds;
}

/** A layer like a language's packages: text that packs to half, files of some kilobytes with a long tail. */
async function makeLayer(path: string, files: number): Promise<Layer> {
  const rng = seededRng(1);
  const words = Array.from({ length: 5_000 }, () => Buffer.from(rng.bytes(3 + rng.below(6))).toString("base64"));
  const pool = Buffer.from(Array.from({ length: 600_000 }, () => words[rng.below(words.length)]).join(" "));
  const hash = createHash("sha256");
  const gzip = createGzip({ level: 6 });
  const written = once(gzip.pipe(createWriteStream(path)), "finish");
  let bytes = 0;
  const add = async (piece: Buffer): Promise<void> => {
    hash.update(piece);
    bytes += piece.length;
    if (!gzip.write(piece)) await once(gzip, "drain");
  };
  for (let at = 0; at < files; at += 1) {
    const folder = `usr/lib/package${at % 60}/module${Math.floor(at / 40)}`;
    if (at % 40 === 0) await add(tarHeader(tarEntry(`usr/lib/package${at % 60}`, "directory")));
    const sizeBytes = Math.floor(Math.min(1_000_000, 4_000 / (rng.float() + 0.004) ** 0.7));
    const start = rng.below(pool.length - sizeBytes);
    await add(tarHeader(tarEntry(`${folder}/file${at}.js`, "file", { sizeBytes, mtimeS: 1_700_000_000 })));
    await add(pool.subarray(start, start + sizeBytes));
    await add(tarPadding(sizeBytes));
  }
  await add(tarEnd());
  gzip.end();
  await written;
  return { path, diffId: `sha256:${hash.digest("hex")}`, bytes, files };
}
