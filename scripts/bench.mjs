// Sets up, then runs one bench: `npm run bench -- NAME [--quick]`; without a name it lists them.
import { spawnSync } from "node:child_process";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const setup = spawnSync(process.execPath, [join(root, "scripts/setup.mjs")], { cwd: root, stdio: ["ignore", 2, 2] });
if (setup.status !== 0) process.exit(1);
const { status } = spawnSync(process.execPath, [join(root, "dist/bench.js"), ...process.argv.slice(2)], {
  stdio: "inherit",
});
process.exit(status ?? 1);
