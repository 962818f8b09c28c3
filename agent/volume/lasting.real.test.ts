import { existsSync, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { localFolder, localVolumesFolder, removeLocalFolder } from "./lasting.js";

let dataDir = "";
beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), "tallship-volumes-"));
});
afterEach(() => rmSync(dataDir, { recursive: true, force: true }));

const local = (path: string, isMade: boolean, fsGroup?: number) =>
  localFolder({ is: "local", name: "v", path, isMade, fsGroup }, dataDir);
const modeOf = (path: string) => (statSync(path).mode & 0o7777).toString(8);

test("a folder is made once, anybody may write, and what is in it stays", () => {
  const path = `${localVolumesFolder(dataDir)}/pvc-1`;
  local(path, true);
  expect(modeOf(path)).toBe("777");
  writeFileSync(`${path}/x`, "kept");
  local(path, true);
  expect(existsSync(`${path}/x`)).toBe(true);
});

test("a group of its own owns the folder and keeps it; the user who owns it stays", () => {
  const path = `${localVolumesFolder(dataDir)}/pvc-1`;
  local(path, true, 1234);
  expect(statSync(path)).toMatchObject({ uid: 0, gid: 1234 });
  expect(modeOf(path)).toBe("2777");
  local(path, true, 1235);
  expect(statSync(path).gid).toBe(1235);
});

test("a folder made by hand must be there", () => {
  expect(() => local(`${dataDir}/none`, false)).toThrow("is no folder");
  mkdirSync(`${dataDir}/disk`);
  local(`${dataDir}/disk`, false);
});

// A volume's path comes from the API: whatever it says, only a folder of Tallship's own is made or removed.
for (const path of ["/etc", "/", "", "..", "../x", "x/y"]) {
  test(`the folder "${path}" is neither made nor removed`, async () => {
    const whole = path.startsWith("/") || path === "" ? path : `${localVolumesFolder(dataDir)}/${path}`;
    expect(() => local(whole, true)).toThrow("is not below");
    await expect(removeLocalFolder(whole, dataDir)).rejects.toThrow("is not below");
  });
}

test("a folder is removed with all that is in it, and twice is once", async () => {
  const path = `${localVolumesFolder(dataDir)}/pvc-1`;
  local(path, true);
  mkdirSync(`${path}/a/b`, { recursive: true });
  await removeLocalFolder(path, dataDir);
  await removeLocalFolder(path, dataDir);
  expect(existsSync(path)).toBe(false);
});
