import { decodeDocument } from "../../kinds/decode.js";
import { applyDefaults } from "../../kinds/defaults/defaults.js";
import type { JsonObject } from "../../kinds/encode.js";
import { encodeObject, metaOf, type ObjectKey, type Typed, withMeta } from "../../kinds/object.js";
import { treeOfJson } from "../../kinds/patch/json-tree.js";
import { KINDS } from "../../kinds/registry.js";
import { validate } from "../../kinds/validation/validate.js";
import { TallshipError } from "../../lib/errors.js";
import { CreateRequest } from "../../proto/gen/tallship/v1/api.js";
import { ObjectMeta } from "../../proto/gen/tallship/v1/meta.js";
import type { ChangeRun } from "../change/change.js";
import { type ChangeFlags, withChanges } from "../change/each.js";
import { EXIT } from "../exit-codes.js";
import { getTyped, keyIn, objectOf } from "../objects.js";
import type { Shell } from "../shell.js";

/** Creates one object; a dry run on the client returns it as it is. */
export async function createObject({ shell, cluster, dryRun }: ChangeRun, typed: Typed): Promise<Typed> {
  if (dryRun === "client") return typed;
  const request = { object: Buffer.from(encodeObject(typed)), dryRun: dryRun === "server" };
  return objectOf(await cluster.objects.create(CreateRequest.fromPartial(request), { signal: shell.signal }));
}

/** Creates an object that a command has made up, in the namespace of the command; what it is made for must be there. */
export async function createMadeUp(
  flags: ChangeFlags,
  shell: Shell,
  json: JsonObject,
  { told = "created", target }: { readonly told?: string; readonly target?: Pick<ObjectKey, "kind" | "name"> } = {},
): Promise<number> {
  return withChanges(flags, shell, async ({ cluster, run, tell }) => {
    if (target !== undefined) await getTyped(cluster, keyIn(target.kind, cluster.namespace, target.name), shell.signal);
    // What is only printed is to serve as a file in any namespace.
    const isBare = run.dryRun === "client" && !cluster.isNamespaceAsked;
    const wanted = madeUp(json, cluster.namespace);
    const typed = isBare
      ? withMeta(wanted, { ...metaOf(wanted.object), namespace: "" })
      : await createObject(run, wanted);
    await tell([{ typed, told }]);
    return EXIT.ok;
  });
}

/** The object of a JSON value, checked as a file's would be; throws invalid_argument with everything that is wrong. */
export function madeUp(json: JsonObject, namespace: string): Typed {
  const source = { name: "command", text: "" };
  const { objects, problems } = decodeDocument(treeOfJson(json, 0), source);
  const [object] = objects;
  const refuse = (found: readonly { readonly path: string; readonly message: string }[]): TallshipError =>
    new TallshipError(
      "invalid_argument",
      found.map(({ path, message }) => (path === "" ? message : `${path}: ${message}`)).join("; "),
    );
  if (object === undefined || problems.length > 0) throw refuse(problems);
  const typed = withNamespace(object.typed, namespace);
  const errors = validate(applyDefaults(typed));
  if (errors.length > 0) throw refuse(errors);
  return typed;
}

function withNamespace(typed: Typed, namespace: string): Typed {
  const meta = typed.object.metadata ?? ObjectMeta.fromPartial({});
  if (!KINDS[typed.kind].isNamespaced || metaOf({ metadata: meta }).namespace !== "") return typed;
  return withMeta(typed, { ...meta, namespace });
}
