/** One flag of a verb. Its key in the verb's table is its name in camel case: `allNamespaces` is --all-namespaces. */
export type Flag = SwitchFlag | TextFlag | NumberFlag | DurationFlag | ListFlag;

interface FlagBase {
  /** One letter, without its dash. */
  readonly short?: string;
  /** Other long names that it answers to, shown nowhere: those that docker's and kubectl's users may type. */
  readonly also?: readonly string[];
  /** What it does, for help: a phrase in lower case without a full stop. */
  readonly summary: string;
}

/** True or false; given alone it is true. */
export interface SwitchFlag extends FlagBase {
  readonly type: "switch";
  /** Without the flag; false when absent. */
  readonly default?: boolean;
}

/** Any text. */
export interface TextFlag extends FlagBase {
  readonly type: "text";
  /** What stands for the value in help. */
  readonly value: string;
  /** The only values allowed. */
  readonly choices?: readonly string[];
  /** Values that help and completion offer; others are allowed too. */
  readonly offers?: readonly string[];
  /** The value when the flag is given without one; then a value needs "=". */
  readonly bare?: string;
}

/** A whole number. */
export interface NumberFlag extends FlagBase {
  readonly type: "number";
  readonly value: string;
  readonly min?: number;
}

/** A time span such as 30s, 5m or 1h30m; a bare number counts seconds. Read as milliseconds. */
export interface DurationFlag extends FlagBase {
  readonly type: "duration";
  readonly value: string;
}

/** A text that may be given several times. */
export interface ListFlag extends FlagBase {
  readonly type: "list";
  readonly value: string;
  /** The value when the flag stands last, or before another flag. */
  readonly bare?: string;
}

/** A verb's flags by name. */
export type Flags = Readonly<Record<string, Flag>>;

/** What a flag is read as. */
type ValueOf<F extends Flag> = F["type"] extends "switch"
  ? boolean
  : F["type"] extends "text"
    ? string | undefined
    : F["type"] extends "list"
      ? readonly string[]
      : number | undefined;

/** What a verb's flags are read as. */
export type FlagValues<F extends Flags> = { readonly [K in keyof F]: ValueOf<F[K]> };

/** A flag's name on the command line, without dashes. */
export function flagName(key: string): string {
  return key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

/** Flags of every verb that talks to the cluster. */
export const CLUSTER_FLAGS = {
  namespace: {
    type: "text",
    short: "n",
    value: "NAME",
    summary: "namespace of the objects; the context's when absent",
  },
  context: { type: "text", value: "NAME", summary: "context to use; the file's current one when absent" },
  config: { type: "text", value: "FILE", summary: "context file; see `tsctl help config view`" },
  requestTimeout: {
    type: "duration",
    value: "TIME",
    summary: "how long one request may take, 0 without end; watches and streams have none",
  },
  v: { type: "number", short: "v", value: "LEVEL", min: 0, summary: "6 tells every request, 8 what it asks for too" },
} as const satisfies Flags;

/** Flags that choose objects. */
export const SELECT_FLAGS = {
  selector: {
    type: "text",
    short: "l",
    value: "LABELS",
    summary: "only objects with these labels: app=web,tier!=db,zone in (a,b)",
  },
  fieldSelector: { type: "text", value: "FIELDS", summary: "only objects with these fields: status.phase=Running" },
} as const satisfies Flags;

/** Whether a command only tries what it would do. */
export const DRY_RUN_FLAGS = {
  dryRun: {
    type: "text",
    value: "WHERE",
    choices: ["client", "server", "none"],
    bare: "client",
    summary: "change nothing, only tell: find out here, or ask the server too",
  },
} as const satisfies Flags;

/** Flags that name files. */
export const FILE_FLAGS = {
  filename: {
    type: "list",
    short: "f",
    value: "FILE",
    summary: "file or folder of objects, - for standard input; may be repeated",
  },
  recursive: { type: "switch", short: "R", summary: "take folders with all folders in them" },
  kustomize: { type: "text", short: "k", value: "FOLDER", summary: "folder with a kustomization, instead of files" },
} as const satisfies Flags;

/** Flag of verbs that can change objects of files without a cluster. */
export const LOCAL_FLAGS = {
  local: {
    type: "switch",
    summary: "change the objects as the files have them, without a cluster; with -o yaml they are printed",
  },
} as const satisfies Flags;

/** Flags of verbs that change objects named, in files or selected. */
export const CHOICE_FLAGS = {
  ...FILE_FLAGS,
  ...SELECT_FLAGS,
  all: { type: "switch", summary: "every object of the type in the namespace" },
  allNamespaces: { type: "switch", short: "A", summary: "in all namespaces, with -l or --all" },
} as const satisfies Flags;

/** Where an archive goes. */
export const ARCHIVE_FLAGS = {
  output: {
    type: "text",
    short: "o",
    value: "FILE",
    summary: "write the archive there; standard output when absent",
  },
} as const satisfies Flags;

/** How long containers have to end. */
export const GRACE_FLAGS = {
  time: {
    type: "number",
    short: "t",
    also: ["timeout"],
    value: "SECONDS",
    min: 0,
    summary: "time to end; its own when absent",
  },
} as const satisfies Flags;
