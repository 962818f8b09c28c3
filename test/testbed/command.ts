import { spawn } from "node:child_process";
import { once } from "node:events";
import { parseArgs } from "node:util";
import { onHost } from "./host.js";
import type { Direction } from "./layout.js";
import { DAEMONS } from "./processes.js";
import { DUAL_STACK, Testbed } from "./testbed.js";

const USAGE = `testbed: several hosts on this machine, for the demo, tests and people

  testbed up [--hosts N] [--control-planes M] [--name X] [--bare] [--dual-stack]
  testbed env                                 prints TSCTL_CONFIG=… for eval
  testbed exec HOST -- COMMAND…
  testbed host HOST poweroff|start|freeze|thaw
  testbed link HOST cut|heal [--peer HOST] [--direction in|out]
  testbed process HOST ${DAEMONS.join("|")} kill|stop|cont|start
  testbed registry push ARCHIVE NAME:TAG
  testbed down

  every command takes --name X (default: tallship)
`;

/** Runs one command of `testbed`; returns the exit code. */
export async function runTestbedCommand(args: readonly string[]): Promise<number> {
  const cut = args.indexOf("--");
  const command = cut < 0 ? [] : args.slice(cut + 1);
  try {
    const { values, positionals } = parseArgs({
      args: args.slice(0, cut < 0 ? undefined : cut),
      allowPositionals: true,
      options: {
        name: { type: "string", default: "tallship" },
        hosts: { type: "string", default: "3" },
        "control-planes": { type: "string", default: "1" },
        peer: { type: "string" },
        direction: { type: "string", default: "both" },
        bare: { type: "boolean", default: false },
        "dual-stack": { type: "boolean", default: false },
      },
    });
    return await dispatch(positionals, { ...values, command });
  } catch (error) {
    console.error(`testbed: ${error instanceof Error ? error.message : error}`);
    return 1;
  }
}

interface Options {
  readonly name: string;
  readonly hosts: string;
  readonly "control-planes": string;
  readonly peer?: string | undefined;
  readonly direction: string;
  readonly bare: boolean;
  readonly "dual-stack": boolean;
  readonly command: readonly string[];
}

async function dispatch(words: readonly string[], options: Options): Promise<number> {
  const [verb, first = "", second = "", third = ""] = words;
  if (verb === "up") return up(options);
  if (verb === undefined || verb === "help") {
    console.log(USAGE);
    return verb === undefined ? 2 : 0;
  }
  const testbed = Testbed.open(options.name);
  switch (verb) {
    case "env":
      // Two lines, so that `eval` and a script that looks for the variable both find it.
      console.log(`TSCTL_CONFIG=${testbed.configPath}\nexport TSCTL_CONFIG`);
      return 0;
    case "exec":
      return interactive(testbed, first, options.command);
    case "host":
      await testbed.power(first, oneOf(second, ["poweroff", "start", "freeze", "thaw"]));
      return 0;
    case "link":
      return link(testbed, first, second, options);
    case "process":
      await testbed.process(first, oneOf(second, DAEMONS), oneOf(third, ["kill", "stop", "cont", "start"]));
      return 0;
    case "registry":
      oneOf(first, ["push"]);
      await testbed.push(second, third);
      return 0;
    case "down":
      await testbed.down();
      return 0;
    default:
      throw new Error(`unknown command ${verb}\n\n${USAGE}`);
  }
}

async function up(options: Options): Promise<number> {
  const startedAt = performance.now();
  const testbed = await Testbed.up({
    name: options.name,
    hostCount: Number(options.hosts),
    controlPlaneCount: Number(options["control-planes"]),
    isBare: options.bare,
    initWords: options["dual-stack"] ? DUAL_STACK : [],
    report: (line) => console.error(line),
  });
  console.error(`testbed ${options.name} is up in ${((performance.now() - startedAt) / 1000).toFixed(1)} s; next:`);
  console.log(`export TSCTL_CONFIG=${testbed.configPath}`);
  return 0;
}

async function link(testbed: Testbed, host: string, action: string, options: Options): Promise<number> {
  const peer = options.peer === undefined ? {} : { peer: options.peer };
  const direction: Direction = oneOf(options.direction, ["in", "out", "both"]);
  if (oneOf(action, ["cut", "heal"]) === "cut") await testbed.cut(host, { ...peer, direction });
  else await testbed.heal(host, peer);
  return 0;
}

async function interactive(testbed: Testbed, host: string, command: readonly string[]): Promise<number> {
  const [first = "sh", ...rest] = onHost(testbed.layout, testbed.host(host), command.length > 0 ? command : ["sh"]);
  const child = spawn(first, rest, { stdio: "inherit" });
  const [exitCode] = await once(child, "exit");
  return typeof exitCode === "number" ? exitCode : 1;
}

function oneOf<T extends string>(value: string, allowed: readonly T[]): T {
  const found = allowed.find((each) => each === value);
  if (found === undefined) throw new Error(`"${value}" is not one of ${allowed.join(", ")}`);
  return found;
}
