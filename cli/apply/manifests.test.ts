import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { openTsctlBench, type TsctlBench } from "../../test/kit/tsctl-bench.js";

// The examples, and kustomizations and compose files made of the constructs of well-known projects: each is taken whole, with nothing to be told.
const root = join(import.meta.dirname, "../..");

let bench: TsctlBench;
afterEach(() => bench.close());

async function openWith(folder: string): Promise<void> {
  bench = await openTsctlBench();
  for (const path of readdirSync(join(root, folder), { recursive: true, encoding: "utf8" }))
    if (statSync(join(root, folder, path)).isFile())
      bench.files.set(`${folder}/${path}`, readFileSync(join(root, folder, path), "utf8"));
}

const applied = [
  ...readdirSync(join(root, "manifests")).map((name) => ({ folder: "manifests", line: `-f manifests/${name}` })),
  { folder: "cli/kustomize/testdata", line: "-k cli/kustomize/testdata/web/dev" },
  { folder: "cli/kustomize/testdata", line: "-k cli/kustomize/testdata/visitors" },
];

for (const { folder, line } of applied) {
  test(`apply ${line} is taken as it is, on the server too, and changes nothing when it is applied again`, async () => {
    await openWith(folder);
    const words = line.split(" ");
    const dry = await bench.run(["apply", ...words, "--dry-run=server"]);
    expect(dry).toMatchObject({ code: 0 });
    expect(dry.err.replace(/^warning: .*: accepted, not enforced: .*\n/gm, "")).toBe("");
    expect(await bench.run(["apply", ...words])).toMatchObject({ code: 0 });
    const again = await bench.run(["apply", ...words]);
    expect(again.code).toBe(0);
    expect(
      again.out
        .trim()
        .split("\n")
        .filter((told) => !told.endsWith(" unchanged")),
    ).toEqual([]);
  });
}
