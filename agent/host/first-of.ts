const SHOWN = 5;

/** Problems in a line for people: the first ones, and how many more there are. */
export function firstOf(problems: readonly string[]): string {
  const rest = problems.length - SHOWN;
  return [...problems.slice(0, SHOWN), ...(rest > 0 ? [`${rest} more`] : [])].join("; ");
}
