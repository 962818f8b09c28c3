import schemaJson from "../proto/gen/schema.json" with { type: "json" };

/** Proto types that hold one plain value. */
export type ScalarType = "string" | "bool" | "bytes" | "int32" | "int64" | "uint32" | "uint64" | "double";

/** What a field's value must satisfy: proto/tallship/v1/options.proto, parsed. */
export interface FieldRule {
  readonly isRequired: boolean;
  readonly min: number | undefined;
  readonly max: number | undefined;
  /** The strings allowed; undefined allows any. */
  readonly allowed: ReadonlySet<string> | undefined;
  readonly format: string;
  readonly keyFormat: string;
  readonly maxLength: number;
  readonly maxItems: number;
  /** As it would stand in YAML; undefined when the field has no default. */
  readonly default: string | undefined;
  readonly isImmutable: boolean;
  /** Why the field has no effect here; empty when it has. */
  readonly notEnforced: string;
  /** Values that hold anyway although the field is not enforced. */
  readonly honoured: ReadonlySet<string>;
  readonly mergeKey: string;
  /** Written in JSON even when zero, as Kubernetes does. */
  readonly isAlwaysWritten: boolean;
}

/** One field of a message. */
export interface FieldSchema {
  readonly name: string;
  readonly shape: "one" | "list" | "map";
  /** Type of the value, of each element or of each value of the map. */
  readonly type: ScalarType | "message";
  /** Name of the message; empty for scalars. */
  readonly messageName: string;
  /** Absence differs from zero. */
  readonly isOptional: boolean;
  readonly rule: FieldRule;
}

/** One message: its fields in the order of the schema. */
export interface MessageSchema {
  readonly name: string;
  readonly fields: readonly FieldSchema[];
  readonly byName: ReadonlyMap<string, FieldSchema>;
  /** For a kind: why nothing acts on its objects; empty when something does. */
  readonly notEnforced: string;
  /** A message in which nothing is set; its lists and maps are frozen and shared. */
  readonly blank: Readonly<Record<string, unknown>>;
}

/** The shape of proto/gen/schema.json: protobufjs' JSON form. */
interface RawField {
  readonly type: string;
  readonly rule?: string;
  readonly keyType?: string;
  readonly options?: Readonly<Record<string, unknown>>;
}

interface RawMessage {
  readonly fields?: Readonly<Record<string, RawField>>;
  readonly options?: Readonly<Record<string, unknown>>;
}

const SCALARS: ReadonlySet<string> = new Set([
  "string",
  "bool",
  "bytes",
  "int32",
  "int64",
  "uint32",
  "uint64",
  "double",
] satisfies ScalarType[]);

const known = new Map<string, MessageSchema>();

/** The schema of a message by its short name, such as "PodSpec". Throws for a name that the schema does not have. */
export function messageSchema(name: string): MessageSchema {
  const cached = known.get(name);
  if (cached !== undefined) return cached;
  const built = buildMessage(name);
  known.set(name, built);
  return built;
}

function buildMessage(name: string): MessageSchema {
  // The generated file has one entry per message; its inferred type knows each by name, this code knows none.
  const messages = schemaJson.nested.v1.nested as Readonly<Record<string, RawMessage>>;
  const message = Object.hasOwn(messages, name) ? messages[name] : undefined;
  const raw = message?.fields;
  if (raw === undefined) throw new Error(`no message ${name} in the schema`);
  const fields = Object.entries(raw).map(([field, entry]) => buildField(field, entry));
  const blank = Object.fromEntries(fields.map((field) => [field.name, blankOf(field)]));
  const notEnforced = String(message?.options?.["(kind).notEnforced"] ?? "");
  return { name, fields, byName: new Map(fields.map((field) => [field.name, field])), notEnforced, blank };
}

function buildField(name: string, raw: RawField): FieldSchema {
  const isScalar = SCALARS.has(raw.type);
  return {
    name,
    shape: raw.keyType !== undefined ? "map" : raw.rule === "repeated" ? "list" : "one",
    // SCALARS holds the names of ScalarType.
    type: isScalar ? (raw.type as ScalarType) : "message",
    messageName: isScalar ? "" : raw.type.slice(raw.type.lastIndexOf(".") + 1),
    isOptional: raw.options?.["proto3_optional"] === true,
    rule: buildRule(raw.options ?? {}),
  };
}

function buildRule(options: Readonly<Record<string, unknown>>): FieldRule {
  const text = (name: string): string => String(options[`(rule).${name}`] ?? "");
  const number = (name: string): number | undefined => {
    const value = options[`(rule).${name}`];
    return value === undefined ? undefined : Number(value);
  };
  const words = (name: string): readonly string[] => (text(name) === "" ? [] : text(name).split("|"));
  const isTrue = (name: string): boolean => options[`(rule).${name}`] === true;
  const allowed = words("in");
  return {
    isRequired: isTrue("required"),
    min: number("min"),
    max: number("max"),
    allowed: allowed.length === 0 ? undefined : new Set(allowed),
    format: text("format"),
    keyFormat: text("keyFormat"),
    maxLength: number("maxLength") ?? 0,
    maxItems: number("maxItems") ?? 0,
    default: options["(rule).default"] === undefined ? undefined : text("default"),
    isImmutable: isTrue("immutable"),
    notEnforced: text("notEnforced"),
    honoured: new Set(words("honoured")),
    mergeKey: text("mergeKey"),
    isAlwaysWritten: isTrue("alwaysWritten"),
  };
}

/** True for a list of words in which several writers keep words of their own, and order means nothing. */
export function isWordSet({ shape, name, type }: FieldSchema): boolean {
  return shape === "list" && type === "string" && WORD_SETS.has(name);
}

const WORD_SETS: ReadonlySet<string> = new Set(["finalizers"]);

const NO_ITEMS = Object.freeze([]);
const NO_ENTRIES = Object.freeze({});
const NO_BYTES = Buffer.alloc(0);

function blankOf(field: FieldSchema): unknown {
  if (field.shape === "list") return NO_ITEMS;
  if (field.shape === "map") return NO_ENTRIES;
  if (field.type === "message" || field.isOptional) return undefined;
  if (field.type === "string") return "";
  if (field.type === "bool") return false;
  return field.type === "bytes" ? NO_BYTES : 0;
}
