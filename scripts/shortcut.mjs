// Compiles net/shortcut/shortcut.bpf.c. Only who changes that file needs this, and clang and libbpf's headers: the result is committed, with the digest of what it was made from.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const folder = join(dirname(dirname(fileURLToPath(import.meta.url))), "net/shortcut");
const source = join(folder, "shortcut.bpf.c");
const object = join(folder, "shortcut.bpf.o");

function run(command, args) {
  const { status, error } = spawnSync(command, args, { stdio: "inherit" });
  if (status === 0) return;
  console.error(
    `shortcut: ${command} failed (${error?.message ?? `exit ${status}`}); Debian has it in: clang llvm libbpf-dev`,
  );
  process.exit(1);
}

const flags = ["-O2", "-g", "-Wall", "-Werror", "-Wno-address-of-packed-member", "-target", "bpf"];
run("clang", [
  ...flags,
  `-I/usr/include/${process.arch === "arm64" ? "aarch64" : "x86_64"}-linux-gnu`,
  "-c",
  source,
  "-o",
  object,
]);
run("llvm-strip", ["-g", "--remove-section=.BTF.ext", "--remove-section=.rel.BTF.ext", object]);
writeFileSync(`${source}.sha256`, `${createHash("sha256").update(readFileSync(source)).digest("hex")}\n`);
