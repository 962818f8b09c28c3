import { withCluster } from "../../cluster.js";
import { runExec } from "../../exec/exec.js";
import { EXEC_AS_FLAGS } from "../../exec/exec-flags.js";
import { EXIT } from "../../exit-codes.js";
import type { Flags, FlagValues } from "../../flags.js";
import type { Shell } from "../../shell.js";
import { usageError } from "../../verb.js";
import { dnsName } from "../translate/names.js";
import { podOfService } from "./containers.js";
import { nameProject, PROJECT_FLAGS } from "./project.js";

/** Flags of `compose exec`. */
export const EXEC_FLAGS = {
  detach: { type: "switch", short: "d", summary: "leave it to itself once it has started; what it writes is lost" },
  noTty: { type: "switch", short: "T", summary: "no terminal; there is one when standard input is one" },
  interactive: { type: "switch", short: "i", default: true, summary: "pass standard input on" },
  tty: { type: "switch", short: "t", default: true, summary: "give the command a terminal" },
  index: { type: "number", value: "NUMBER", min: 1, summary: "which of the service's containers, from 1" },
  ...EXEC_AS_FLAGS,
  ...PROJECT_FLAGS,
} as const satisfies Flags;

/** Runs a command in a container of a service, in a terminal when there is one, as docker does. */
export async function runComposeExec(
  call: {
    readonly flags: FlagValues<typeof EXEC_FLAGS>;
    readonly operands: readonly string[];
    readonly rest: readonly string[] | undefined;
  },
  shell: Shell,
): Promise<number> {
  const { flags, rest = [] } = call;
  const [service] = call.operands;
  if (service === undefined || rest.length === 0)
    throw usageError("name the service and the command: compose exec SERVICE COMMAND");
  const { name, namespace } = await nameProject(shell, flags);
  let pod = "";
  await withCluster(shell, flags, async (cluster) => {
    pod = await podOfService({ shell, cluster, name, namespace }, service, flags.index ?? 1);
    return EXIT.ok;
  });
  const tty = flags.tty && !flags.noTty && shell.stdin.isTerminal;
  const own = { ...flags, namespace, stdin: flags.interactive, tty, container: dnsName(service), quiet: true };
  return runExec({ flags: own, operands: ["pod", pod], rest }, shell);
}
