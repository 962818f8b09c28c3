import type { IntOrString } from "../../proto/gen/tallship/v1/meta.js";

/** What a count or percentage comes to of a total, not rounded; 0 when there is neither. */
export function shareOf({ value }: IntOrString, total: number): number {
  if (value === undefined) return 0;
  if (value.$case === "intVal") return value.value;
  // Multiplied first: 0.07 × 100 is a little more than 7.
  return (Number.parseInt(value.value, 10) * total) / 100;
}
