import { TallshipError } from "../../lib/errors.js";
import { LIMITS } from "../../lib/limits.js";
import { BuildSecret } from "../../proto/gen/tallship/v1/images.js";
import type { Shell } from "../shell.js";
import { usageError } from "../verb.js";

/** Reads id=NAME,src=FILE or id=NAME,env=VARIABLE, as docker build takes it; without either the variable of that name counts, then the file. */
export async function readSecret(text: string, shell: Pick<Shell, "env" | "files">): Promise<BuildSecret> {
  const fields = new Map(text.split(",").map((field) => splitAt(field)));
  const id = fields.get("id");
  const unknown = [...fields.keys()].find((key) => !["id", "src", "source", "env", "type"].includes(key));
  if (id === undefined || id === "" || unknown !== undefined)
    throw usageError(`--secret ${text}: want id=NAME,src=FILE or id=NAME,env=VARIABLE`);
  const path = fields.get("src") ?? fields.get("source");
  const variable = fields.get("env") ?? (path === undefined ? id : undefined);
  const found = variable === undefined ? undefined : shell.env[variable];
  const value = found === undefined ? await ofFile(path ?? id, shell) : Buffer.from(found);
  if (value.length <= LIMITS.buildSecretBytes.value) return BuildSecret.fromPartial({ id, value: Buffer.from(value) });
  throw new TallshipError("too_large", `secret ${id} has more than ${LIMITS.buildSecretBytes.value} bytes`);
}

async function ofFile(path: string, { files }: Pick<Shell, "files">): Promise<Uint8Array> {
  const found = await files.find(path);
  if (found.is === "file") return files.readBytes(path);
  throw new TallshipError("not_found", `secret: ${path} is no file`);
}

function splitAt(field: string): readonly [string, string] {
  const at = field.indexOf("=");
  return at === -1 ? [field, ""] : [field.slice(0, at), field.slice(at + 1)];
}
