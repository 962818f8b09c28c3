import { type ErrorCode, TallshipError } from "../lib/errors.js";
import type { Flags, FlagValues } from "./flags.js";
import type { Shell } from "./shell.js";

/** What a verb was called with. */
export interface Call<F extends Flags = Flags> {
  readonly flags: FlagValues<F>;
  /** Everything that is no flag, before `--`. */
  readonly operands: readonly string[];
  /** Everything after `--`; undefined when there was none. */
  readonly rest: readonly string[] | undefined;
}

/** What tsctl can do, as a value: help, completion and the reading of arguments all come from it. */
export interface Verb<F extends Flags = Flags> {
  /** What follows `tsctl` in each form of the command. */
  readonly forms: readonly string[];
  /** Further paragraphs of help. */
  readonly description?: string;
  /** Whole commands with what they do. */
  readonly examples?: readonly (readonly [command: string, does: string])[];
  readonly flags: F;
  /** Flags of other tools that are known and not offered, by name, and what does it here. */
  readonly instead?: Readonly<Record<string, string>>;
  /** What operands are, for completion. */
  readonly operands: "none" | "objects" | "pods" | "nodes" | "types" | "sets" | "words";
  /** Whatever follows is of no interest: the verb only says what to use instead. */
  readonly readsNothing?: true;
  /** A command follows after `--`. */
  readonly takesCommand?: boolean;
  /** Whether with these arguments everything after the first operand is a command's, as docker has it; else only what stands after `--`. */
  readonly commandFollows?: (args: readonly string[]) => boolean;
  /** Returns the exit code; a failure is thrown. `verbs` is the whole table, for what tells of it. */
  readonly run: (call: Call<F>, shell: Shell, verbs: readonly VerbRow[]) => Promise<number>;
}

/** One verb in the table of all, loaded only when it is called or asked about. */
export interface VerbRow {
  /** One word, or two for a verb of a group. */
  readonly name: string;
  /** Other names that it answers to, shown nowhere: those that kubectl's users may type. */
  readonly aliases?: readonly string[];
  /** What it does, in the overview: a phrase in lower case without a full stop. */
  readonly summary: string;
  /** Not told of in the overview: it only says what to use instead. */
  readonly isHidden?: true;
  readonly load: () => Promise<AnyVerb>;
}

/** A verb of any flags. */
export interface AnyVerb extends Omit<Verb, "run"> {
  readonly run: (call: Call, shell: Shell, verbs: readonly VerbRow[]) => Promise<number>;
}

/** A verb as the index holds it: parse() gives `run` exactly what its flags say. */
export function verb<const F extends Flags>(definition: Verb<F>): AnyVerb {
  return { ...definition, run: (call, shell, verbs) => definition.run(call as Call<F>, shell, verbs) };
}

/** A wrong use of the command line: told with a pointer to the help, exit code 2. */
export function usageError(message: string): TallshipError {
  return new TallshipError("invalid_argument", message, { details: { usage: "true" } });
}

/** True for what usageError made. */
export function isUsageError(error: TallshipError): boolean {
  return error.details["usage"] === "true";
}

/** A failure whose every part the verb has told itself: only its exit code counts. */
export function toldAlready(code: ErrorCode): TallshipError {
  return new TallshipError(code, "told already", { details: { told: "true" } });
}

/** True for what toldAlready made. */
export function isToldAlready(error: TallshipError): boolean {
  return error.details["told"] === "true";
}
