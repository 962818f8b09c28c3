// Edge: a process that writes into a user namespace's files.
import { spawn } from "node:child_process";
import type { Clock } from "../../lib/clock.js";
import { isErrorCode, TallshipError } from "../../lib/errors.js";
import type { MappedIds } from "../../lib/rooted/mapped-ids.js";
import type { UnpackOrder } from "../../lib/rooted/unpack-tree.js";
import type { ExecInput } from "../../proto/gen/tallship/v1/streams.js";
import { ChildSession } from "../child-session.js";
import { feed } from "./feed.js";

/** How such a process is started. */
export interface Copier {
  /** Words of the program, which runs `runCopy`. */
  readonly command: readonly string[];
  readonly clock: Clock;
}

/** Variable of the environment that the order stands in. */
export const COPY_ORDER = "TALLSHIP_COPY";

/** What it needs to write whatever belongs to whomever, and to reach a container's root through /proc. */
const RIGHTS = ["chown", "dac_override", "dac_read_search", "fowner", "fsetid", "sys_ptrace"];

/**
 * Unpacks what comes in, as a process that is root of a user namespace to the files and has the agent's rights: on a volume whose ids are mapped the kernel lets nobody make a
 * file whose own id the mapping does not know, and that is everybody of the host. Returns what was left out, in words. Throws what the process has failed with.
 */
export async function unpackAs(
  order: UnpackOrder & { readonly ids: MappedIds },
  input: AsyncIterable<ExecInput>,
  { command, clock }: Copier,
): Promise<string> {
  const { first } = order.ids;
  const rights = RIGHTS.map((name) => `+${name}`).join(",");
  const user = ["--reuid", `${first}`, "--regid", `${first}`, "--clear-groups"];
  const words = [...user, `--inh-caps=${rights}`, `--ambient-caps=${rights}`, ...command];
  const env = { ...process.env, [COPY_ORDER]: JSON.stringify(order) };
  const child = spawn("setpriv", words, { stdio: ["pipe", "pipe", "pipe"], cwd: "/", env });
  const session = new ChildSession(child, { clock, operation: "copy", cancelSignal: "SIGKILL" });
  // Who sends may keep its side open until it is answered: only the end of the process is waited for.
  void feed(session, input).catch(() => session.cancel());
  const said = { stdout: "", stderr: "" };
  let exitCode = 0;
  for await (const part of session.output) {
    if (part.is === "exit") exitCode = part.exitCode;
    else said[part.is] = `${said[part.is]}${Buffer.from(part.bytes).toString()}`.slice(0, 10_000);
  }
  if (exitCode !== 0) throw failureIn(said.stderr);
  return said.stdout;
}

/** The failure that the program has told, or what else it said. */
function failureIn(said: string): TallshipError {
  const [, code = "", message = ""] = /^(\w+): (.*)$/m.exec(said) ?? [];
  return isErrorCode(code)
    ? new TallshipError(code, message)
    : new TallshipError("runtime_failed", `copy: ${said.trim()}`);
}
