import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { silentLog } from "../../lib/log.js";
import { Pod } from "../../proto/gen/tallship/v1/pod.js";
import { type Launcher, startLauncher } from "../launcher/launcher.js";
import { measureStorage } from "./measure-storage.js";

const undo: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const one of undo.splice(0).reverse()) await one();
});

async function place(): Promise<{ readonly dataDir: string; readonly launcher: Launcher }> {
  const dataDir = mkdtempSync(join(tmpdir(), "storage-"));
  undo.push(() => rmSync(dataDir, { recursive: true, force: true }));
  const launcher = await startLauncher({ dir: join(dataDir, "launcher"), enter: [], log: silentLog });
  undo.push(() => launcher.close());
  return { dataDir, launcher };
}

function fill(path: string, bytes: number): void {
  mkdirSync(join(path, ".."), { recursive: true });
  writeFileSync(path, Buffer.alloc(bytes, 1));
}

test("what a pod wrote over its images, its logs and its emptyDirs are measured, each for whom it is; other pods' are not", async () => {
  const { dataDir, launcher } = await place();
  const pod = Pod.fromPartial({
    metadata: { uid: "u1", name: "p" },
    spec: {
      containers: [{ name: "main" }, { name: "side" }],
      volumes: [
        { name: "cache", emptyDir: {} },
        { name: "shm", emptyDir: { medium: "Memory" } },
      ],
    },
  });
  fill(join(dataDir, "rootfs/u1_main_0/upper/tmp/big"), 1_000_000);
  fill(join(dataDir, "rootfs/u1_main_1/upper/big"), 500_000);
  fill(join(dataDir, "rootfs/u2_main_0/upper/big"), 9_000_000);
  fill(join(dataDir, "logs/u1/side/0.log"), 200_000);
  fill(join(dataDir, "pods/u1/volumes/cache/a file\nwith a name"), 300_000);
  fill(join(dataDir, "pods/u1/volumes/shm/x"), 300_000);
  const rootFs = { name: "overlayfs", list: async () => ["u1_main_0", "u1_main_1", "u2_main_0"] } as const;
  const measure = measureStorage({ dataDir, rootFs, launcher });
  const bytes = (await measure([pod], "bytes")).get("u1");
  const inodes = (await measure([pod], "inodes")).get("u1");
  const near = (found: number | undefined, want: number) => expect((found ?? 0) / want).toBeCloseTo(1, 1);
  near(bytes?.byContainer.get("main"), 1_500_000);
  near(bytes?.byContainer.get("side"), 200_000);
  near(bytes?.byVolume.get("cache"), 300_000);
  expect([...(bytes?.byVolume.keys() ?? [])]).toEqual(["cache"]);
  expect(inodes?.byContainer.get("main")).toBe(5);
});
