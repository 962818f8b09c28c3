import { readFileSync } from "node:fs";
import { dialerOf } from "../../cli/dial.js";
import { main } from "../../cli/main.js";
import { systemClock } from "../../lib/system-clock.js";
import type { Dialer } from "../../lib/transport/service.js";
import { CONFIG_PATH, FakeShell } from "../kit/fake-shell.js";
import type { CommandResult } from "../kit/shell.js";

/** Commands that look: what tests ask again and again until it is so. */
const LOOKS: ReadonlySet<string> = new Set(["get", "describe", "events", "logs", "why", "top", "net", "exec"]);
/** Flags with which they do not end by themselves, want input, or look elsewhere. */
const MORE: ReadonlySet<string> = new Set(["-w", "--watch", "-f", "--follow", "-i", "-it", "--stdin", "--config"]);

/** A dialer for each certificate that was shown: reading one takes longer than most answers. */
const dialers = new Map<string, Dialer>();

/**
 * Runs a command of tsctl that only looks by tsctl's own code in this process: what it would print, and how it would end. A process for each
 * look would take the better part of the machine from the clusters that are waited for.
 */
export function lookHere(args: readonly string[], configPath: string): Promise<CommandResult> | undefined {
  const [verb = "", ...words] = args;
  const own = words.slice(0, words.includes("--") ? words.indexOf("--") : undefined);
  if (!LOOKS.has(verb) || own.some((word) => MORE.has(word.split("=")[0] ?? ""))) return undefined;
  return run(args, readFileSync(configPath, "utf8"));
}

async function run(args: readonly string[], contextFile: string): Promise<CommandResult> {
  const world = new FakeShell(new Map([[CONFIG_PATH, contextFile]]), {});
  const exitCode = await main(args, {
    ...world.shell(),
    clock: systemClock,
    dialer: async (context) => {
      const dialer = dialers.get(context.cert) ?? dialerOf(context);
      dialers.set(context.cert, dialer);
      return dialer;
    },
  });
  return { exitCode, stdout: world.out, stderr: world.err };
}
