/** Whether a value, absent when undefined, stands to values as the operator says; undefined when the operator is not one of sets. */
export function holdsOfSet(
  operator: string,
  value: string | undefined,
  values: readonly string[],
): boolean | undefined {
  switch (operator) {
    case "In":
      return value !== undefined && values.includes(value);
    case "NotIn":
      return value === undefined || !values.includes(value);
    case "Exists":
      return value !== undefined;
    case "DoesNotExist":
      return value === undefined;
    default:
      return undefined;
  }
}
