import { execFileSync } from "node:child_process";
import {
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { silentLog } from "../../lib/log.js";
import type { RootFs } from "../image/images.js";
import { type Launcher, startLauncher } from "../launcher/launcher.js";
import { VolumeFiller } from "./fill.js";

let folder = "";
let launcher: Launcher;
let filler: VolumeFiller;
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "tallship-fill-"));
  // Overlays do not stand on overlays.
  execFileSync("mount", ["-t", "tmpfs", "tmpfs", folder]);
  launcher = await startLauncher({ dir: `${folder}/launcher`, enter: [], log: silentLog });
  filler = new VolumeFiller(launcher);
  for (const name of ["lower/app/site/deep", "root/upper", "root/work", "root/merged", "volume"])
    mkdirSync(`${folder}/${name}`, { recursive: true });
  writeFileSync(`${folder}/lower/app/site/deep/page`, "hello");
  symlinkSync("deep/page", `${folder}/lower/app/site/link`);
  chownSync(`${folder}/lower/app/site`, 101, 102);
});
afterEach(async () => {
  await launcher.close();
  execFileSync("umount", ["-l", folder]);
  rmSync(folder, { recursive: true, force: true });
});

const root = (): RootFs => ({
  path: `${folder}/root/merged`,
  mount: {
    type: "overlay",
    source: "overlay",
    options: "lowerdir=../lower,upperdir=upper,workdir=work",
    cwd: `${folder}/root`,
  },
});
const fill = (containerPath: string) => filler.fill({ volumePath: `${folder}/volume`, root: root(), containerPath });

test("an empty volume gets what the image has in its place, owner and links as they are, and nothing stays mounted", async () => {
  await fill("/app/site");
  expect(readdirSync(`${folder}/volume`)).toEqual(["deep", "link"]);
  expect(readFileSync(`${folder}/volume/link`, "utf8")).toBe("hello");
  expect(statSync(`${folder}/volume`)).toMatchObject({ uid: 101, gid: 102 });
  expect(readdirSync(folder)).not.toContain("volume.filling");
  expect(readFileSync("/proc/self/mountinfo", "utf8")).not.toContain(`${folder}/root/merged`);
});

test("a volume that holds anything stays as it is", async () => {
  writeFileSync(`${folder}/volume/mine`, "");
  await fill("/app/site");
  expect(readdirSync(`${folder}/volume`)).toEqual(["mine"]);
  expect(statSync(`${folder}/volume`).uid).toBe(0);
});

test("a place that the image does not have, a file, or one behind a link or above the root leaves the volume empty", async () => {
  symlinkSync("/etc", `${folder}/lower/app/escape`);
  for (const path of ["/nowhere", "/app/site/deep/page", "/app/escape", "/app/escape/ssl", "/../../.."])
    await fill(path);
  expect(readdirSync(`${folder}/volume`)).toEqual([]);
});

test("a fill that was broken off while it copied begins anew; one that was moving goes on", async () => {
  mkdirSync(`${folder}/volume.filling/copy`, { recursive: true });
  writeFileSync(`${folder}/volume.filling/copy/half`, "");
  await fill("/app/site");
  expect(readdirSync(`${folder}/volume`)).toEqual(["deep", "link"]);
  mkdirSync(`${folder}/volume.filling/ready`, { recursive: true });
  writeFileSync(`${folder}/volume.filling/ready/rest`, "");
  await fill("/app/site");
  expect(readdirSync(`${folder}/volume`)).toEqual(["deep", "link", "rest"]);
});

test("two fills of one volume at once are one after the other: the second finds it filled", async () => {
  mkdirSync(`${folder}/lower/other`);
  writeFileSync(`${folder}/lower/other/file`, "");
  await Promise.all([fill("/app/site"), fill("/other")]);
  expect(readdirSync(`${folder}/volume`)).toEqual(["deep", "link"]);
});

test("what is mounted in the volume's place already is left alone", async () => {
  execFileSync("mount", ["-t", "tmpfs", "tmpfs", `${folder}/volume`]);
  await fill("/app/site");
  expect(existsSync(`${folder}/volume/deep`)).toBe(false);
  execFileSync("umount", [`${folder}/volume`]);
});
