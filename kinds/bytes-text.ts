const UNITS = ["B", "kB", "MB", "GB", "TB", "PB"] as const;

/** Bytes for people, in Docker's form: three digits and a decimal unit, such as 4.86MB or 712kB. */
export function bytesText(bytes: number): string {
  let value = bytes;
  let at = 0;
  while (value >= 1_000 && at < UNITS.length - 1) {
    value /= 1_000;
    at += 1;
  }
  return `${Number(value.toPrecision(3))}${UNITS[at]}`;
}
