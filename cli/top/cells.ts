import type { TopResponse } from "../../proto/gen/tallship/v1/explain.js";
import type { Shell } from "../shell.js";

/** How long an answer may take: nodes may have to measure first. */
export const TOP_MS = 20_000;

/** The flag that orders rows. */
export interface SortFlags {
  readonly sortBy: string | undefined;
}

/** An amount as kubectl's top shows it: thousandths of a core, and mebibytes. */
export function amountCell(resource: string, amount: number | undefined): string {
  if (amount === undefined) return "<unknown>";
  return resource === "cpu" ? `${Math.round(amount)}m` : `${Math.round(amount / 2 ** 20)}Mi`;
}

/** Rows with the largest use first; in their order without a wish, and where use is equal or unknown. */
export function sortedBy<T>(
  rows: readonly T[],
  sortBy: string | undefined,
  used: (row: T, resource: "cpu" | "memory") => number | undefined,
): readonly T[] {
  if (sortBy !== "cpu" && sortBy !== "memory") return rows;
  return [...rows].sort((left, right) => (used(right, sortBy) ?? -1) - (used(left, sortBy) ?? -1));
}

/** Says why nothing is known of what is used. */
export async function tellProblem({ usageProblem }: TopResponse, shell: Shell): Promise<void> {
  if (usageProblem !== "") await shell.stderr.write(`warning: what is used is not known: ${usageProblem}\n`);
}
