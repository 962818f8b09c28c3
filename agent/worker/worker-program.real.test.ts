import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { workerOf } from "./worker-program.js";

test("a daemon's worker is its own bundle, however the daemon was called", () => {
  const folder = mkdtempSync(join(tmpdir(), "tallship-program-"));
  for (const name of ["bin", "dist"]) mkdirSync(join(folder, name));
  writeFileSync(join(folder, "bin/tallshipd"), "");
  symlinkSync(join(folder, "bin/tallshipd"), join(folder, "link"));
  expect(workerOf(join(folder, "link"))).toBeUndefined();
  writeFileSync(join(folder, "dist/tallshipd.js"), "");
  const want = {
    command: [process.execPath, join(folder, "dist/tallshipd.js"), "worker"],
    folders: [join(folder, "dist")],
  };
  for (const path of ["link", "bin/tallshipd", "dist/tallshipd.js"]) expect(workerOf(join(folder, path))).toEqual(want);
  expect(workerOf(join(folder, "missing"))).toBeUndefined();
  rmSync(folder, { recursive: true });
});
