/** One line of a page of metrics. */
export interface Sample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

const LINE = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})?\s+(\S+)(?:\s+-?\d+)?\s*$/;
const LABEL = /([a-zA-Z_]\w*)\s*=\s*"((?:[^"\\]|\\.)*)"\s*(?:,|$)/g;

/**
 * The samples of the named metrics in a page of Prometheus' text format, in their order. Lines that make no sense are passed over, and so are values that are no
 * number: a page is as good as the program that wrote it.
 */
export function samplesIn(page: string, names: ReadonlySet<string>): readonly Sample[] {
  return page.split("\n").flatMap((line) => {
    // Most lines are of other metrics: their name decides without reading the rest.
    const end = line.search(/[{\s]/);
    if (end <= 0 || !names.has(line.slice(0, end))) return [];
    const match = LINE.exec(line);
    const value = Number(match?.[3]);
    if (match === null || !Number.isFinite(value)) return [];
    return [{ name: match[1] ?? "", labels: labelsIn(match[2] ?? ""), value }];
  });
}

function labelsIn(text: string): Readonly<Record<string, string>> {
  const pairs = Array.from(text.matchAll(LABEL), ([, name = "", value = ""]) => [name, unescaped(value)] as const);
  return Object.fromEntries(pairs);
}

function unescaped(value: string): string {
  return value.replace(/\\(.)/g, (_whole, character: string) => (character === "n" ? "\n" : character));
}
