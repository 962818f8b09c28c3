import { type ParseArgsConfig, parseArgs } from "node:util";
import { TallshipError } from "./errors.js";

/** One option of a command. */
export interface OptionSpec {
  readonly type: "string" | "boolean";
  /** What stands for the value in help, such as HOST:PORT. */
  readonly value?: string;
  readonly help: string;
}

/** A command's options by name, without the dashes. */
export type OptionSpecs = Readonly<Record<string, OptionSpec>>;

/** The options as given; absent ones are undefined. */
export type OptionValues<S extends OptionSpecs> = {
  readonly [K in keyof S]: S[K]["type"] extends "boolean" ? boolean | undefined : string | undefined;
};

/** One command as a value. */
export interface Command<S extends OptionSpecs = OptionSpecs> {
  readonly summary: string;
  /** Names of the words that must follow, in order. */
  readonly words: readonly string[];
  readonly options: S;
  /** Returns the exit code. */
  readonly run: (values: OptionValues<S>, words: readonly string[]) => Promise<number>;
}

/** Ties a command's handler to its options, checked by the compiler. */
export function command<S extends OptionSpecs>(spec: Command<S>): Command {
  // parseCommand gives run exactly the values that its own options describe.
  return spec as unknown as Command;
}

/** Reads a command's arguments; throws invalid_argument for anything that is not in its table. */
export function parseCommand(
  name: string,
  { options, words }: Command,
  args: readonly string[],
): { readonly values: OptionValues<OptionSpecs>; readonly words: readonly string[] } {
  const config: ParseArgsConfig = {
    args: [...args],
    options: Object.fromEntries(Object.entries(options).map(([option, { type }]) => [option, { type }])),
    allowPositionals: true,
    strict: true,
  };
  let parsed: ReturnType<typeof parseArgs>;
  try {
    parsed = parseArgs(config);
  } catch (cause) {
    const [why = ""] = (cause instanceof Error ? cause.message : String(cause)).split(". ");
    throw new TallshipError(
      "invalid_argument",
      `${name}: ${why.charAt(0).toLowerCase()}${why.slice(1)}; see ${name} --help`,
    );
  }
  if (parsed.positionals.length !== words.length)
    throw new TallshipError(
      "invalid_argument",
      `${name}: want ${words.join(" ") || "no words"}, not "${parsed.positionals.join(" ")}"`,
    );
  // parseArgs has checked each value against its option's type.
  return { values: parsed.values as OptionValues<OptionSpecs>, words: parsed.positionals };
}

/** A command's help. */
export function commandHelp(name: string, { summary, words, options }: Command): string {
  const rows = Object.entries(options).map(([option, { value, help }]) => [
    `--${option}${value === undefined ? "" : ` ${value}`}`,
    help,
  ]);
  const width = Math.max(0, ...rows.map(([left = ""]) => left.length));
  const lines = rows.map(([left = "", right = ""]) => `  ${left.padEnd(width)}  ${right}`);
  return [`${[name, ...words].join(" ")}${rows.length > 0 ? " [options]" : ""}`, "", `  ${summary}`, "", ...lines].join(
    "\n",
  );
}

/** A TCP or UDP port; throws invalid_argument naming the option. */
export function portOption(option: string, text: string | undefined, otherwise: number): number {
  return countOption(option, text, { otherwise, min: 1, max: 65_535 });
}

/** A whole number in a range; throws invalid_argument naming the option. */
export function countOption(
  option: string,
  text: string | undefined,
  { otherwise, min, max }: { readonly otherwise: number; readonly min: number; readonly max: number },
): number {
  if (text === undefined) return otherwise;
  const count = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN;
  if (count >= min && count <= max) return count;
  throw new TallshipError("invalid_argument", `--${option} ${text}: want a number from ${min} to ${max}`);
}
