/** One step of a path: each takes values and gives values. */
export type Step =
  | { readonly is: "field"; readonly name: string }
  /** A name in quotes: the field of exactly that name, else what its parts between dots lead to, as with kubectl. */
  | { readonly is: "key"; readonly name: string; readonly path: readonly Step[] }
  | { readonly is: "wildcard" }
  | { readonly is: "recursive" }
  | {
      readonly is: "slice";
      readonly from: number | undefined;
      readonly to: number | undefined;
      readonly step: number | undefined;
    }
  | { readonly is: "index"; readonly at: number }
  | { readonly is: "union"; readonly parts: readonly Step[] }
  | { readonly is: "filter"; readonly test: Filter };

/** A condition on an element: that a path leads somewhere, or how two sides compare. */
export type Filter =
  | { readonly is: "exists"; readonly path: readonly Step[] }
  | { readonly is: "compare"; readonly sign: Sign; readonly left: Operand; readonly right: Operand };

/** How two sides compare. */
export type Sign = "==" | "!=" | "<" | "<=" | ">" | ">=";

/** One side of a comparison. */
export type Operand =
  | { readonly is: "path"; readonly path: readonly Step[] }
  | { readonly is: "literal"; readonly value: string | number | boolean };

/** A piece of a template. */
export type Part =
  | { readonly is: "text"; readonly text: string }
  | { readonly is: "path"; readonly path: readonly Step[] }
  | { readonly is: "range"; readonly path: readonly Step[]; readonly body: readonly Part[] };
