import { TallshipError } from "../lib/errors.js";
import { formatReference, parseReference } from "./image-reference.js";

/** How the images that a Dockerfile stands on are looked for. */
export interface BaseTerms {
  /** Values for ARGs, NAME=value each. */
  readonly args: readonly string[];
  /** Stage after which nothing counts, by name or number; empty: none. */
  readonly target: string;
}

/**
 * The images that a Dockerfile stands on (FROM, COPY --from, RUN --mount=from), whole names in its order, each once. Everything else in it is the builder's to judge. Throws invalid_argument
 * when there is no FROM, or one without an image's name.
 */
export function baseImages(dockerfile: string, { args, target }: BaseTerms): readonly string[] {
  const reading: Reading = { bases: new Set(), stages: new Set(), count: 0, args: new Map(), given: givenArgs(args) };
  for (const words of instructions(dockerfile)) {
    const isNext = words[0]?.toUpperCase() === "FROM";
    if (isNext && target !== "" && isReached(reading, target)) break;
    read(reading, words);
  }
  if (reading.count === 0) throw new TallshipError("invalid_argument", "the Dockerfile has no FROM");
  return [...reading.bases];
}

interface Reading {
  readonly bases: Set<string>;
  /** Names of stages so far, in lower case. */
  readonly stages: Set<string>;
  count: number;
  /** Before the first FROM. */
  readonly args: Map<string, string>;
  readonly given: ReadonlyMap<string, string>;
}

function givenArgs(args: readonly string[]): ReadonlyMap<string, string> {
  return new Map(args.map((arg) => [arg.replace(/=.*$/s, ""), arg.slice(arg.indexOf("=") + 1)]));
}

function isReached({ stages, count }: Reading, target: string): boolean {
  return stages.has(target.toLowerCase()) || (/^\d+$/.test(target) && Number(target) < count);
}

function read(reading: Reading, [verb = "", ...words]: readonly string[]): void {
  switch (verb.toUpperCase()) {
    case "ARG":
      if (reading.count === 0) for (const word of words) declare(reading, word);
      break;
    case "FROM":
      readFrom(
        reading,
        words.filter((word) => !word.startsWith("--")),
      );
      break;
    case "COPY":
    case "ADD":
      note(reading, words.find((word) => word.startsWith("--from="))?.slice("--from=".length));
      break;
    case "RUN":
      for (const word of words) note(reading, /^--mount=.*\bfrom=([^,]+)/.exec(word)?.[1]);
      break;
    default: // Says nothing of images.
  }
}

function declare({ args, given }: Reading, word: string): void {
  const [name = "", ...value] = word.split("=");
  const found = given.get(name) ?? expand(unquoted(value.join("=")), args);
  args.set(name, found);
}

function readFrom(reading: Reading, [written = "", as, name]: readonly string[]): void {
  const image = expand(unquoted(written), reading.args);
  if (image === "")
    throw new TallshipError("invalid_argument", `FROM ${written}: no image's name; give the ARG in it a value`);
  note(reading, image);
  reading.count += 1;
  if (as?.toUpperCase() === "AS" && name !== undefined) reading.stages.add(name.toLowerCase());
}

/** An image, unless it is a stage, by name or number, or nothing. */
function note({ bases, stages }: Reading, image: string | undefined): void {
  if (image === undefined || image === "scratch" || stages.has(image.toLowerCase()) || /^\d+$/.test(image)) return;
  bases.add(formatReference(parseReference(image)));
}

function unquoted(text: string): string {
  return /^(["'])(.*)\1$/s.exec(text)?.[2] ?? text;
}

const VARIABLE = /\$(?:\{([A-Za-z_]\w*)(?::([-+])([^}]*))?\}|([A-Za-z_]\w*))/g;

function expand(text: string, args: ReadonlyMap<string, string>): string {
  return text.replace(VARIABLE, (_, braced?: string, sign?: string, word = "", bare?: string) => {
    const value = args.get(braced ?? bare ?? "") ?? "";
    if (sign === "-") return value === "" ? word : value;
    if (sign === "+") return value === "" ? "" : word;
    return value;
  });
}

/** The words of each instruction; lines that go on are one, comments between them are none. */
function* instructions(dockerfile: string): Generator<readonly string[]> {
  const isBacktick = /^(?:#[^\n]*\n)*#\s*escape\s*=\s*`/i.test(dockerfile);
  const goesOn = isBacktick ? /`[ \t]*$/ : /\\[ \t]*$/;
  let gathered = "";
  for (const line of dockerfile.replace(/^\uFEFF/, "").split(/\r?\n/)) {
    if (/^\s*(#|$)/.test(line)) continue;
    gathered += line.replace(goesOn, " ");
    if (goesOn.test(line)) continue;
    yield gathered.trim().split(/\s+/);
    gathered = "";
  }
  if (gathered !== "") yield gathered.trim().split(/\s+/);
}
