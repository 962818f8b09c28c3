import { ERRORS } from "../../lib/errors.js";
import { LIMITS } from "../../lib/limits.js";
import { fieldsPage } from "./fields-page.js";

const NOTICE = "<!-- Generated from the code; `npm run docs` writes it, a test compares it. -->";

/** The documents that are written from tables in the code, by path. */
export function generatedDocs(): Readonly<Record<string, string>> {
  return { "docs/errors.md": errorsPage(), "docs/fields.md": fieldsPage(NOTICE), "docs/limits.md": limitsPage() };
}

function errorsPage(): string {
  const rows = Object.entries(ERRORS).map(
    ([code, { grpc, retry, meaning }]) => `| \`${code}\` | ${meaning} | ${retry} | ${grpc} |`,
  );
  return page(
    "Errors",
    "Every failure Tallship reports carries one of these codes.",
    ["code", "meaning", "tried again", "gRPC status"],
    rows,
  );
}

function limitsPage(): string {
  const rows = Object.entries(LIMITS).map(
    ([name, { value, why }]) => `| \`${name}\` | ${value.toLocaleString("en-US")} | ${why} |`,
  );
  return page(
    "Limits",
    "Everything has a bound, and every bound a reason. The unit is the last part of the name.",
    ["limit", "value", "why"],
    rows,
  );
}

function page(title: string, intro: string, columns: readonly string[], rows: readonly string[]): string {
  const head = [`| ${columns.join(" | ")} |`, `|${columns.map(() => "---").join("|")}|`];
  return [`# ${title}`, "", NOTICE, "", intro, "", ...head, ...rows, ""].join("\n");
}
