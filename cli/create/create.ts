import type { Typed } from "../../kinds/object.js";
import type { ReadObject } from "../../kinds/read.js";
import { asTallshipError, TallshipError } from "../../lib/errors.js";
import { type ChangeFlags, type Changes, withChanges } from "../change/each.js";
import { EXIT } from "../exit-codes.js";
import type { FileFlags } from "../input/files.js";
import { readInput } from "../input/objects.js";
import { eachOf } from "../objects.js";
import type { Shell } from "../shell.js";
import { toldAlready, usageError } from "../verb.js";
import { createObject } from "./write.js";

/** What `create` was asked. */
export interface CreateFlags extends ChangeFlags, FileFlags {
  readonly strict: boolean;
}

/** Creates every object in the files; one that exists already is a failure. */
export async function runCreate(
  { flags, operands }: { readonly flags: CreateFlags; readonly operands: readonly string[] },
  shell: Shell,
  kinds: readonly string[],
): Promise<number> {
  const [word] = operands;
  if (word !== undefined)
    throw usageError(
      `"${word}" cannot be created by flags, only ${kinds.join(", ")}; anything can be with -f FILE; docker's create is container create`,
    );
  return withChanges(flags, shell, async (changes) => {
    const objects = await readInput(shell, { ...flags, warn: true, allowsGeneratedNames: true }, changes.cluster);
    return writeEach(changes, objects, (typed) => createObject(changes.run, typed), "created");
  });
}

/** Writes objects that were read from files in their order, goes on after failures, and tells each, with its place when it failed. */
export async function writeEach(
  { run, tell }: Pick<Changes, "run" | "tell">,
  objects: readonly ReadObject[],
  write: (typed: Typed) => Promise<Typed>,
  told: string,
): Promise<number> {
  if (objects.length === 0) throw new TallshipError("invalid_argument", "the files hold no objects");
  const written: { readonly typed: Typed; readonly told: string }[] = [];
  const failures = await eachOf(objects, async ({ typed, place }) => {
    try {
      written.push({ typed: await write(typed), told });
    } catch (error) {
      const { code, message } = asTallshipError(error);
      // The place alone is new: the server does not know it.
      throw new TallshipError(code, `${place}: ${message}`, { cause: error });
    }
  });
  await tell(written);
  for (const { message } of failures) await run.shell.stderr.write(`error: ${message}\n`);
  const [first] = failures;
  if (first !== undefined) throw toldAlready(first.code);
  return EXIT.ok;
}
