/** Flags that may stand between `compose` and the subcommand, as docker has them, by every name; all but these take a value. */
const SHORT: Readonly<Record<string, string>> = { "-f": "--file", "-p": "--project-name", "-n": "--namespace" };
const SWITCHES: ReadonlySet<string> = new Set(["--help", "-h", "--compatibility", "--all-resources", "--verbose"]);
/** Flags of `exec` and `run` that take a value. */
const VALUED: ReadonlySet<string> = new Set([
  "--index",
  "--container",
  "-c",
  "--namespace",
  "-n",
  "--file",
  "--project-name",
  "--profile",
  "--env-file",
  "--project-directory",
  "--context",
  "--config",
  "--env",
  "-e",
  "--entrypoint",
  "--user",
  "-u",
  "--workdir",
  "-w",
  "--label",
  "-l",
  "--name",
]);

/**
 * The arguments with the subcommand right after `compose`: docker's flags for the whole project come before it, and a command to run follows
 * without `--`. Other command lines stay as they are.
 */
export function subcommandFirst(args: readonly string[]): readonly string[] {
  if (args[0] !== "compose") return args;
  const moved: string[] = [];
  let at = 1;
  while (at < args.length && args[at]?.startsWith("-") === true) {
    const [name = "", ...value] = (args[at] ?? "").split("=");
    const long = SHORT[name] ?? name;
    at += 1;
    if (value.length > 0) moved.push(`${long}=${value.join("=")}`);
    else if (SWITCHES.has(name)) moved.push(long);
    else {
      moved.push(`${long}=${args[at] ?? ""}`);
      at += 1;
    }
  }
  const [subcommand, ...rest] = args.slice(at);
  if (subcommand === undefined) return ["compose", ...moved];
  const own = subcommand === "exec" || subcommand === "run" ? commandAfterDashes(rest) : rest;
  return ["compose", subcommand, ...moved, ...own];
}

/** Puts `--` before the command: after the flags and the name of the service. */
function commandAfterDashes(args: readonly string[]): readonly string[] {
  if (args.includes("--")) return args;
  let at = 0;
  while (at < args.length && args[at]?.startsWith("-") === true) at += VALUED.has(args[at] ?? "") ? 2 : 1;
  return args.length > at + 1 ? [...args.slice(0, at + 1), "--", ...args.slice(at + 1)] : args;
}
