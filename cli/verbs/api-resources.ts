import { resourceName } from "../../kinds/lookup.js";
import { apiVersionOf, KINDS } from "../../kinds/registry.js";
import { EXIT } from "../exit-codes.js";
import { TABLE_FLAGS } from "../print.js";
import { formatTable } from "../table.js";
import { verb } from "../verb.js";

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
    noHeaders: TABLE_FLAGS.noHeaders,
  },
  operands: "none",
  run: async ({ flags }, shell) => {
    const rows = Object.values(KINDS)
      .filter(({ isNamespaced }) => flags.namespaced === undefined || String(isNamespaced) === flags.namespaced)
      .filter(({ group }) => flags.apiGroup === undefined || group === flags.apiGroup)
      .sort((left, right) => (left.group === right.group ? 0 : left.group < right.group ? -1 : 1));
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
    const verbs = "create,delete,get,list,patch,update,watch";
    const wide = [[...headings, "VERBS"], ...cells.map((row) => [...row, verbs])];
    const table = isWide ? wide : [headings, ...cells];
    await shell.stdout.write(formatTable(flags.noHeaders ? table.slice(1) : table));
    return EXIT.ok;
  },
});
