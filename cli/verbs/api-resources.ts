import { resourceName } from "../../kinds/lookup.js";
import { apiVersionOf, KINDS, type KindRow } from "../../kinds/registry.js";
import { EXIT } from "../exit-codes.js";
import { TABLE_FLAGS } from "../print.js";
import { formatTable } from "../table.js";
import { ALL } from "../targets.js";
import { verb } from "../verb.js";

/** What can be done with objects of every kind. */
const VERBS = ["create", "delete", "get", "list", "patch", "update", "watch"];

/** True when everything that the text names is among `known`; nothing named is. */
function namesAll(text: string | undefined, known: readonly string[]): boolean {
  return text === undefined || text.split(",").every((name) => known.includes(name.trim()));
}

type Named = Pick<KindRow, "group" | "plural" | "kind">;

/** By group, as the kinds stand in the table, or by one column. */
function orderBy(column: string | undefined): (left: Named, right: Named) => number {
  const keyOf = ({ group, plural, kind }: Named): string =>
    column === "name" ? plural : column === "kind" ? kind : group;
  return (left, right) => (keyOf(left) === keyOf(right) ? 0 : keyOf(left) < keyOf(right) ? -1 : 1);
}

/** Needs no cluster: the kinds are part of the program. */
export const apiResources = verb({
  forms: ["api-resources [-o wide|name] [--namespaced] [--api-group GROUP]"],
  flags: {
    output: { type: "text", short: "o", value: "FORMAT", choices: ["wide", "name"], summary: "print in this format" },
    namespaced: {
      type: "text",
      value: "BOOL",
      choices: ["true", "false"],
      bare: "true",
      summary: "only kinds that have namespaces, or have none",
    },
    apiGroup: { type: "text", value: "GROUP", summary: 'only kinds of this group, such as apps; "" is the core group' },
    verbs: { type: "text", value: "VERBS", summary: "only kinds that all of these can be done with: list,get" },
    categories: { type: "text", value: "NAMES", summary: "only kinds that all of these stand for: all" },
    sortBy: { type: "text", value: "FIELD", choices: ["name", "kind"], summary: "in the order of this column" },
    noHeaders: TABLE_FLAGS.noHeaders,
  },
  operands: "none",
  run: async ({ flags }, shell) => {
    const rows = Object.values(KINDS)
      .filter(({ isNamespaced }) => flags.namespaced === undefined || String(isNamespaced) === flags.namespaced)
      .filter(({ group }) => flags.apiGroup === undefined || group === flags.apiGroup)
      .filter(({ kind }) => namesAll(flags.categories, ALL.includes(kind) ? ["all"] : []))
      .filter(() => namesAll(flags.verbs, VERBS))
      .sort(orderBy(flags.sortBy));
    if (flags.output === "name") {
      const names = rows.map(({ kind, plural }) => resourceName(kind).replace(kind.toLowerCase(), plural));
      await shell.stdout.write(names.map((name) => `${name}\n`).join(""));
      return EXIT.ok;
    }
    const headings = ["NAME", "SHORTNAMES", "APIVERSION", "NAMESPACED", "KIND"];
    const cells = rows.map(({ kind, plural, shortNames, isNamespaced }) => [
      plural,
      shortNames.join(","),
      apiVersionOf(kind),
      String(isNamespaced),
      kind,
    ]);
    const isWide = flags.output === "wide";
    const wide = [[...headings, "VERBS"], ...cells.map((row) => [...row, VERBS.join(",")])];
    const table = isWide ? wide : [headings, ...cells];
    await shell.stdout.write(formatTable(flags.noHeaders ? table.slice(1) : table));
    return EXIT.ok;
  },
});
