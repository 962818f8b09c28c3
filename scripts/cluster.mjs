// Sets up, then hands its words to bin/testbed: `npm run cluster -- up`.
import { spawnSync } from "node:child_process";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const setup = spawnSync(process.execPath, [join(root, "scripts/setup.mjs")], { cwd: root, stdio: "inherit" });
if (setup.status !== 0) process.exit(1);
const { status } = spawnSync(process.execPath, [join(root, "bin/testbed"), ...process.argv.slice(2)], {
  stdio: "inherit",
});
process.exit(status ?? 1);
