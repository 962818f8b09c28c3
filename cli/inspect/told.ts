import type { Json } from "../../kinds/encode.js";
import { EXIT } from "../exit-codes.js";
import { renderTemplate } from "../go-template/evaluate.js";
import { eachOf } from "../objects.js";
import { safeText } from "../safe-text.js";
import type { Shell } from "../shell.js";
import { toldAlready, usageError } from "../verb.js";

/** What one name stands for, in the shape of docker's inspect. Throws not_found. */
export type Look = (word: string) => Promise<Json>;

/** Prints what names stand for: one list of JSON, or a line of a template for each. What is found is printed though another is not, and then it fails. */
export async function tellInspected(
  words: readonly string[],
  { format, look, shell }: { readonly format: string | undefined; readonly look: Look; readonly shell: Shell },
): Promise<number> {
  if (words.length === 0) throw usageError("name what is to be inspected");
  const found: Json[] = [];
  const failures = await eachOf(words, async (word) => {
    found.push(await look(word));
  });
  const text =
    format === undefined || format === "json"
      ? `${JSON.stringify(found, null, format === undefined ? 4 : 0)}\n`
      : found.map((one) => `${renderTemplate(format, one)}\n`).join("");
  await shell.stdout.write(text);
  for (const { message } of failures) await shell.stderr.write(`error: ${safeText(message)}\n`);
  if (failures[0] !== undefined) throw toldAlready(failures[0].code);
  return EXIT.ok;
}
