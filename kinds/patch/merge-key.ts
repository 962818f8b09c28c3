import { type FieldSchema, messageSchema } from "../schema.js";
import { entryOf, scalarText, type TreeNode } from "../yaml/tree.js";

/** What tells the elements of a list apart: the fields of the schema's mergeKey, the first of which every element has. */
export interface MergeKey {
  readonly fields: readonly { readonly name: string; readonly default: string }[];
}

/** The merge key of a list; undefined when its elements have none and it is replaced as a whole. */
export function mergeKeyOf(field: FieldSchema): MergeKey | undefined {
  if (field.shape !== "list" || field.rule.mergeKey === "") return undefined;
  const schema = messageSchema(field.messageName);
  const fields = field.rule.mergeKey
    .split(",")
    .map((name) => ({ name, default: schema.byName.get(name)?.rule.default ?? "" }));
  return { fields };
}

/** True when the element names itself: it has the key's first field. */
export function hasKey(element: TreeNode, { fields }: MergeKey): boolean {
  const [first] = fields;
  return first !== undefined && keyValue(element, first.name) !== undefined;
}

/**
 * The element that another one of a patch stands for. Two with the same first field are told apart by the others, defaults filled in; a patch
 * that leaves them out means the only one there is.
 */
export function matchOf<T extends TreeNode>(element: TreeNode, among: readonly T[], key: MergeKey): T | undefined {
  const identity = identityOf(element, key);
  const exact = among.find((other) => identityOf(other, key) === identity);
  if (exact !== undefined) return exact;
  const [first, ...others] = key.fields;
  if (first === undefined || others.some(({ name }) => keyValue(element, name) !== undefined)) return undefined;
  const alike = among.filter((other) => keyValue(other, first.name) === keyValue(element, first.name));
  return alike.length === 1 ? alike[0] : undefined;
}

function identityOf(element: TreeNode, { fields }: MergeKey): string {
  return JSON.stringify(fields.map((field) => keyValue(element, field.name) ?? field.default));
}

function keyValue(element: TreeNode, name: string): string | undefined {
  return (element.is === "map" ? scalarText(entryOf(element, name)?.value) : "") || undefined;
}
