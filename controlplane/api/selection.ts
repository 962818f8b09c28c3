import { COPY_OF, hasCopies, isKeptCopy } from "../../kinds/config-copies.js";
import { type FieldRequirement, matchesFields, parseFieldSelector } from "../../kinds/field-selector.js";
import { matchesSelector } from "../../kinds/label-selector.js";
import { isKindName, KINDS, type KindName } from "../../kinds/registry.js";
import { parseLabelSelector } from "../../kinds/selector-text.js";
import { TallshipError } from "../../lib/errors.js";
import type { Selection } from "../../proto/gen/tallship/v1/api.js";
import type { LabelSelector } from "../../proto/gen/tallship/v1/meta.js";
import type { Cached, View } from "../cache/view.js";
import { typedOf } from "./write/reads.js";

/** A selection that was read once, for matching many objects. */
export interface CompiledSelection {
  readonly kind: KindName;
  /** Empty: all. */
  readonly namespace: string;
  /** Only an object of this name, when the selection says so. */
  readonly name: string | undefined;
  /** Only pods bound to this node, when the selection or the caller's rights say so. */
  readonly nodeName: string | undefined;
  readonly labels: LabelSelector;
  /** Labels that must have exactly one value, from `labels`. */
  readonly exactLabels: Readonly<Record<string, string>>;
  readonly fields: readonly FieldRequirement[];
  /** Copies of ConfigMaps and Secrets are left out: nobody asks for them by name or by their label. */
  readonly isWithoutCopies: boolean;
}

/** Reads a selection. `onlyNode` adds what the caller's rights demand, whatever the request says. Throws invalid_argument, unknown_kind. */
export function compileSelection(selection: Selection, onlyNode: string | undefined): CompiledSelection {
  const { kind, namespace } = selection;
  if (!isKindName(kind)) throw new TallshipError("unknown_kind", `select: there is no kind "${kind}"`);
  const labels = parseLabelSelector(selection.labels);
  const demanded = onlyNode === undefined ? [] : [{ path: "spec.nodeName", isEqual: true, value: onlyNode }];
  const fields = [...parseFieldSelector(selection.fields), ...demanded];
  const exactly = (path: string): string | undefined =>
    fields.findLast((field) => field.path === path && field.isEqual)?.value;
  const exactLabels = labels.matchExpressions.filter(
    ({ operator, values }) => operator === "In" && values.length === 1,
  );
  return {
    kind,
    namespace: KINDS[kind].isNamespaced ? namespace || (exactly("metadata.namespace") ?? "") : "",
    name: exactly("metadata.name"),
    nodeName: kind === "Pod" ? exactly("spec.nodeName") : undefined,
    labels,
    exactLabels: Object.fromEntries(exactLabels.map(({ key, values }) => [key, values[0] ?? ""])),
    fields,
    isWithoutCopies:
      hasCopies(kind) &&
      exactly("metadata.name") === undefined &&
      labels.matchExpressions.every(({ key }) => key !== COPY_OF),
  };
}

/** True when the object is selected. */
export function isSelected(selection: CompiledSelection, cached: Cached): boolean {
  const meta = cached.object.metadata;
  if (cached.kind !== selection.kind || meta === undefined) return false;
  if (selection.namespace !== "" && meta.namespace !== selection.namespace) return false;
  if (selection.isWithoutCopies && isKeptCopy(cached.kind, meta)) return false;
  if (selection.name !== undefined && meta.name !== selection.name) return false;
  if (selection.labels.matchExpressions.length > 0 && !matchesSelector(selection.labels, meta.labels)) return false;
  return selection.fields.length === 0 || matchesFields(selection.fields, typedOf(cached));
}

/** Everything selected, in order of namespace and name, by the narrowest index there is. */
export function selectFrom(view: View, selection: CompiledSelection): readonly Cached[] {
  const candidates = candidatesFrom(view, selection);
  return candidates.filter((cached) => isSelected(selection, cached));
}

function candidatesFrom(view: View, selection: CompiledSelection): readonly Cached[] {
  const { kind, namespace, name, nodeName, exactLabels } = selection;
  if (name !== undefined && (namespace !== "" || !KINDS[kind].isNamespaced)) {
    const one = view.cached(kind, namespace, name);
    return one === undefined ? [] : [one];
  }
  if (nodeName !== undefined) return view.podsOnNode(nodeName);
  if (namespace !== "" && Object.keys(exactLabels).length > 0) return view.withLabels(kind, namespace, exactLabels);
  return view.list(kind, namespace === "" ? undefined : namespace);
}
