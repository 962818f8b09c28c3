import { metaOf, type Typed } from "../../kinds/object.js";
import type { ReadObject } from "../../kinds/read.js";
import { isKindName } from "../../kinds/registry.js";
import { isErrorCode } from "../../lib/errors.js";
import type { ApplyResponse, ApplyResult } from "../../proto/gen/tallship/v1/api.js";
import { objectOf } from "../objects.js";
import { formatOf, printObjects } from "../print.js";
import type { Shell } from "../shell.js";
import { refText } from "../targets.js";
import { toldAlready } from "../verb.js";
import type { Written } from "../wait/ready.js";

/** How results are told. */
export interface Telling {
  readonly shell: Shell;
  readonly output: string | undefined;
  readonly isDry: boolean;
  /** Other words for outcomes. */
  readonly words?: Readonly<Record<string, string>>;
}

/** Tells what came of each object of a set. Throws, all told, when any failed. */
export async function tellResults(
  { results }: Pick<ApplyResponse, "results">,
  objects: readonly ReadObject[],
  { shell, output, isDry, words = {} }: Telling,
): Promise<void> {
  const format = formatOf(output);
  const written = results.filter(({ outcome }) => outcome !== "failed" && outcome !== "skipped");
  if (format === "yaml" || format === "json" || format === "name") {
    const all = written.flatMap(({ item, outcome }) =>
      item === undefined || outcome === "deleted" ? [] : [objectOf(item)],
    );
    await shell.stdout.write(printObjects(all, format, all.length > 1));
  } else {
    const note = isDry ? " (server dry run)" : "";
    const lines = written.map((result) => `${refOfResult(result)} ${words[result.outcome] ?? result.outcome}${note}\n`);
    await shell.stdout.write(lines.join(""));
  }
  for (const [index, result] of results.entries())
    if (result.outcome === "failed") await shell.stderr.write(`error: ${failureText(result, objects[index])}\n`);
  const skipped = results.filter(({ outcome }) => outcome === "skipped").length;
  if (skipped > 0)
    await shell.stderr.write(`${skipped} other object${skipped === 1 ? " was" : "s were"} not written\n`);
  const failed = results.find(({ outcome }) => outcome === "failed");
  if (failed !== undefined) throw toldAlready(isErrorCode(failed.code) ? failed.code : "internal");
}

/** What stands after an apply and can be waited for. */
export function writtenBy({ results }: ApplyResponse): readonly Written[] {
  return results.flatMap(({ name, item, outcome }) =>
    name !== undefined && isKindName(name.kind) && outcome !== "deleted"
      ? [{ key: { ...name, kind: name.kind }, revision: item?.revision ?? 0 }]
      : [],
  );
}

/** The server's words; what it says without a place gets the document's. */
function failureText(result: ApplyResult, object: ReadObject | undefined): string {
  const place = object?.place ?? "";
  const message = result.message === "" ? result.code : result.message;
  return message.includes(place) ? message : `${place}: ${refOfResult(result)}: ${message}`;
}

function refOfResult({ name }: ApplyResult): string {
  if (name === undefined) return "object";
  return isKindName(name.kind) ? refText(name.kind, name.name) : `${name.kind}/${name.name}`;
}

/** How results name an object that may get its name from the server. */
export function refOf(typed: Typed): string {
  return refText(typed.kind, metaOf(typed.object).name || `${metaOf(typed.object).generateName}…`);
}
