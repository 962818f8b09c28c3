// Edge: the user's editor and the file that it opens.
import { spawn } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { asTallshipError, TallshipError } from "../lib/errors.js";

const VARIABLES = ["TSCTL_EDITOR", "KUBE_EDITOR", "VISUAL", "EDITOR"] as const;

/** Opens a text in the editor that the environment names, else vi, in a folder that only the user can read. */
export async function openEditor(
  text: string,
  given: string | undefined,
): Promise<{ readonly path: string; readonly text: string }> {
  try {
    const path = given ?? join(await mkdtemp(join(tmpdir(), "tsctl-edit-")), "edit.yaml");
    await writeFile(path, text, { mode: 0o600 });
    await runEditor(path);
    return { path, text: await readFile(path, "utf8") };
  } catch (error) {
    throw asTallshipError(error, "disk_failed");
  }
}

/** Removes the file and its folder. */
export async function discardFile(path: string): Promise<void> {
  await rm(dirname(path), { recursive: true, force: true });
}

/** The command may have arguments, as in "code --wait"; the shell splits them. */
async function runEditor(path: string): Promise<void> {
  const command =
    VARIABLES.map((name) => process.env[name]).find((value) => value !== undefined && value !== "") ?? "vi";
  const child = spawn("/bin/sh", ["-c", `${command} "$1"`, "sh", path], { stdio: "inherit" });
  const code = await new Promise<number | null>((resolve, reject) => {
    child.on("error", reject);
    child.on("exit", resolve);
  });
  if (code !== 0)
    throw new TallshipError(
      "failed_precondition",
      `edit: ${command} ended with ${code ?? "a signal"}; your text is in ${path}, set EDITOR to use another editor`,
    );
}
