// Types, lint and format of the whole tree; what fails here does not land. `--fix` mends what can be mended.
import { spawnSync } from "node:child_process";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const fix = process.argv.includes("--fix");
const steps = [
  ["node", ["scripts/build.mjs", "--proto"]],
  ["node_modules/.bin/biome", ["check", ...(fix ? ["--write"] : []), "--max-diagnostics=100", "."]],
  ["node_modules/.bin/tsc", ["-p", "."]],
];
let failed = false;
for (const [command, args] of steps) {
  const { status } = spawnSync(command, args, { cwd: root, stdio: "inherit" });
  if (status !== 0) failed = true;
}
process.exit(failed ? 1 : 0);
