import { closest } from "../kinds/suggest.js";
import { asTallshipError, type TallshipError } from "../lib/errors.js";
import { subcommandFirst } from "./compose/command/args.js";
import { EXIT, exitCodeOf } from "./exit-codes.js";
import type { Flags } from "./flags.js";
import { safeText } from "./safe-text.js";
import type { Shell } from "./shell.js";
import { type AnyVerb, isToldAlready, isUsageError, usageError, type VerbRow } from "./verb.js";
import { VERBS } from "./verbs/index.js";

/** Runs one command line; returns the exit code. Whatever goes wrong is told once, on standard error. */
export async function main(line: readonly string[], shell: Shell): Promise<number> {
  const args = subcommandFirst(line);
  let name = "";
  try {
    const found = findVerb(args);
    if (found === undefined) return await help(args, shell);
    name = found.row.name;
    return await runVerb(await found.row.load(), found.args, { name, shell });
  } catch (failure) {
    return report(asTallshipError(failure), name, shell);
  }
}

async function runVerb(
  verb: AnyVerb,
  args: readonly string[],
  at: { readonly name: string; readonly shell: Shell },
): Promise<number> {
  const { parse } = await import("./parse.js");
  const isCommandLast = verb.commandFollows?.(args) === true;
  if (asksForHelp(args, verb.flags, isCommandLast)) {
    const { verbHelp } = await import("./help.js");
    await at.shell.stdout.write(verbHelp(at.name, verb));
    return EXIT.ok;
  }
  const call = parse(verb.readsNothing ? [] : args, verb.flags, isCommandLast, verb.instead);
  if (verb.operands === "none" && call.operands.length > 0) throw usageError(`unexpected "${call.operands[0]}"`);
  if (call.rest !== undefined && verb.takesCommand !== true) throw usageError("nothing can follow --");
  return verb.run(call, at.shell, VERBS);
}

/** A command's own flags ask nothing of this program. */
function asksForHelp(args: readonly string[], flags: Flags, isCommandLast: boolean): boolean {
  const end = args.indexOf("--");
  const own = isCommandLast ? args.slice(0, 1) : end === -1 ? args : args.slice(0, end);
  // Where -h is a flag with a value, as docker's run has it, alone it still asks for help.
  const isFlag = Object.values(flags).some(({ short }) => short === "h");
  return own.includes("--help") || (own.includes("-h") && (!isFlag || args.length === 1));
}

/** The verb whose name, of one word or two, the arguments start with. */
function findVerb(args: readonly string[]): { readonly row: VerbRow; readonly args: readonly string[] } | undefined {
  for (const words of [2, 1]) {
    const name = args.slice(0, words).join(" ");
    const row = VERBS.find((entry) => entry.name === name || entry.aliases?.includes(name) === true);
    if (row !== undefined) return { row, args: args.slice(words) };
  }
  return undefined;
}

/** `tsctl`, `tsctl help [VERB]`, a group without its second word, or a word that is no verb. */
async function help(args: readonly string[], shell: Shell): Promise<number> {
  const { groupHelp, overview, verbHelp } = await import("./help.js");
  const [first = "help", ...rest] = args.filter((arg) => arg !== "--help" && arg !== "-h");
  const topic = first === "help" ? rest.join(" ") : first;
  const row = VERBS.find(({ name, aliases = [] }) => name === topic || aliases.includes(topic));
  if (row !== undefined) {
    await shell.stdout.write(verbHelp(row.name, await row.load()));
    return EXIT.ok;
  }
  const isGroup = VERBS.some(({ name }) => name.startsWith(`${topic} `));
  const isAsked = first === "help" || args.length === 0 || args.includes("--help") || args.includes("-h");
  if (topic === "" || isGroup) {
    const text = topic === "" ? overview() : groupHelp(topic);
    await (isAsked ? shell.stdout : shell.stderr).write(text);
    return isAsked ? EXIT.ok : EXIT.usage;
  }
  const near = closest(
    topic,
    VERBS.map(({ name }) => name),
  );
  throw usageError(`unknown command "${topic}"${near === undefined ? "" : `, did you mean "${near}"?`}`);
}

async function report(error: TallshipError, name: string, shell: Shell): Promise<number> {
  // The user has interrupted and knows it.
  if (error.code === "cancelled" && shell.signal.aborted) return EXIT.interrupted;
  if (isToldAlready(error)) return exitCodeOf(error);
  const hint = isUsageError(error) ? `run "tsctl help${name === "" ? "" : ` ${name}`}" for its use\n` : "";
  await shell.stderr.write(`error: ${safeText(error.message)}\n${hint}`);
  return exitCodeOf(error);
}
