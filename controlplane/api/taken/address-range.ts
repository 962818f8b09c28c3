import { assert } from "../../../lib/errors.js";

/** A run of numbers that values are taken from. */
export interface NumberRange {
  readonly first: number;
  readonly count: number;
}

/** The addresses of an IPv4 CIDR that a service can have, as numbers: all but the first and the last. */
export function hostsOf(cidr: string): NumberRange {
  const [address = "", prefix = ""] = cidr.split("/");
  const length = Number(prefix);
  assert(Number.isInteger(length) && length >= 8 && length <= 30, `a service range has a prefix of 8 to 30: ${cidr}`);
  const size = 2 ** (32 - length);
  const start = Math.floor(addressNumber(address) / size) * size;
  return { first: start + 1, count: size - 2 };
}

/** An IPv4 address as a number; NaN when it is none. */
export function addressNumber(address: string): number {
  const parts = address.split(".");
  if (parts.length !== 4 || !parts.every((part) => /^\d{1,3}$/.test(part) && Number(part) < 256)) return Number.NaN;
  return parts.reduce((sum, part) => sum * 256 + Number(part), 0);
}

/** A number as an IPv4 address. */
export function addressText(number: number): string {
  return [24, 16, 8, 0].map((shift) => Math.floor(number / 2 ** shift) % 256).join(".");
}

/** True when the number lies in the range. */
export function isWithin({ first, count }: NumberRange, number: number): boolean {
  return number >= first && number < first + count;
}
