import { type Flag, type Flags, flagName } from "./flags.js";
import type { AnyVerb, VerbRow } from "./verb.js";
import { VERBS } from "./verbs/index.js";

const SHOWN = VERBS.filter(({ isHidden }) => isHidden !== true);

/** What `tsctl` and `tsctl help` print. */
export function overview(): string {
  return [
    "tsctl steers a Tallship cluster.",
    "",
    ...table(SHOWN.filter(isShown).map(({ name, summary }) => [`  ${name}`, summary])),
    "",
    'Run "tsctl help VERB" for the use and the flags of a verb.',
    "",
  ].join("\n");
}

/** What belongs to a verb, as `create namespace` to `create`, is told in that verb's help. */
function isShown({ name }: VerbRow): boolean {
  const [first, second] = name.split(" ");
  return second === undefined || !VERBS.some((row) => row.name === first);
}

/** The verbs of a group such as `token`. */
export function groupHelp(group: string): string {
  return ["Usage:", ...groupLines(group), ""].join("\n");
}

function groupLines(group: string): readonly string[] {
  const rows = SHOWN.filter(({ name }) => name.startsWith(`${group} `));
  return table(rows.map(({ name, summary }) => [`  tsctl ${name}`, summary]));
}

/** The use, flags and examples of a verb. */
export function verbHelp(name: string, verb: AnyVerb): string {
  const { examples = [], description } = verb;
  const summary = VERBS.find((row) => row.name === name)?.summary ?? "";
  const sections = [
    [`${summary.charAt(0).toUpperCase()}${summary.slice(1)}.`],
    ["Usage:", ...verb.forms.map((form) => `  tsctl ${form}`)],
    description === undefined ? [] : [description],
    examples.length === 0
      ? []
      : ["Examples:", ...table(examples.map(([command, does]) => [`  tsctl ${command}`, does]))],
    VERBS.some((row) => row.name.startsWith(`${name} `)) ? ["Of its own:", ...groupLines(name)] : [],
    Object.keys(verb.flags).length === 0 ? [] : ["Flags:", ...flagLines(verb.flags)],
  ];
  return `${sections
    .filter((lines) => lines.length > 0)
    .map((lines) => lines.join("\n"))
    .join("\n\n")}\n`;
}

function flagLines(flags: Flags): readonly string[] {
  return table(Object.entries(flags).map(([key, flag]) => [`  ${flagForm(key, flag)}`, flagSummary(flag)]));
}

function flagForm(key: string, flag: Flag): string {
  const long = `--${flagName(key)}${valueForm(flag)}`;
  return flag.short === undefined ? `    ${long}` : `-${flag.short}, ${long}`;
}

function valueForm(flag: Flag): string {
  if (flag.type === "switch") return flag.default === true ? "=false" : "";
  return flag.type === "text" && flag.bare !== undefined ? `[=${flag.value}]` : ` ${flag.value}`;
}

function flagSummary(flag: Flag): string {
  const values = flag.type === "text" ? (flag.choices ?? flag.offers) : undefined;
  return values === undefined ? flag.summary : `${flag.summary} (${values.join(", ")})`;
}

/** Two columns, the second aligned; a first one that is too wide has the second below it. */
function table(rows: readonly (readonly [string, string])[]): readonly string[] {
  const width = Math.min(WIDEST, Math.max(...rows.map(([left]) => left.length))) + 3;
  return rows.map(([left, right]) => {
    if (left.length + 3 <= width) return `${left.padEnd(width)}${right}`;
    return `${left}\n${" ".repeat(width)}${right}`;
  });
}

const WIDEST = 44;
