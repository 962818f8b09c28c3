import { decodeDocument } from "../../kinds/decode.js";
import { toJson } from "../../kinds/encode.js";
import { encodeObject, keyOf, keyText, metaOf, type ObjectKey, type Typed } from "../../kinds/object.js";
import { problemText } from "../../kinds/problem.js";
import { parseLazily } from "../../kinds/yaml/parse-lazily.js";
import { printYaml } from "../../kinds/yaml/print.js";
import { asTallshipError, type TallshipError } from "../../lib/errors.js";
import { tellWithoutEffect, writeObject } from "../change/change.js";
import { type ChangeFlags, type Changes, withChanges } from "../change/each.js";
import { type ChoiceFlags, chosenKeys } from "../chosen.js";
import { EXIT } from "../exit-codes.js";
import { namesFiles } from "../input/files.js";
import { getObject } from "../objects.js";
import type { Shell } from "../shell.js";
import { readTargets } from "../targets.js";
import { toldAlready, usageError } from "../verb.js";

/** What `edit` was asked. */
export interface EditFlags extends ChangeFlags, ChoiceFlags {}

const HEADER = [
  "Edit the object below. Lines that begin with '#' are left out, and an empty file ends the edit.",
  "If something is wrong with it, this file is opened again and says what.",
];

/** Opens objects in the user's editor and writes what was changed. What cannot be written stays in a file that is named. */
export async function runEdit(
  { flags, operands }: { readonly flags: EditFlags; readonly operands: readonly string[] },
  shell: Shell,
): Promise<number> {
  if (namesFiles(flags) && operands.length > 0) throw usageError("name objects or files, not both");
  if (!namesFiles(flags)) readTargets(operands);
  return withChanges(flags, shell, async (changes) => {
    const keys = await chosenKeys({ shell, cluster: changes.cluster, flags }, operands);
    const objects: Typed[] = [];
    // getObject checks the kind.
    for (const key of keys)
      objects.push({ kind: key.kind, object: await getObject(changes.cluster, key, shell.signal) } as Typed);
    if (objects.length === 0) {
      await shell.stderr.write("no objects found\n");
      return EXIT.ok;
    }
    return new Edit(changes, shell).run(objects);
  });
}

/** Objects as they came out of the editor, or what is wrong with the text. */
type Read =
  | { readonly is: "objects"; readonly objects: readonly Typed[] }
  | { readonly is: "wrong"; readonly why: readonly string[] };

class Edit {
  private readonly changes: Changes;
  private readonly shell: Shell;
  private path: string | undefined;

  constructor(changes: Changes, shell: Shell) {
    this.changes = changes;
    this.shell = shell;
  }

  async run(live: readonly Typed[]): Promise<number> {
    let body = bodyOf(live);
    let wrong: readonly string[] = [];
    for (;;) {
      const opened = await this.shell.editor.open(withHeader(body, wrong), this.path);
      this.path = opened.path;
      const edited = withoutComments(opened.text);
      if (edited === withoutComments(body) || edited.trim() === "") return this.cancel(wrong.length > 0);
      body = edited;
      const read = await readEdited(edited, live);
      if (read.is === "wrong") {
        wrong = read.why;
        continue;
      }
      const failure = await this.write(read.objects, live);
      if (failure === undefined) {
        await this.shell.editor.discard(opened.path);
        return EXIT.ok;
      }
      if (failure.code !== "invalid_argument" || live.length > 1) return this.keep(failure);
      wrong = [failure.message];
    }
  }

  /** Writes what differs; returns the first failure after all were tried. */
  private async write(objects: readonly Typed[], live: readonly Typed[]): Promise<TallshipError | undefined> {
    let first: TallshipError | undefined;
    for (const [at, typed] of objects.entries()) {
      const before = live[at];
      if (before !== undefined && Buffer.from(encodeObject(before)).equals(encodeObject(typed))) continue;
      try {
        const written = await writeObject(this.changes.run, typed);
        if (before !== undefined) await tellWithoutEffect(this.shell, before, typed);
        await this.changes.tell([{ typed: written, told: "edited" }]);
      } catch (error) {
        const failure = asTallshipError(error);
        if (live.length > 1) await this.shell.stderr.write(`error: ${failure.message}\n`);
        first ??= failure;
      }
    }
    return first;
  }

  /** Nothing was changed since the text was opened: after an error that gives the edit up, and the text is kept. */
  private async cancel(isAfterError: boolean): Promise<number> {
    if (!isAfterError) {
      await this.shell.stderr.write("Edit cancelled, no changes made.\n");
      if (this.path !== undefined) await this.shell.editor.discard(this.path);
      return EXIT.ok;
    }
    await this.shell.stderr.write(`Edit cancelled, no valid changes were saved.\n${keptText(this.path)}`);
    throw toldAlready("failed_precondition");
  }

  private async keep(failure: TallshipError): Promise<number> {
    await this.shell.stderr.write(`error: ${failure.message}\n${keptText(this.path)}`);
    throw toldAlready(failure.code);
  }
}

function keptText(path: string | undefined): string {
  return `A copy of your changes has been stored to "${path}"\n`;
}

function bodyOf(objects: readonly Typed[]): string {
  const values = objects.map(toJson);
  const [only] = values;
  return printYaml(
    values.length === 1 && only !== undefined ? only : { apiVersion: "v1", kind: "List", items: values },
  );
}

function withHeader(body: string, wrong: readonly string[]): string {
  const lines = [...HEADER, ...wrong.flatMap((text) => text.split("\n"))];
  return `${lines.map((line) => `# ${line}\n`).join("")}#\n${body}`;
}

/** Comments at the left edge, which is where the header stands; within a block of text they are indented. */
function withoutComments(text: string): string {
  return text
    .split("\n")
    .filter((line) => !line.startsWith("#"))
    .join("\n");
}

async function readEdited(text: string, live: readonly Typed[]): Promise<Read> {
  const source = { name: "edited", text };
  const { documents, problems } = await parseLazily(source);
  const decoded = documents.map((root) => decodeDocument(root, source));
  const wrong = [...problems, ...decoded.flatMap((each) => each.problems)];
  if (wrong.length > 0) return { is: "wrong", why: wrong.map(problemText) };
  const objects = new Map(
    decoded.flatMap((each) => each.objects).map(({ typed }): readonly [string, Typed] => [nameText(typed), typed]),
  );
  const ordered = live.map((typed) => objects.get(nameText(typed)));
  const missing = live.filter((_, at) => ordered[at] === undefined);
  if (missing.length > 0 || objects.size !== live.length)
    return {
      is: "wrong",
      why: ["What names an object (apiVersion, kind, metadata.name, metadata.namespace) cannot be changed here."],
    };
  return { is: "objects", objects: ordered.filter((typed) => typed !== undefined) };
}

function nameText(typed: Typed): string {
  const key: ObjectKey =
    typed.object.metadata === undefined ? { kind: typed.kind, namespace: "", name: "" } : keyOf(typed);
  return typed.object.metadata === undefined ? "" : `${keyText(key)} ${metaOf(typed.object).uid}`;
}
