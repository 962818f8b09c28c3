// Edge: bundles a module for a process of its own.
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { build } from "esbuild";
import { ROOT } from "./root.js";

/** A bundled program. */
export interface BundledProgram {
  readonly folder: string;
  /** To be run by Node. */
  readonly path: string;
}

/** Bundles a program of a few lines that imports from the project's root, so that Node can run it. The caller deletes the folder. */
export async function bundleProgram(source: string): Promise<BundledProgram> {
  const folder = mkdtempSync(join(tmpdir(), "tallship-bundle-"));
  const path = join(folder, "program.mjs");
  await build({
    stdin: { contents: source, resolveDir: ROOT, loader: "ts" },
    outfile: path,
    bundle: true,
    format: "esm",
    platform: "node",
    target: "node20",
    logLevel: "error",
    banner: {
      js: 'import { createRequire as __createRequire } from "node:module"; const require = __createRequire(import.meta.url);',
    },
  });
  return { folder, path };
}
