import type { FileModel } from "../model/project.js";
import type { Located } from "../model/reader.js";
import type { FileUse } from "../model/service.js";
import { contentOf } from "./bind.js";
import type { StoredMount } from "./claims.js";
import { noteField, type ServiceContext, share } from "./context.js";
import { dnsName } from "./names.js";

type Field = "configs" | "secrets";

const KINDS = { configs: "ConfigMap", secrets: "Secret" } as const;
const NOUNS = { configs: "config", secrets: "secret" } as const;

/** What the service mounts of the project's configs and secrets: each one file. */
export function fileMounts(context: ServiceContext): readonly Located<StoredMount>[] {
  return (["configs", "secrets"] as const).flatMap((field) =>
    (context.service.model[field]?.value ?? []).flatMap(({ value, place }) => {
      const stored = mountOf(field, value, { context, place });
      return stored === undefined ? [] : [{ value: stored, place }];
    }),
  );
}

interface Where {
  readonly context: ServiceContext;
  readonly place: Located<unknown>["place"];
}

function mountOf(field: Field, use: FileUse, { context, place }: Where): StoredMount | undefined {
  const source = use.source?.value ?? "";
  const declared = context.model[field]?.value.get(source);
  if (declared === undefined) {
    const message = source === "" ? "want source" : `${NOUNS[field]} ${source} is not declared under ${field}`;
    context.tell.problem(place, [...context.path, field], message, "not_found");
    return undefined;
  }
  const name = dnsName(
    declared.value.external === undefined
      ? source
      : (declared.value.name?.value ?? declared.value.external.value.name ?? source),
  );
  const key = source.replace(/[^-._a-zA-Z0-9]+/g, "_");
  if (declared.value.external === undefined) {
    const content = contentBytes(field, source, { ...declared, context });
    if (content !== undefined) shareContent(context, { field, name, key }, content, declared.place);
  }
  for (const owner of [use.uid, use.gid])
    if (owner !== undefined && owner.value !== "0")
      noteField(context, field, owner.place, "the file belongs to root; its mode counts");
  const target = use.target?.value ?? (field === "secrets" ? source : `/${source}`);
  const mountPath = target.startsWith("/") ? target : field === "secrets" ? `/run/secrets/${target}` : `/${target}`;
  const volume = dnsName(`${NOUNS[field]}-${source}`);
  const defaultMode = use.mode === undefined ? 0o444 : modeOf(use.mode.value);
  const reference =
    field === "secrets" ? { secret: { secretName: name, defaultMode } } : { configMap: { name, defaultMode } };
  return { volume: { name: volume, ...reference }, mount: { name: volume, mountPath, subPath: key, readOnly: true } };
}

/** A mode as compose files write it: octal, with or without its zero; 292 can only be the decimal of 0444. */
function modeOf(text: string): number {
  const digits = text.replace(/^0o?/, "");
  return /^[0-7]{1,4}$/.test(digits) ? Number.parseInt(digits, 8) % 0o1000 : Number(text) % 0o1000;
}

function contentBytes(
  field: Field,
  name: string,
  { value, place, context }: Located<FileModel> & { readonly context: ServiceContext },
): Uint8Array | undefined {
  if (value.content !== undefined) return Buffer.from(value.content.value);
  if (value.environment !== undefined) {
    const found = context.variables.get(value.environment.value);
    if (found === undefined)
      context.tell.problem(place, [field, name, "environment"], `variable ${value.environment.value} is not set`);
    return found === undefined ? undefined : Buffer.from(found);
  }
  if (value.file === undefined) {
    context.tell.problem(place, [field, name], "want one of file, environment, content or external");
    return undefined;
  }
  const path = context.files.resolve(context.folderOf(value.file.place), value.file.value);
  const found = context.files.find(path);
  if (found.is === "file") return found.bytes;
  const why =
    found.is === "too_large"
      ? `${path} has ${found.bytes} bytes, which is more than a ${NOUNS[field]} holds`
      : `there is no file ${path}`;
  if (!context.files.wanted.has(path)) context.tell.problem(value.file.place, [field, name, "file"], why);
  return undefined;
}

function shareContent(
  context: ServiceContext,
  { field, name, key }: { readonly field: Field; readonly name: string; readonly key: string },
  bytes: Uint8Array,
  place: Located<unknown>["place"],
): void {
  const content =
    field === "secrets"
      ? { type: "Opaque", data: { [key]: Buffer.from(bytes).toString("base64") } }
      : contentOf([{ key, bytes }]);
  share(context, { kind: KINDS[field], name, place }, content);
}
