import { execFileSync } from "node:child_process";
import {
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { silentLog } from "../../lib/log.js";
import { type Launcher, startLauncher } from "../launcher/launcher.js";
import { localFolder, localVolumesFolder, removeLocalFolder } from "./lasting.js";

let dataDir = "";
let launcher: Launcher;
beforeEach(async () => {
  dataDir = mkdtempSync(join(tmpdir(), "tallship-volumes-"));
  launcher = await startLauncher({ dir: `${dataDir}/launcher`, enter: [], log: silentLog });
});
afterEach(async () => {
  await launcher.close();
  rmSync(dataDir, { recursive: true, force: true });
});

const local = (path: string, isMade: boolean, gid?: number, onlyOnMismatch = false) =>
  localFolder(
    { is: "local", name: "v", path, isMade, group: gid === undefined ? undefined : { gid, onlyOnMismatch } },
    { dataDir, launcher },
  );
const modeOf = (path: string) => (statSync(path).mode & 0o7777).toString(8);

test("a folder is made once, anybody may write, and what is in it stays", async () => {
  const path = `${localVolumesFolder(dataDir)}/pvc-1`;
  await local(path, true);
  expect(modeOf(path)).toBe("777");
  writeFileSync(`${path}/x`, "kept");
  await local(path, true);
  expect(existsSync(`${path}/x`)).toBe(true);
});

test("a group of its own owns the folder and keeps it; the user who owns it stays", async () => {
  const path = `${localVolumesFolder(dataDir)}/pvc-1`;
  await local(path, true, 1234);
  expect(statSync(path)).toMatchObject({ uid: 0, gid: 1234 });
  expect(modeOf(path)).toBe("2777");
  await local(path, true, 1235);
  expect(statSync(path).gid).toBe(1235);
});

test("all that is in a group's folder is the group's; no link is followed out of it; names are only names", async () => {
  const path = `${localVolumesFolder(dataDir)}/pvc-1`;
  const outside = `${dataDir}/outside`;
  mkdirSync(`${path}/-deep dir/$(x)`, { recursive: true });
  writeFileSync(`${path}/-deep dir/'file"`, "", { mode: 0o600 });
  writeFileSync(outside, "", { mode: 0o600 });
  symlinkSync(outside, `${path}/link`);
  await local(path, true, 1234);
  expect(statSync(`${path}/-deep dir/$(x)`)).toMatchObject({ uid: 0, gid: 1234 });
  expect(modeOf(`${path}/-deep dir`)).toBe("2775");
  expect(statSync(`${path}/-deep dir/'file"`).gid).toBe(1234);
  expect(modeOf(`${path}/-deep dir/'file"`)).toBe("660");
  expect(lstatSync(`${path}/link`).gid).toBe(1234);
  expect([statSync(outside).gid, modeOf(outside)]).toEqual([0, "600"]);
});

test("with OnRootMismatch a folder that is the group's already is not gone through, and one that is not is", async () => {
  const path = `${localVolumesFolder(dataDir)}/pvc-1`;
  await local(path, true, 1234, true);
  writeFileSync(`${path}/x`, "");
  chownSync(`${path}/x`, 0, 0);
  await local(path, true, 1234, true);
  expect(statSync(`${path}/x`).gid).toBe(0);
  await local(path, true, 1235, true);
  expect(statSync(`${path}/x`).gid).toBe(1235);
  writeFileSync(`${path}/y`, "");
  chownSync(`${path}/y`, 0, 0);
  await local(path, true, 1235, false);
  expect(statSync(`${path}/y`).gid).toBe(1235);
});

test("a folder made by hand must be there", async () => {
  await expect(local(`${dataDir}/none`, false)).rejects.toThrow("is no folder");
  mkdirSync(`${dataDir}/disk`);
  await local(`${dataDir}/disk`, false);
});

// A volume's path comes from the API: whatever it says, only a folder of Tallship's own is made or removed.
for (const path of ["/etc", "/", "", "..", "../x", "x/y"]) {
  test(`the folder "${path}" is neither made nor removed`, async () => {
    const whole = path.startsWith("/") || path === "" ? path : `${localVolumesFolder(dataDir)}/${path}`;
    await expect(local(whole, true)).rejects.toThrow("is not below");
    await expect(removeLocalFolder(whole, { dataDir, launcher })).rejects.toThrow("is not below");
  });
}

test("what is mounted in a folder, however deep, is let go and not removed with it", async () => {
  const path = `${localVolumesFolder(dataDir)}/pvc-1`;
  const outside = `${dataDir}/outside`;
  mkdirSync(`${outside}/deep`, { recursive: true });
  writeFileSync(`${outside}/kept`, "");
  await local(path, true);
  const place = `${path}/a b\\c/$(x)`;
  mkdirSync(place, { recursive: true });
  execFileSync("mount", ["--bind", outside, place]);
  execFileSync("mount", ["-t", "tmpfs", "tmpfs", `${place}/deep`]);
  await removeLocalFolder(path, { dataDir, launcher });
  expect(existsSync(path)).toBe(false);
  expect(existsSync(`${outside}/kept`)).toBe(true);
});

test("a folder is removed with all that is in it, and twice is once", async () => {
  const path = `${localVolumesFolder(dataDir)}/pvc-1`;
  await local(path, true);
  mkdirSync(`${path}/a/b`, { recursive: true });
  await removeLocalFolder(path, { dataDir, launcher });
  await removeLocalFolder(path, { dataDir, launcher });
  expect(existsSync(path)).toBe(false);
});
