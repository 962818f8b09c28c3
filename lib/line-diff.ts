/** A line of a comparison: in both texts, only in the first, or only in the second. */
export interface DiffLine {
  readonly is: "same" | "removed" | "added";
  readonly text: string;
}

/** Differences looked for before the rest is taken as replaced: the work grows with their square. */
const MOST_CHANGES = 2_000;

/** The shortest way from one text's lines to another's (Myers). Texts that differ in very many lines count as replaced between their common ends. */
export function diffLines(before: readonly string[], after: readonly string[]): readonly DiffLine[] {
  let start = 0;
  while (start < before.length && start < after.length && before[start] === after[start]) start += 1;
  let end = 0;
  const shortest = Math.min(before.length, after.length) - start;
  while (end < shortest && before[before.length - 1 - end] === after[after.length - 1 - end]) end += 1;
  const left = before.slice(start, before.length - end);
  const right = after.slice(start, after.length - end);
  const same = (lines: readonly string[]): readonly DiffLine[] => lines.map((text) => ({ is: "same", text }));
  const middle = shortestEdit(left, right) ?? replaced(left, right);
  return [...same(before.slice(0, start)), ...middle, ...same(before.slice(before.length - end))];
}

function replaced(left: readonly string[], right: readonly string[]): readonly DiffLine[] {
  return [
    ...left.map((text): DiffLine => ({ is: "removed", text })),
    ...right.map((text): DiffLine => ({ is: "added", text })),
  ];
}

/** Undefined when it takes more than MOST_CHANGES. */
function shortestEdit(left: readonly string[], right: readonly string[]): readonly DiffLine[] | undefined {
  const frontiers: Map<number, number>[] = [];
  let frontier = new Map([[1, 0]]);
  for (let changes = 0; changes <= Math.min(MOST_CHANGES, left.length + right.length); changes += 1) {
    frontiers.push(frontier);
    frontier = advanced(frontier, changes, left, right);
    if ((frontier.get(left.length - right.length) ?? -1) >= left.length) return walkBack(frontiers, left, right);
  }
  return undefined;
}

/** How far each diagonal gets with one change more. */
function advanced(
  from: ReadonlyMap<number, number>,
  changes: number,
  left: readonly string[],
  right: readonly string[],
): Map<number, number> {
  const reached = new Map<number, number>();
  for (let diagonal = -changes; diagonal <= changes; diagonal += 2) {
    let x = startOn(from, diagonal, changes);
    while (x < left.length && x - diagonal < right.length && left[x] === right[x - diagonal]) x += 1;
    reached.set(diagonal, x);
  }
  return reached;
}

function startOn(from: ReadonlyMap<number, number>, diagonal: number, changes: number): number {
  return isDown(from, diagonal, changes) ? (from.get(diagonal + 1) ?? 0) : (from.get(diagonal - 1) ?? 0) + 1;
}

/** True when the diagonal is reached by adding a line rather than by removing one. */
function isDown(from: ReadonlyMap<number, number>, diagonal: number, changes: number): boolean {
  if (diagonal === -changes) return true;
  return diagonal !== changes && (from.get(diagonal - 1) ?? -1) < (from.get(diagonal + 1) ?? -1);
}

function walkBack(
  frontiers: readonly ReadonlyMap<number, number>[],
  left: readonly string[],
  right: readonly string[],
): readonly DiffLine[] {
  const lines: DiffLine[] = [];
  let [x, y] = [left.length, right.length];
  for (let changes = frontiers.length - 1; changes >= 0; changes -= 1) {
    const from = frontiers[changes] ?? new Map<number, number>();
    const diagonal = x - y;
    const isAdded = isDown(from, diagonal, changes);
    const startX = changes === 0 ? 0 : startOn(from, diagonal, changes);
    for (; x > startX; x -= 1, y -= 1) lines.push({ is: "same", text: left[x - 1] ?? "" });
    if (changes === 0) break;
    if (isAdded) lines.push({ is: "added", text: right[--y] ?? "" });
    else lines.push({ is: "removed", text: left[--x] ?? "" });
  }
  return lines.reverse();
}

/** A run of changes with the lines around it, as a unified diff has it. */
export interface Hunk {
  /** Numbers of the first lines, from 1, and how many there are. */
  readonly before: { readonly first: number; readonly count: number };
  readonly after: { readonly first: number; readonly count: number };
  readonly lines: readonly DiffLine[];
}

/** Cuts a comparison into hunks with this many lines around each change. */
export function hunksOf(lines: readonly DiffLine[], around: number): readonly Hunk[] {
  const changed = lines.flatMap(({ is }, at) => (is === "same" ? [] : [at]));
  const ranges: { from: number; to: number }[] = [];
  for (const at of changed) {
    const last = ranges.at(-1);
    if (last !== undefined && at - around <= last.to) last.to = at + around + 1;
    else ranges.push({ from: Math.max(0, at - around), to: at + around + 1 });
  }
  return ranges.map(({ from, to }) => hunkOf(lines, from, Math.min(to, lines.length)));
}

function hunkOf(lines: readonly DiffLine[], from: number, to: number): Hunk {
  const count = (part: readonly DiffLine[], other: DiffLine["is"]): number =>
    part.filter(({ is }) => is !== other).length;
  const [above, own] = [lines.slice(0, from), lines.slice(from, to)];
  const span = (other: DiffLine["is"]): { readonly first: number; readonly count: number } => {
    const size = count(own, other);
    return { first: count(above, other) + (size === 0 ? 0 : 1), count: size };
  };
  return { before: span("added"), after: span("removed"), lines: own };
}
