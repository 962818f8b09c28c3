import { usageError } from "../verb.js";

/** A map out of `NAME=VALUE` texts; `flag` is what a user is told of one that has another form. */
export function pairsOf(flag: string, texts: readonly string[]): Readonly<Record<string, string>> {
  const pairs = texts.map((text) => {
    const equals = text.indexOf("=");
    if (equals < 1) throw usageError(`${flag}: "${text}" is not NAME=VALUE`);
    return [text.slice(0, equals), text.slice(equals + 1)] as const;
  });
  return Object.fromEntries(pairs);
}
