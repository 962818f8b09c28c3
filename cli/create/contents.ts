import { FORMATS } from "../../kinds/formats.js";
import { TallshipError } from "../../lib/errors.js";
import type { Flags } from "../flags.js";
import type { Shell } from "../shell.js";
import { usageError } from "../verb.js";

/** Flags that say what a config or secret holds. */
export const CONTENT_FLAGS = {
  fromLiteral: { type: "list", value: "KEY=VALUE", summary: "a key and its value; may be repeated" },
  fromFile: {
    type: "list",
    value: "[KEY=]FILE",
    summary: "a file under its own name or the key given, or every file of a folder; may be repeated",
  },
  fromEnvFile: { type: "list", value: "FILE", summary: "a file of lines KEY=VALUE; may be repeated" },
} as const satisfies Flags;

/** What those flags are read as. */
export interface ContentFlags {
  readonly fromLiteral: readonly string[];
  readonly fromFile: readonly string[];
  readonly fromEnvFile: readonly string[];
}

/** The keys and bytes that the flags name. A key that is given twice is an error. */
export async function readContents(shell: Shell, flags: ContentFlags): Promise<ReadonlyMap<string, Buffer>> {
  const contents = new Map<string, Buffer>();
  const add = (key: string, value: Buffer): void => {
    const wrong = FORMATS.configKey(key);
    if (wrong !== undefined) throw usageError(`key "${key}": ${wrong}`);
    if (contents.has(key)) throw usageError(`key "${key}" is given twice`);
    contents.set(key, value);
  };
  for (const literal of flags.fromLiteral) {
    const equals = literal.indexOf("=");
    if (equals <= 0) throw usageError(`--from-literal: "${literal}" is not KEY=VALUE`);
    add(literal.slice(0, equals), Buffer.from(unquoted(literal.slice(equals + 1))));
  }
  for (const file of flags.fromFile)
    for (const [key, path] of await filesOf(shell, file)) add(key, Buffer.from(await shell.files.readBytes(path)));
  for (const path of flags.fromEnvFile)
    for (const [key, value] of envLines(await shell.files.read(path), path, shell)) add(key, Buffer.from(value));
  return contents;
}

/** Quotes around a whole value are the shell's that someone kept; kubectl takes them off too. */
function unquoted(text: string): string {
  return /^"(.*)"$/s.exec(text)?.[1] ?? /^'(.*)'$/s.exec(text)?.[1] ?? text;
}

async function filesOf(shell: Shell, given: string): Promise<readonly (readonly [key: string, path: string])[]> {
  const equals = given.indexOf("=");
  const path = equals === -1 ? given : given.slice(equals + 1);
  const found = await shell.files.find(path);
  if (found.is === "nothing")
    throw new TallshipError("invalid_argument", `read ${path}: there is no such file or folder`);
  if (found.is === "file") return [[equals === -1 ? baseName(path) : given.slice(0, equals), path]];
  if (equals !== -1) throw usageError(`--from-file: ${path} is a folder, which has no key`);
  const names = (await shell.files.list(path)).filter(
    (name) => !name.endsWith("/") && FORMATS.configKey(name) === undefined,
  );
  return names.map((name) => [name, `${path.replace(/(.)\/+$/, "$1")}/${name}`]);
}

function baseName(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}

/** A name without "=" takes its value from the environment of the command. */
function envLines(text: string, path: string, shell: Shell): readonly (readonly [key: string, value: string])[] {
  return text.split(/\r?\n/).flatMap((line, at): readonly (readonly [string, string])[] => {
    const trimmed = line.trimStart();
    if (trimmed === "" || trimmed.startsWith("#")) return [];
    const equals = trimmed.indexOf("=");
    const key = equals === -1 ? trimmed.trimEnd() : trimmed.slice(0, equals);
    if (FORMATS.envName(key) !== undefined || FORMATS.configKey(key) !== undefined)
      throw new TallshipError("invalid_argument", `${path}:${at + 1}: "${key}" is no name of a variable`);
    return [[key, equals === -1 ? (shell.env[key] ?? "") : trimmed.slice(equals + 1)]];
  });
}
