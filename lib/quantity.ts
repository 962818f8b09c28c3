import { TallshipError } from "./errors.js";

const SUFFIXES: Readonly<Record<string, number>> = {
  n: 1e-9,
  u: 1e-6,
  m: 1e-3,
  "": 1,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  P: 1e15,
  E: 1e18,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
  Pi: 2 ** 50,
  Ei: 2 ** 60,
};

const FORM = /^([+-]?(?:\d+\.?\d*|\.\d+))(?:([eE][+-]?\d+)|([numkMGTPE]|[KMGTPE]i)?)$/;

/** The value of a Kubernetes quantity such as "500m", "1.5Gi" or "1e3"; undefined when it is malformed. */
export function parseQuantity(text: string): number | undefined {
  const match = FORM.exec(text);
  if (match === null) return undefined;
  const scale = match[2] !== undefined ? Number(`1${match[2]}`) : SUFFIXES[match[3] ?? ""];
  return scale === undefined ? undefined : Number(match[1]) * scale;
}

/** Thousandths of a core that a CPU quantity stands for, rounded up. Throws invalid_argument when malformed. */
export function cpuMillicores(text: string): number {
  return Math.ceil(Number((valueOfQuantity(text) * 1000).toPrecision(12)));
}

/** Bytes (or a count) that a quantity stands for, rounded up. Throws invalid_argument when malformed. */
export function quantityBytes(text: string): number {
  return Math.ceil(valueOfQuantity(text));
}

function valueOfQuantity(text: string): number {
  const value = parseQuantity(text);
  if (value === undefined)
    throw new TallshipError(
      "invalid_argument",
      `parse quantity "${text}": want a number with a unit such as 500m, 64Mi or 2`,
    );
  return value;
}

/** Writes bytes in the largest binary unit that divides them, such as "64Mi". */
export function formatBytes(bytes: number): string {
  const units = ["", "Ki", "Mi", "Gi", "Ti", "Pi"];
  let unit = 0;
  let value = bytes;
  while (value !== 0 && value % 1024 === 0 && unit < units.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${value}${units[unit]}`;
}

/** Writes thousandths of a core, such as "500m" or "2". */
export function formatMillicores(millicores: number): string {
  return millicores % 1000 === 0 ? `${millicores / 1000}` : `${millicores}m`;
}
