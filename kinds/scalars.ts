import type { FieldSchema, ScalarType } from "./schema.js";
import { describeNode, plainKind, type ScalarNode } from "./yaml/tree.js";

/** A scalar read as a field's type, or a sentence on why it cannot be. */
export type ScalarReading =
  | { readonly is: "value"; readonly value: unknown }
  | { readonly is: "wrong"; readonly why: string };

/** Reads a scalar as the type of the field it stands in. The node is not null. */
export function readScalar(node: ScalarNode, field: FieldSchema): ScalarReading {
  return READERS[field.type === "message" ? "string" : field.type](node, field);
}

const READERS: Readonly<Record<ScalarType, (node: ScalarNode, field: FieldSchema) => ScalarReading>> = {
  string: readString,
  bool: readBool,
  bytes: readBytes,
  int32: (node) => readWhole(node, -2_147_483_648, 2_147_483_647),
  uint32: (node) => readWhole(node, 0, 4_294_967_295),
  int64: (node) => readWhole(node, Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER),
  uint64: (node) => readWhole(node, 0, Number.MAX_SAFE_INTEGER),
  double: readDouble,
};

function value(result: unknown): ScalarReading {
  return { is: "value", value: result };
}

function wrong(why: string): ScalarReading {
  return { is: "wrong", why };
}

/** Quantities may be written as numbers; every other string that looks like one lost its quotes. */
function readString(node: ScalarNode, field: FieldSchema): ScalarReading {
  const kind = plainKind(node);
  if (kind === "string" || field.rule.format === "quantity") return value(node.text);
  return wrong(`want a string, found ${describeNode(node)}; put it in quotes`);
}

const TRUE_WORDS: ReadonlySet<string> = new Set(["true", "yes", "on"]);
const FALSE_WORDS: ReadonlySet<string> = new Set(["false", "no", "off"]);

/** In a field that can only be true or false the unquoted words of YAML 1.1 mean what they meant to Kubernetes. */
function readBool(node: ScalarNode): ScalarReading {
  const word = node.text.toLowerCase();
  if (node.isPlain && TRUE_WORDS.has(word)) return value(true);
  if (node.isPlain && FALSE_WORDS.has(word)) return value(false);
  return wrong(`want true or false, found ${describeNode(node)}`);
}

function readBytes(node: ScalarNode): ScalarReading {
  if (node.isPlain && plainKind(node) !== "string" && !/^[0-9A-Za-z+/]+$/.test(node.text))
    return wrong(`want base64, found ${describeNode(node)}`);
  const text = node.text.replace(/[\r\n]/g, "");
  const isBase64 = text.length % 4 === 0 && /^[A-Za-z0-9+/]*={0,2}$/.test(text);
  return isBase64 ? value(Buffer.from(text, "base64")) : wrong("want base64, found other characters or a wrong length");
}

/** Reads a whole number. A leading zero means octal, as in every file mode of a Kubernetes manifest. */
function readWhole(node: ScalarNode, min: number, max: number): ScalarReading {
  const kind = plainKind(node);
  if (kind === "string" && !node.isPlain && /^[-+]?\d+$/.test(node.text))
    return wrong(`want a whole number, found ${describeNode(node)}; remove the quotes`);
  if (kind !== "int" && kind !== "float") return wrong(`want a whole number, found ${describeNode(node)}`);
  if (/^[-+]?0[0-9]+$/.test(node.text) && !/^[-+]?0[0-7]+$/.test(node.text))
    return wrong(`want a whole number, found ${node.text}: a leading zero means octal, which has no 8 or 9`);
  const number = wholeOf(node.text);
  if (!Number.isInteger(number)) return wrong(`want a whole number, found ${describeNode(node)}`);
  if (number < min || number > max) return wrong(`want a number from ${min} to ${max}, found ${node.text}`);
  return value(number === 0 ? 0 : number);
}

/** A number as written; a leading zero means octal, as in every file mode of a Kubernetes manifest. NaN when it is none. */
export function wholeOf(text: string): number {
  const octal = /^([-+]?)0([0-7]+)$/.exec(text);
  if (octal === null) return Number(text);
  return (octal[1] === "-" ? -1 : 1) * Number.parseInt(octal[2] ?? "", 8);
}

function readDouble(node: ScalarNode): ScalarReading {
  const kind = plainKind(node);
  const number = Number(node.text);
  const isNumber = (kind === "int" || kind === "float") && Number.isFinite(number);
  return isNumber ? value(number) : wrong(`want a number, found ${describeNode(node)}`);
}

/** Reads a whole number or a string: the value of an IntOrString message. */
export function readIntOrString(node: ScalarNode): ScalarReading {
  const kind = plainKind(node);
  if (kind === "string") return value({ value: { $case: "strVal", value: node.text } });
  const whole = readWhole(node, -2_147_483_648, 2_147_483_647);
  return whole.is === "wrong" ? whole : value({ value: { $case: "intVal", value: whole.value } });
}
