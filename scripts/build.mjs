// Generates code from proto/ and bundles the programs into dist/. Does only what is out of date; `--force` does it all.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { basename, dirname, join, relative } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const force = process.argv.includes("--force");
const protoOnly = process.argv.includes("--proto");

/** Every file below a folder that a test accepts, sorted. */
function filesBelow(folder, accept) {
  const skipped = new Set(["node_modules", "gen", "dist", ".git", "coverage"]);
  return readdirSync(folder, { withFileTypes: true })
    .filter((entry) => !skipped.has(entry.name))
    .flatMap((entry) => {
      const path = join(folder, entry.name);
      if (entry.isDirectory()) return filesBelow(path, accept);
      return accept(path) ? [path] : [];
    })
    .sort();
}

/** Runs a step when the digest of its inputs differs from the one its last run left behind. */
async function step(name, inputs, output, run) {
  const hash = createHash("sha256").update(readFileSync(fileURLToPath(import.meta.url)));
  for (const file of inputs) hash.update(relative(root, file)).update(readFileSync(file));
  const digest = hash.digest("hex");
  const stamp = join(output, `.stamp-${name}`);
  if (!force && existsSync(stamp) && readFileSync(stamp, "utf8") === digest) return;
  const startedAt = performance.now();
  await run();
  mkdirSync(output, { recursive: true });
  writeFileSync(stamp, digest);
  console.error(`build: ${name} in ${Math.round(performance.now() - startedAt)} ms`);
}

/** TypeScript from the schema by buf and ts-proto, and the schema as JSON for the codec. */
async function generate() {
  const protoDir = join(root, "proto");
  rmSync(join(protoDir, "gen"), { recursive: true, force: true });
  const buf = spawnSync(join(root, "node_modules/.bin/buf"), ["generate"], { cwd: protoDir, stdio: "inherit" });
  if (buf.status !== 0) throw new Error("buf generate failed");
  const { default: protobuf } = await import("protobufjs");
  const schema = new protobuf.Root();
  schema.resolvePath = (_origin, target) =>
    target.startsWith("google/")
      ? join(root, "node_modules/protobufjs", target)
      : target.startsWith("/")
        ? target
        : join(protoDir, target);
  const sources = filesBelow(join(protoDir, "tallship"), (path) => path.endsWith(".proto"));
  await schema.load(sources, { keepCase: true, alternateCommentMode: true });
  schema.resolveAll();
  const tree = schema.toJSON({ keepComments: true });
  const kept = tree.nested.tallship;
  rmSync(join(protoDir, "gen/google"), { recursive: true, force: true });
  writeFileSync(join(protoDir, "gen/schema-docs.json"), JSON.stringify(kept));
  writeFileSync(
    join(protoDir, "gen/schema.json"),
    JSON.stringify(kept, (key, value) => (key === "comment" ? undefined : value)),
  );
}

/**
 * etcd3 reads its schema from beside its own file when it is loaded, which a bundle has not: the schema is put in its place, parsed,
 * which also saves the parser at each start.
 */
const etcd3Schema = {
  name: "etcd3-schema",
  setup(build) {
    build.onLoad({ filter: /etcd3[/\\]lib[/\\]connection-pool\.js$/ }, async ({ path }) => {
      const { default: protobuf } = await import("protobufjs");
      const schema = new protobuf.Root();
      const folder = join(dirname(path), "../proto");
      schema.resolvePath = (_origin, target) => (target.startsWith("/") ? target : join(folder, target));
      await schema.load("rpc.proto", { keepCase: true });
      const call = /loadSync\)\(`\$\{__dirname\}\/\.\.\/proto\/rpc\.proto`,/;
      const source = readFileSync(path, "utf8");
      if (!call.test(source)) throw new Error(`${path}: no call that reads the schema`);
      return { contents: source.replace(call, () => `fromJSON)(${JSON.stringify(schema.toJSON())},`), loader: "js" };
    });
  },
};

/** One bundle per program in bin/, sharing chunks, loaded lazily. */
async function bundle() {
  const { build } = await import("esbuild");
  rmSync(join(root, "dist"), { recursive: true, force: true });
  // tsctl must start fast and is bundled apart.
  const programs = filesBelow(join(root, "bin"), (path) => path.endsWith(".ts") && basename(path) !== "tsctl.ts");
  const entryPoints = [
    ...programs.map((path) => ({ in: path, out: basename(path, ".ts") })),
    { in: join(root, "bench/main.ts"), out: "bench" },
    { in: join(root, "cli/code-cache/warm.ts"), out: "warm-tsctl" },
  ];
  const commit = spawnSync("git", ["rev-parse", "--short=12", "HEAD"], { cwd: root, encoding: "utf8" });
  const shared = {
    bundle: true,
    platform: "node",
    target: "node20",
    minifySyntax: true,
    sourcemap: "linked",
    logLevel: "warning",
    plugins: [etcd3Schema],
    define: { BUILD_COMMIT: JSON.stringify(commit.stdout?.trim() || "unknown") },
  };
  await bundleTsctl(build, shared);
  copyFileSync(join(root, "net/shortcut/shortcut.bpf.o"), join(root, "dist/shortcut.bpf.o"));
  await build({
    ...shared,
    entryPoints,
    outdir: join(root, "dist"),
    splitting: true,
    format: "esm",
    // Benches bundle programs of their own at run time; esbuild looks for its binary beside itself.
    external: ["esbuild"],
    banner: {
      js: 'import { createRequire as __createRequire } from "node:module"; const require = __createRequire(import.meta.url);',
    },
  });
}

/** tsctl in one file, whose modules still run only when they are asked for, so that one code cache holds them all. */
async function bundleTsctl(build, shared) {
  const entry = join(root, "bin/tsctl.ts");
  const outfile = join(root, "dist/tsctl.cjs");
  await build({ ...shared, entryPoints: [entry], outfile, format: "cjs", minifyWhitespace: true });
}

/** Lets tsctl run once, so that V8's work on it is kept. Without the cache it runs as well, more slowly. */
async function warmTsctl() {
  const program = pathToFileURL(join(root, "dist/warm-tsctl.js")).href;
  const script = `import { warm } from ${JSON.stringify(program)}; await warm(${JSON.stringify(join(root, "bin/tsctl"))});`;
  const { status } = spawnSync(process.execPath, ["--input-type=module", "-e", script], {
    stdio: "inherit",
    timeout: 60_000,
  });
  if (status !== 0) console.error("build: tsctl has no code cache and starts more slowly");
}

const protoInputs = [...filesBelow(join(root, "proto"), (path) => /\.(proto|ya?ml)$/.test(path))];
await step("proto", protoInputs, join(root, "proto/gen"), generate);
if (!protoOnly) {
  const sources = filesBelow(
    root,
    (path) => /\.(ts|json|bpf\.o)$/.test(path) && !/\.test\.ts$/.test(path) && statSync(path).size < 2_000_000,
  );
  await step("bundle", [...protoInputs, ...sources], join(root, "dist"), async () => {
    await bundle();
    await warmTsctl();
  });
}
