import { type ChildProcess, execFile, spawn } from "node:child_process";
import { openSync } from "node:fs";

/** What a command printed and how it ended. */
export interface CommandResult {
  readonly stdout: string;
  readonly stderr: string;
  readonly exitCode: number;
}

/** Runs a command to its end, or until the signal ends it; a failure to start counts as exit code 127. */
export function tryRun(
  command: string,
  args: readonly string[],
  options: { readonly input?: string; readonly env?: NodeJS.ProcessEnv; readonly signal?: AbortSignal } = {},
): Promise<CommandResult> {
  return new Promise((resolve) => {
    const child = execFile(
      command,
      args,
      { encoding: "utf8", maxBuffer: 256 << 20, env: options.env ?? process.env, signal: options.signal },
      (error, stdout, stderr) => {
        const exitCode = error === null ? 0 : typeof error.code === "number" ? error.code : 127;
        resolve({ stdout, stderr: stderr || (exitCode === 127 ? (error?.message ?? "") : ""), exitCode });
      },
    );
    if (options.input !== undefined) child.stdin?.end(options.input);
  });
}

/** Runs a command to its end and returns what it printed; throws with its error output when it fails. */
export async function run(
  command: string,
  args: readonly string[],
  options: { readonly input?: string } = {},
): Promise<string> {
  const { stdout, stderr, exitCode } = await tryRun(command, args, options);
  if (exitCode !== 0)
    throw new Error(`${command} ${args.join(" ")}: exit ${exitCode}: ${stderr.trim() || stdout.trim()}`);
  return stdout;
}

/** Starts a process that outlives this one; its output goes to a file. */
export function startDetached(command: string, args: readonly string[], logFile: string): ChildProcess {
  const log = openSync(logFile, "a");
  const child = spawn(command, args, { detached: true, stdio: ["ignore", log, log] });
  child.unref();
  return child;
}
